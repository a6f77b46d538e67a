import type { Disk, DiskFile, OpenMode } from '../../../services/runtime/storage/index.ts';

/**
 * A disk that does everything a real one may do. What a process writes goes into the cache, which other processes see at
 * once and which survives them. A power cut keeps of it what was synced, and of everything else what chance decides: each
 * 512-byte sector keeps one of the contents it was given since the last sync, or the one before; a file's length likewise;
 * each name that was made, renamed or removed since the last sync of its directory is so, or is not.
 */
export interface SimDisk {
  /** The disk as one process sees it. `isThere`: whether the path to it still leads here; open files are open in any case. */
  mount(process: Process, isThere?: () => boolean): Disk;
  /** What survives of it all is what was durable, and what chance adds. Steps that have not ended never do anything. */
  cutPower(): void;
  /** A directory in this one; undefined when there is none of the name. */
  inside(name: string): SimDisk | undefined;
  /** What of a file is durable, under its name; undefined when that is not. Not to be changed. */
  durable(name: string): Buffer | undefined;
  /** Changes a byte of a file, also on the platter, as rot does. */
  corrupt(name: string, offset: number): void;
  /** Brings a file back, durably, as an administrator may from a backup. */
  put(name: string, bytes: Buffer): void;
  /** Removes a file for good, as an administrator may. */
  remove(name: string): void;
  /**
   * Takes all names away while files are open, as who moves what is in a directory, or removes it.
   * @returns what brings them back, durably, in place of what got the same names meanwhile
   */
  takeAway(): () => void;
  names(): readonly string[];
  size(name: string): number;
  /** Bytes of all files together, also of those in directories. */
  usedBytes(): number;
  /** Syncs do nothing, and say that they did. In a directory it is as in the one around it. */
  lies: boolean;
  /** Bytes that all files may have together. A directory in another one has the capacity of that one. */
  capacityBytes: number;
}

/** What a simulated process does to a disk, as its hook sees it. */
export type Step = {
  readonly operation:
    | 'list'
    | 'open'
    | 'size'
    | 'read'
    | 'write'
    | 'datasync'
    | 'isAt'
    | 'close'
    | 'rename'
    | 'unlink'
    | 'syncDirectory'
    | 'makeDirectory'
    | 'removeDirectory';
  readonly name: string;
};

/** What happens to one step: it is done, it fails, or the process never sees it end, and it is done in part or wholly. */
export type Fate = 'done' | 'EIO' | 'ENOSPC' | 'dies' | 'diesAfter';

/** What a step that fails, or in which the process dies, may still have done. */
type Partly = (fate: Exclude<Fate, 'done' | 'diesAfter'>) => void;

/** Decides the fate of each step of one process; may wait, so that a test orders the steps of several. */
export type Process = (step: Step) => Fate | Promise<Fate>;

const SECTOR_BYTES = 512;

/** A file, or a directory, which has its own disk in it. */
type Inode = {
  /** Longer than the file, so that it can grow; zeros behind its end. */
  cache: Buffer;
  length: number;
  durable: Buffer;
  durableLength: number;
  /** Sectors written since the last sync, and what they held since then and before the last write, oldest first. */
  dirty: Map<number, Buffer[]>;
  /** Lengths since the last sync. */
  lengths: number[];
  readonly inside: SimDisk | undefined;
};
type NameChange = { readonly removed: string | undefined; readonly added: string | undefined; readonly inode: Inode };

