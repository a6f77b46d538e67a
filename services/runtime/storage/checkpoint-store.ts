import assert from 'node:assert/strict';
import { type Disk, pathOf } from './disk.ts';
import {
  AppendBlockedError,
  CheckpointDroppedError,
  StateTooLargeError,
  StorageDamagedError,
  StorageLimitError,
  SupersededError,
  VolumeLostError,
  isGone,
  systemCode,
} from './errors.ts';
import { MAX_CHECKPOINTS, MAX_PENDING_APPENDS } from './limits.ts';
import { type ManifestLog, refuseIfSuperseded } from './manifest-log.ts';
import {
  type Checkpoint,
  type CleanMarker,
  type Entry,
  type ManifestHead,
  type ManifestState,
  type Part,
  checkpointOf,
  filesLost,
  filesOf,
  prune,
  restorePoint,
  sessionsChain,
  upTo,
} from './manifest.ts';
import { type CheckpointKey, incarnationOf, partName, storeFileName } from './names.ts';
import { type PartKind, checkPartFile, readPartFile } from './part-files.ts';
import { type NewCheckpoint, type WrittenParts, partWriter } from './part-writer.ts';
import { takeTurns } from './turns.ts';

export type Restored = {
  readonly checkpoint: Checkpoint;
  /** `path`: of the file that a store wrote. It belongs to the volume: read it, or copy it, and do not change it. */
  readonly state: { readonly bytes: Buffer } | { readonly path: string };
  /** The version of the first section of its sessions. */
  readonly since: number;
};

/** What a restored checkpoint is read into. */
export type RestoreReader = {
  /**
   * The sections that are the whole session table together, in order and one at a time: they may be several times as large. They
   * were taken for nothing if `restore` rejects.
   */
  readonly take: (section: Buffer) => void;
  /** A state that is larger is not read, unless it is a store's own file. */
  readonly maxStateBytes: number;
};

/**
 * The checkpoints of one incarnation of a worker. Every operation may be called at any time; they take their turns in the
 * order of the calls, and what an operation changes is durable when it resolves. Any of them rejects with `SupersededError`
 * once the store has noticed that a later incarnation took the volume over, and with `VolumeLostError` once it has noticed that
 * the volume was removed or moved away.
 */
export interface CheckpointStore {
  /**
   * Appends the next checkpoint. Data is written at once; the manifest takes checkpoints strictly in order. When one fails,
   * those after it reject with `AppendBlockedError` until it was retried and succeeded.
   * @throws StorageLimitError, AppendBlockedError, CheckpointDroppedError (by `dropAfter`), system errors
   */
  append(checkpoint: NewCheckpoint): Promise<void>;
  /** Notes that everything ever executed is in the newest checkpoint. Nothing can be appended until `clearClean`. */
  markClean(marker: CleanMarker): Promise<void>;
  clearClean(): Promise<void>;
  /** Forgets the checkpoints above `version`, those included whose `append` has not ended yet. */
  dropAfter(version: number): Promise<void>;
  /**
   * @throws StorageDamagedError naming the file that is not as it was written
   * @throws StateTooLargeError
   */
  restore(version: number, reader: RestoreReader): Promise<Restored>;
  /** Gives up what is below the newest checkpoint at or below `keepVersion`, but for sessions that are needed. */
  prune(keepVersion: number): Promise<void>;
  /** @throws VolumeLostError when the volume's files are not under their names any more */
  refuseIfLost(): Promise<void>;
  /** Where a store process may write the state of a checkpoint that is to be appended. */
  storeFile(worldLine: number, version: number): { readonly name: string; readonly path: string };
  /** Waits for what was begun; nothing may be called afterwards. */
  close(): Promise<void>;
}

/** An append that has not ended. */
type Pending = { readonly key: CheckpointKey; dropped: boolean; drop: () => void };

/** What an append of a checkpoint began with, and goes on with when it is retried. */
type Unlisted = { readonly inlineLimit: number; readonly files: readonly string[] };

