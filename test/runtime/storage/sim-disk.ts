import type { Disk, DiskFile, OpenMode } from '../../../services/runtime/storage/index.ts';

/**
 * A disk that does everything a real one may do. What a process writes goes into the cache, which other processes see at
 * once and which survives them. A power cut keeps of it what was synced, and of everything else what chance decides: each
 * 512-byte sector keeps one of the contents it was given since the last sync, or the one before; a file's length likewise;
 * each name that was made, renamed or removed since the last sync of the directory is so, or is not.
 */
export interface SimDisk {
  /** The disk as one process sees it. */
  mount(process: Process): Disk;
  /** What survives of it all is what was durable, and what chance adds. */
  cutPower(): void;
  /** Changes a byte of a file, also on the platter, as rot does. */
  corrupt(name: string, offset: number): void;
  /** Removes a file for good, as an administrator may. */
  remove(name: string): void;
  names(): string[];
  size(name: string): number;
  /** Bytes that all files may have together. */
  capacityBytes: number;
}

/** What a simulated process does to a disk, as its hook sees it. */
export type Step = {
  readonly operation:
    'list' | 'open' | 'size' | 'read' | 'write' | 'datasync' | 'close' | 'rename' | 'unlink' | 'syncDirectory';
  readonly name: string;
};

/** What happens to one step: it is done, it fails, or the process dies in it and never sees it end. */
export type Fate = 'done' | 'EIO' | 'ENOSPC' | 'dies';

/** Decides the fate of each step of one process; may wait, so that a test orders the steps of several. */
export type Process = (step: Step) => Fate | Promise<Fate>;

const SECTOR_BYTES = 512;

type Inode = {
  cache: Buffer;
  durable: Buffer;
  /** Contents of each sector written since the last sync, oldest first. */
  dirty: Map<number, Buffer[]>;
  /** Lengths since the last sync. */
  lengths: number[];
};
type NameChange = { readonly removed: string | undefined; readonly added: string | undefined; readonly inode: Inode };