/** Of one's own: a process that waits for a promise which others have too is kept for as long as that is. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** @param random from 0 to below 1; decides everything that chance decides; @param outer the disk that this is a directory of */
export function simDisk(random: () => number, outer?: SimDisk): SimDisk {
  let names = new Map<string, Inode>();
  let durableNames = new Map<string, Inode>();
  let changes: NameChange[] = [];
  let powerCuts = 0;
  /** Sorted, until a name changes. */
  let sorted: readonly string[] | undefined;

  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;

  function find(name: string): Inode {
    const inode = names.get(name);
    if (inode === undefined) throw systemError('ENOENT', name);
    return inode;
  }

  function change(removed: string | undefined, added: string | undefined, inode: Inode): void {
    apply(names, { removed, added, inode });
    changes.push({ removed, added, inode });
    sorted = undefined;
  }

  /** What the platter may hold of a file whose last writes were not synced. */
  function settle(inode: Inode): void {
    const length = pick([inode.durableLength, ...inode.lengths]);
    inode.durable = grown(inode.durable, length);
    inode.durable.fill(0, length);
    for (const [sector, before] of inode.dirty) {
      const content = pick([undefined, ...before, contentOf(inode, sector)]);
      const at = sector * SECTOR_BYTES;
      if (content !== undefined && at < length)
        content.copy(inode.durable, at, 0, Math.min(content.length, length - at));
    }
    inode.durableLength = length;
    clean(inode);
  }

  const disk: SimDisk = {
    capacityBytes: Number.MAX_SAFE_INTEGER,
    lies: false,
    mount,
    inside: (name) => names.get(name)?.inside,
    durable(name) {
      const inode = durableNames.get(name);
      return inode?.durable.subarray(0, inode.durableLength);
    },
    cutPower() {
      powerCuts++;
      const survivors = new Map(durableNames);
      for (const one of changes) if (random() < 0.5) apply(survivors, one);
      for (const inode of new Set(survivors.values())) {
        settle(inode);
        inode.cache = Buffer.from(inode.durable);
        inode.length = inode.durableLength;
      }
      for (const inode of new Set([...names.values(), ...survivors.values()])) inode.inside?.cutPower();
      names = survivors;
      sorted = undefined;
      durableNames = new Map(survivors);
      changes = [];
    },
    corrupt(name, offset) {
      const { cache, durable } = find(name);
      for (const bytes of [cache, durable]) {
        if (offset < bytes.length) bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x40, offset);
      }
    },
    put(name, bytes) {
      disk.remove(name);
      const inode = newInode(undefined);
      write(inode, 0, bytes);
      sync(inode);
      names.set(name, inode);
      durableNames.set(name, inode);
      sorted = undefined;
    },
    remove(name) {
      names.delete(name);
      durableNames.delete(name);
      sorted = undefined;
      changes = changes.filter((one) => one.added !== name);
    },
    takeAway() {
      const taken = [...names];
      names = new Map();
      durableNames = new Map();
      changes = [];
      sorted = undefined;
      return () => {
        for (const [name, inode] of taken) {
          names.set(name, inode);
          durableNames.set(name, inode);
          changes = changes.filter((one) => one.added !== name && one.removed !== name);
        }
        sorted = undefined;
      };
    },
    names: () => (sorted ??= [...names.keys()].sort()),
    size: (name) => find(name).length,
    usedBytes() {
      let used = 0;
      for (const inode of new Set(names.values())) used += inode.length + (inode.inside?.usedBytes() ?? 0);
      return used;
    },
  };

  const whole = outer ?? disk;

  function hasRoom(bytes: number): boolean {
    return whole.capacityBytes === Number.MAX_SAFE_INTEGER || whole.usedBytes() + bytes <= whole.capacityBytes;
  }

  function create(name: string): Inode {
    const existing = names.get(name);
    if (existing !== undefined) {
      truncate(existing);
      return existing;
    }
    const inode = newInode(undefined);
    change(undefined, name, inode);
    return inode;
  }

  function mount(process: Process, isThere: () => boolean = () => true): Disk {
    /** Waits for the fate of a step. */
    async function step<T>(operation: Step['operation'], name: string, work: () => T, partly?: Partly): Promise<T> {
      const before = powerCuts;
      const fate = await process({ operation, name });
      if (before !== powerCuts) return never();
      if (fate === 'done') return work();
      if (fate === 'diesAfter') work();
      else partly?.(fate);
      if (fate === 'dies' || fate === 'diesAfter') return never();
      throw systemError(fate, name);
    }

    /** A step that goes by a name. */
    function nameStep<T>(
      operation: Step['operation'],
      name: string,
      work: () => T,
      partly: () => void = () => undefined,
    ): Promise<T> {
      const reached = (): T => {
        if (!isThere()) throw systemError('ENOENT', name);
        return work();
      };
      return step(operation, name, reached, () => isThere() && partly());
    }

    function file(name: string, inode: Inode, mode: OpenMode): DiskFile {
      let open = true;
      /** A step that goes by an open file. */
      const fileStep = <T>(operation: Step['operation'], work: () => T, partly?: Partly): Promise<T> =>
        open ? step(operation, name, work, partly) : Promise.reject(systemError('EBADF', name));
      return {
        size: () => fileStep('size', () => inode.length),
        read: (offset, length) =>
          fileStep('read', () => Buffer.from(inode.cache.subarray(offset, Math.min(offset + length, inode.length)))),
        writeAt(offset, bytes) {
          if (mode === 'read') return Promise.reject(systemError('EBADF', name));
          const all = (): void => {
            if (hasRoom(Math.max(0, offset + bytes.length - inode.length))) return write(inode, offset, bytes);
            write(inode, offset, bytes.subarray(0, Math.floor(random() * bytes.length)));
            throw systemError('ENOSPC', name);
          };
          return fileStep('write', all, () => write(inode, offset, bytes, () => random() < 0.5));
        },
        datasync() {
          const all = (): void => {
            if (!whole.lies) sync(inode);
          };
          return fileStep('datasync', all, (fate) => {
            // After a failed sync the system believes all to be written: only what is written again becomes durable.
            if (fate !== 'dies') settle(inode);
          });
        },
        isAt: (other, bytes) =>
          fileStep('isAt', () => isThere() && names.get(other) === inode && inode.length >= bytes),
        close: () =>
          fileStep('close', () => {
            open = false;
          }),
      };
    }

    return {
      directory: '/sim',
      list: () => nameStep('list', '', () => [...disk.names()]),
      open: (name, mode) =>
        nameStep('open', name, () => file(name, mode === 'create' ? create(name) : find(name), mode)),
      rename: (from, to) =>
        nameStep(
          'rename',
          from,
          () => {
            if ((names.get(to)?.inside?.names().length ?? 0) > 0) throw systemError('ENOTEMPTY', to);
            change(from, to, find(from));
          },
          () => {
            if (random() < 0.5 && names.has(from)) change(from, to, find(from));
          },
        ),
      unlink: (name) => nameStep('unlink', name, () => change(name, undefined, find(name))),
      syncDirectory: () =>
        nameStep('syncDirectory', '', () => {
          if (whole.lies) return;
          durableNames = new Map(names);
          changes = [];
        }),
      makeDirectory: (name) =>
        nameStep('makeDirectory', name, () => {
          if (!names.has(name)) change(undefined, name, newInode(simDisk(random, outer ?? disk)));
        }),
      removeDirectory: (name) =>
        nameStep('removeDirectory', name, () => {
          const inode = find(name);
          if (inode.inside === undefined) throw systemError('ENOTDIR', name);
          if (inode.inside.names().length > 0) throw systemError('ENOTEMPTY', name);
          change(name, undefined, inode);
        }),
      inside: (name) => directory(process, name),
    };
  }

  /** As a process sees it: each step goes to the file that has the name then. */
  function directory(process: Process, name: string): Disk {
    let mounted: { readonly inside: SimDisk; readonly disk: Disk } | undefined;
    function there(): Disk {
      const { inside } = find(name);
      if (inside === undefined) throw systemError('ENOTDIR', name);
      if (mounted?.inside !== inside) {
        mounted = { inside, disk: inside.mount(process, () => names.get(name)?.inside === inside) };
      }
      return mounted.disk;
    }
    return {
      directory: `/sim/${name}`,
      list: async () => there().list(),
      open: async (file, mode) => there().open(file, mode),
      rename: async (from, to) => there().rename(from, to),
      unlink: async (file) => there().unlink(file),
      syncDirectory: async () => there().syncDirectory(),
      makeDirectory: async (inner) => there().makeDirectory(inner),
      removeDirectory: async (inner) => there().removeDirectory(inner),
      inside: (inner) => there().inside(inner),
    };
  }

  return disk;
}