/** The store over a manifest that has just been written. */
export function openCheckpointStore(disk: Disk, head: ManifestHead, log: ManifestLog): CheckpointStore {
  const { incarnation } = head;
  const writer = partWriter(disk, head.identity);
  const inTurn = takeTurns();
  const pending = new Set<Pending>();
  /** The files of a checkpoint that are being written. */
  const writing = new Map<string, Promise<WrittenParts>>();
  /** Checkpoints that are not in the manifest yet, by version. */
  const unlisted = new Map<number, Unlisted>();
  /** Files that no durable manifest refers to any more. */
  const garbage = new Set<string>();
  let failed: CheckpointKey | undefined;
  let swept = false;
  /** Why this store does nothing more. */
  let over: SupersededError | VolumeLostError | undefined;

  function turn<T>(work: () => Promise<T>): Promise<T> {
    return inTurn(async () => {
      if (over !== undefined) throw over;
      try {
        return await lookingFor(work);
      } catch (error) {
        if (error instanceof SupersededError || error instanceof VolumeLostError) over = error;
        throw error;
      }
    });
  }

  /** Where a name leads nowhere it is no use to try again: the volume is what is gone. */
  async function lookingFor<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isGone(error)) await log.refuseIfLost();
      throw error;
    }
  }

  async function append(checkpoint: NewCheckpoint): Promise<void> {
    if (pending.size >= MAX_PENDING_APPENDS) {
      throw new StorageLimitError(`${MAX_PENDING_APPENDS} checkpoints wait to be written already`);
    }
    const key = { incarnation, worldLine: checkpoint.worldLine, version: checkpoint.version };
    const own: Pending = { key, dropped: false, drop: () => undefined };
    const dropped = new Promise<never>((_, reject) => {
      own.drop = () => {
        own.dropped = true;
        reject(droppedError(key));
      };
    });
    const inlineLimit = unlisted.get(key.version)?.inlineLimit ?? log.inlineLimit();
    unlisted.set(key.version, { inlineLimit, files: writer.filesOf(key, checkpoint, inlineLimit) });
    const written = Promise.race([writeParts(key, checkpoint, inlineLimit), dropped]);
    written.catch(() => undefined); // its turn looks at it
    pending.add(own);
    try {
      await turn(() => enter(checkpoint, own, written));
    } finally {
      pending.delete(own);
    }
  }

  /** An entry that failed may be in the file: its data is not written again before it is gone from there for certain. */
  async function writeParts(key: CheckpointKey, checkpoint: NewCheckpoint, inlineLimit: number): Promise<WrittenParts> {
    if (!log.endKnown()) await turn(() => log.repair());
    // An attempt that comes again writes the same files, and a sync that fails takes with it what any attempt wrote to a file.
    const name = `${key.worldLine}:${key.version}`;
    const before = writing.get(name);
    const own = (async () => {
      await before?.catch(() => undefined);
      return writer.write(key, checkpoint, inlineLimit);
    })();
    writing.set(name, own);
    try {
      return await own;
    } finally {
      if (writing.get(name) === own) writing.delete(name);
    }
  }

  /** An append whose turn it is. */
  async function enter(checkpoint: NewCheckpoint, own: Pending, written: Promise<WrittenParts>): Promise<void> {
    const { key } = own;
    if (failed !== undefined && (failed.version !== key.version || failed.worldLine !== key.worldLine)) {
      throw new AppendBlockedError(
        `checkpoint ${key.version} has to wait until checkpoint ${failed.version} was retried`,
      );
    }
    checkOrder(checkpoint, log.state());
    try {
      const parts = await written;
      if (own.dropped) throw droppedError(key);
      checkRoom(disk, log.state());
      const { predecessor, dependencies, stamp } = checkpoint;
      await log.append({ ...key, predecessor, dependencies, stamp, ...parts });
    } catch (error) {
      failed = own.dropped ? undefined : key;
      throw error;
    }
    failed = undefined;
    unlisted.delete(key.version);
    writer.forget(key);
  }

  async function dropAfter(version: number): Promise<void> {
    for (const one of pending) if (one.key.version > version) one.drop();
    await turn(async () => {
      const before = log.state();
      assert(version >= (restorePoint(before)?.version ?? 0), `checkpoints below ${version} were pruned already`);
      const entries = upTo(before.entries, version);
      const clean = before.clean && before.clean.version > version ? undefined : before.clean;
      if (entries.length < before.entries.length || clean !== before.clean || !log.endKnown()) {
        await log.mark({ ...before, entries, clean }, version);
      }
      if (failed !== undefined && failed.version > version) failed = undefined;
      for (const name of filesLost(before.entries, entries)) garbage.add(name);
      for (const [above, { files }] of unlisted) {
        if (above <= version) continue;
        unlisted.delete(above);
        for (const name of files) garbage.add(name);
      }
    });
  }

  async function pruneBelow(keepVersion: number): Promise<void> {
    const before = log.state();
    const next = prune(before, keepVersion);
    const lost = filesLost(before.entries, next.entries);
    if (log.wasteful(next)) await log.rewrite(next);
    else if (lost.length > 0 || garbage.size > 0) await log.mark(next);
    else log.adopt(next);
    for (const name of lost) garbage.add(name);
    if (garbage.size > 0 || !swept) await collectGarbage();
  }

  /** Removes what nothing durable refers to; the first time also what earlier incarnations left. */
  async function collectGarbage(): Promise<void> {
    await refuseIfSuperseded(disk, incarnation);
    const names = await disk.list();
    const needed = new Set(filesOf(log.state().entries));
    const leftover = (name: string) =>
      !swept && !needed.has(name) && (incarnationOf(name) ?? incarnation) < incarnation;
    for (const name of names) {
      if (garbage.has(name) || leftover(name)) await removeFile(disk, name);
    }
    garbage.clear();
    swept = true;
  }

  /** What is not as it was may be so because a later incarnation had no use for it any more. */
  async function restore(version: number, reader: RestoreReader): Promise<Restored> {
    try {
      return await read(version, reader);
    } catch (error) {
      if (error instanceof StorageDamagedError) await refuseIfSuperseded(disk, incarnation);
      throw error;
    }
  }

  async function read(version: number, reader: RestoreReader): Promise<Restored> {
    const { entries } = log.state();
    const entry = entries.find((one) => one.version === version && one.state !== undefined);
    if (entry?.state === undefined) throw nothingToRestore(disk, entries, version);
    checkSize(disk, entry.state, reader.maxStateBytes);
    const state =
      entry.state.place === 'store'
        ? { path: await checkedPath(entry, entry.state) }
        : { bytes: await readPart(entry, 'state', entry.state) };
    for (const one of sessionsChain(entries, entry)) reader.take(await readPart(one, 'sessions', one.sessions));
    return { checkpoint: checkpointOf(entry), state, since: entry.sessions.since };
  }

  async function checkedPath(entry: Entry, state: Part): Promise<string> {
    const fault = await checkPartFile(disk, entry, 'state', state, 'whole');
    if (fault !== undefined) throw new StorageDamagedError(fault);
    return pathOf(disk, partName(entry, 'state'));
  }

  function readPart(entry: Entry, kind: PartKind, part: Part): Promise<Buffer> {
    return part.place === 'inline' ? log.readInline(part) : readPartFile(disk, entry, kind, part);
  }

  return {
    append,
    markClean: (marker) =>
      turn(async () => {
        const newest = log.state().entries.at(-1);
        assert(marker.incarnation === incarnation && failed === undefined);
        assert(newest === undefined || newest.version === marker.version, 'a clean marker names the newest checkpoint');
        await log.mark({ ...log.state(), clean: marker });
      }),
    clearClean: () =>
      turn(async () => {
        if (log.state().clean !== undefined) await log.mark({ ...log.state(), clean: undefined });
      }),
    dropAfter,
    restore: (version, reader) => turn(() => restore(version, reader)),
    prune: (keepVersion) => turn(() => pruneBelow(keepVersion)),
    refuseIfLost: () => turn(() => log.refuseIfLost()),
    storeFile(worldLine, version) {
      const name = storeFileName({ incarnation, worldLine, version });
      return { name, path: pathOf(disk, name) };
    },
    close: () => inTurn(() => log.close()),
  };
}