/** @param random from 0 to below 1; decides everything that chance decides */
export function simDisk(random: () => number): SimDisk {
  let names = new Map<string, Inode>();
  let durableNames = new Map<string, Inode>();
  let changes: NameChange[] = [];

  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;

  function find(name: string): Inode {
    const inode = names.get(name);
    if (inode === undefined) throw systemError('ENOENT', name);
    return inode;
  }

  function change(removed: string | undefined, added: string | undefined, inode: Inode): void {
    apply(names, { removed, added, inode });
    changes.push({ removed, added, inode });
  }

  function write(inode: Inode, offset: number, bytes: Uint8Array, sectors: (sector: number) => boolean): void {
    const end = offset + bytes.length;
    const next = Buffer.alloc(Math.max(end, inode.cache.length));
    inode.cache.copy(next);
    for (let sector = Math.floor(offset / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) {
      if (!sectors(sector)) continue;
      const from = Math.max(offset, sector * SECTOR_BYTES);
      const to = Math.min(end, (sector + 1) * SECTOR_BYTES);
      next.set(bytes.subarray(from - offset, to - offset), from);
      const contents = inode.dirty.get(sector) ?? [];
      contents.push(Buffer.from(next.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES)));
      inode.dirty.set(sector, contents);
    }
    inode.cache = next;
    inode.lengths.push(next.length);
  }

  /** What the platter may hold of a file whose last writes were not synced. */
  function settle(inode: Inode): Buffer {
    const length = pick([inode.durable.length, ...inode.lengths]);
    const settled = Buffer.alloc(length);
    inode.durable.copy(settled);
    for (const [sector, contents] of inode.dirty) {
      const content = pick([undefined, ...contents]);
      if (content !== undefined && sector * SECTOR_BYTES < length) content.copy(settled, sector * SECTOR_BYTES);
    }
    return settled;
  }

  function clean(inode: Inode, durable: Buffer): void {
    inode.durable = durable;
    inode.dirty = new Map();
    inode.lengths = [];
  }

  const disk: SimDisk = {
    capacityBytes: Number.MAX_SAFE_INTEGER,
    mount: (process) => mount(process),
    cutPower() {
      const survivors = new Map(durableNames);
      for (const one of changes) if (random() < 0.5) apply(survivors, one);
      for (const inode of new Set(survivors.values())) {
        clean(inode, settle(inode));
        inode.cache = Buffer.from(inode.durable);
      }
      names = survivors;
      durableNames = new Map(survivors);
      changes = [];
    },
    corrupt(name, offset) {
      const inode = find(name);
      for (const bytes of [inode.cache, inode.durable]) bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x40, offset);
    },
    remove(name) {
      names.delete(name);
      durableNames.delete(name);
      changes = changes.filter((one) => one.added !== name);
    },
    names: () => [...names.keys()].sort(),
    size: (name) => find(name).cache.length,
  };

  function used(): number {
    return [...new Set(names.values())].reduce((sum, inode) => sum + inode.cache.length, 0);
  }

  function mount(process: Process): Disk {
    /** Waits for the fate of a step; `partly` is what one that fails, or in which the process dies, may still have done. */
    async function step(
      operation: Step['operation'],
      name: string,
      partly?: (fate: Exclude<Fate, 'done'>) => void,
    ): Promise<void> {
      const fate = await process({ operation, name });
      if (fate === 'done') return;
      partly?.(fate);
      if (fate === 'dies') await new Promise<never>(() => undefined);
      throw systemError(fate, name);
    }

    function file(name: string, inode: Inode, mode: OpenMode): DiskFile {
      let open = true;
      const check = () => {
        if (!open) throw systemError('EBADF', name);
      };
      return {
        async size() {
          check();
          await step('size', name);
          return inode.cache.length;
        },
        async read(offset, length) {
          check();
          await step('read', name);
          return Buffer.from(inode.cache.subarray(offset, offset + length));
        },
        async writeAt(offset, bytes) {
          check();
          if (mode === 'read') throw systemError('EBADF', name);
          const torn = () => write(inode, offset, bytes, () => random() < 0.5);
          await step('write', name, torn);
          if (used() + Math.max(0, offset + bytes.length - inode.cache.length) > disk.capacityBytes) {
            write(inode, offset, bytes.subarray(0, Math.floor(random() * bytes.length)), () => true);
            throw systemError('ENOSPC', name);
          }
          write(inode, offset, bytes, () => true);
        },
        async datasync() {
          check();
          await step('datasync', name, (fate) => {
            // After a failed sync the system believes all to be written: only what is written again becomes durable.
            if (fate !== 'dies') clean(inode, settle(inode));
          });
          clean(inode, Buffer.from(inode.cache));
        },
        async close() {
          check();
          await step('close', name);
          open = false;
        },
      };
    }

    return {
      directory: '/sim',
      async list() {
        await step('list', '');
        return disk.names();
      },
      async open(name, mode) {
        await step('open', name);
        if (mode !== 'create') return file(name, find(name), mode);
        const existing = names.get(name);
        const inode = existing ?? { cache: Buffer.alloc(0), durable: Buffer.alloc(0), dirty: new Map(), lengths: [] };
        if (existing === undefined) change(undefined, name, inode);
        else truncate(inode);
        return file(name, inode, mode);
      },
      async rename(from, to) {
        const apply = () => change(from, to, find(from));
        await step('rename', from, () => {
          if (random() < 0.5 && names.has(from)) apply();
        });
        apply();
      },
      async unlink(name) {
        await step('unlink', name);
        change(name, undefined, find(name));
      },
      async syncDirectory() {
        await step('syncDirectory', '');
        durableNames = new Map(names);
        changes = [];
      },
    };
  }

  return disk;
}

function truncate(inode: Inode): void {
  inode.cache = Buffer.alloc(0);
  inode.lengths.push(0);
  for (const contents of inode.dirty.values()) contents.push(Buffer.alloc(SECTOR_BYTES));
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