function newInode(inside: SimDisk | undefined): Inode {
  const nothing = Buffer.alloc(0);
  return { cache: nothing, length: 0, durable: nothing, durableLength: 0, dirty: new Map(), lengths: [], inside };
}

/** The same bytes with room for `length` of them. */
function grown(bytes: Buffer, length: number): Buffer {
  if (bytes.length >= length) return bytes;
  const larger = Buffer.alloc(Math.max(length, 2 * bytes.length));
  bytes.copy(larger);
  return larger;
}

/** Only into the chosen sectors, if some are chosen. */
function write(inode: Inode, offset: number, bytes: Uint8Array, isChosen?: (sector: number) => boolean): void {
  const end = offset + bytes.length;
  inode.length = Math.max(inode.length, end);
  inode.cache = grown(inode.cache, sectorsFor(inode.length) * SECTOR_BYTES);
  const [first, last] = [Math.floor(offset / SECTOR_BYTES), sectorsFor(end)];
  if (isChosen === undefined) {
    for (let sector = first; sector < last; sector++) markDirty(inode, sector);
    inode.cache.set(bytes, offset);
  } else {
    for (let sector = first; sector < last; sector++) {
      if (!isChosen(sector)) continue;
      markDirty(inode, sector);
      const from = Math.max(offset, sector * SECTOR_BYTES);
      const to = Math.min(end, (sector + 1) * SECTOR_BYTES);
      inode.cache.set(bytes.subarray(from - offset, to - offset), from);
    }
  }
  inode.lengths.push(inode.length);
}