function droppedError({ version }: CheckpointKey): CheckpointDroppedError {
  return new CheckpointDroppedError(`checkpoint ${version} was dropped by a rollback before it was written`);
}

function checkOrder({ version, predecessor, sessions }: NewCheckpoint, { entries, clean }: ManifestState): void {
  const newest = entries.at(-1)?.version;
  assert(clean === undefined, 'the clean marker has to be cleared before anything executes');
  assert(newest === undefined || newest < version, `checkpoint ${version} is not newer than the newest one`);
  assert(
    predecessor < version && predecessor >= (newest ?? 0),
    `${predecessor} does not precede checkpoint ${version}`,
  );
  const isBased = newest === predecessor && entries.some((entry) => entry.version === sessions.since);
  assert(sessions.since === version || isBased, 'sessions are what changed since the newest checkpoint');
}

function checkRoom(disk: Disk, { entries }: ManifestState): void {
  if (entries.length < MAX_CHECKPOINTS) return;
  throw new StorageLimitError(
    `${disk.directory} holds ${MAX_CHECKPOINTS} checkpoints and takes no more until the cut advances; ` +
      'see which worker it waits for (dpr status)',
  );
}

/** Before it is read. @throws StateTooLargeError */
export function checkSize(disk: Disk, { place, bytes }: Part, maxStateBytes: number): void {
  if (place === 'store' || bytes <= maxStateBytes) return;
  throw new StateTooLargeError(
    `the state in ${disk.directory} has ${bytes} bytes, and this process has memory for ${maxStateBytes}: give it more ` +
      '(dpr:workers, memory.limit; or DPR_MEMORY_BYTES where that is set)',
  );
}

async function removeFile(disk: Disk, name: string): Promise<void> {
  try {
    await disk.unlink(name);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

function nothingToRestore(disk: Disk, entries: readonly Entry[], version: number): StorageDamagedError {
  const versions = entries.filter((entry) => entry.state !== undefined).map((entry) => entry.version);
  return new StorageDamagedError(
    `${disk.directory} cannot restore checkpoint ${version}; it holds ${versions.length > 0 ? versions.join(', ') : 'none'}`,
  );
}