function sectorsFor(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES);
}

/** Before it is written. */
function markDirty(inode: Inode, sector: number): void {
  const before = inode.dirty.get(sector);
  if (before === undefined) inode.dirty.set(sector, []);
  else before.push(Buffer.from(contentOf(inode, sector)));
}

function contentOf(inode: Inode, sector: number): Buffer {
  return inode.cache.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
}

function truncate(inode: Inode): void {
  for (let sector = 0; sector * SECTOR_BYTES < Math.max(inode.length, inode.durableLength); sector++) {
    markDirty(inode, sector);
  }
  inode.cache = Buffer.alloc(0);
  inode.length = 0;
  inode.lengths.push(0);
}

function sync(inode: Inode): void {
  inode.durable = grown(inode.durable, inode.cache.length);
  for (const [first, end] of rangesOf(inode.dirty.keys())) {
    const [from, to] = [first * SECTOR_BYTES, end * SECTOR_BYTES];
    const cached = sectorsFor(inode.cache.length) * SECTOR_BYTES;
    if (from < cached) inode.cache.copy(inode.durable, from, from, Math.min(to, cached));
    const zeros = Math.max(from, cached);
    if (zeros < to) inode.durable.fill(0, Math.min(zeros, inode.durable.length), Math.min(to, inode.durable.length));
  }
  inode.durableLength = inode.length;
  clean(inode);
}

/** Consecutive numbers as ranges, each with the number behind its last one: they are copied together. */
function* rangesOf(numbers: Iterable<number>): Iterable<readonly [first: number, end: number]> {
  let [first, end] = [0, 0];
  for (const number of numbers) {
    if (number !== end) {
      if (end > first) yield [first, end];
      first = number;
    }
    end = number + 1;
  }
  if (end > first) yield [first, end];
}

function clean(inode: Inode): void {
  inode.dirty.clear();
  inode.lengths.length = 0;
}

function apply(names: Map<string, Inode>, { removed, added, inode }: NameChange): void {
  if (removed !== undefined && (added !== undefined || names.get(removed) === inode)) names.delete(removed);
  if (added !== undefined) names.set(added, inode);
}

function systemError(code: string, name: string): Error {
  return Object.assign(new Error(`${code}: simulated '${name}'`), { code });
}

/** Small and fast; the same seed gives the same numbers. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A process to which nothing happens. */
export const healthy: Process = () => 'done';

/** A process that dies in its step number `last`, counted from 0, and the steps that it came to. */
export function mortal(
  last: number,
  before: Process = healthy,
): { process: Process; steps: Step[]; died: Promise<void> } {
  const steps: Step[] = [];
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const process: Process = (step) => {
    steps.push(step);
    if (steps.length <= last) return before(step);
    die();
    return 'dies';
  };
  return { process, steps, died };
}
