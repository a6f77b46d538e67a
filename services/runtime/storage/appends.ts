/** Checkpoints on their way into the manifest: their parts are written at once, their entries strictly in order. */
import assert from 'node:assert/strict';
import type { Disk } from './disk.ts';
import { AppendBlockedError, CheckpointDroppedError, StorageLimitError } from './errors.ts';
import { MAX_CHECKPOINTS, MAX_PENDING_APPENDS } from './limits.ts';
import type { ManifestLog } from './manifest-log.ts';
import { CHAINS, type Chain, type Entry, type ManifestHead, type ManifestState, isRestorable } from './manifest.ts';
import type { CheckpointKey } from './file-names.ts';
import type { NewCheckpoint, PartWriter, WrittenParts } from './part-writer.ts';
import type { Turn } from './store-turns.ts';

export interface Appends {
  /** @throws StorageLimitError, AppendBlockedError, CheckpointDroppedError, system errors */
  append(checkpoint: NewCheckpoint): Promise<void>;
  /** Has appends above the version that have not ended reject. */
  drop(version: number): void;
  /**
   * Forgets, in a turn, what was dropped above the version and is not in the manifest, also not as the end of one that is not known.
   * @returns its files
   */
  forget(version: number): readonly string[];
  /** A checkpoint failed, and was not retried yet. */
  isBlocked(): boolean;
}

/** An append that has not ended. */
type Pending = { readonly key: CheckpointKey; dropped: boolean; drop: () => void };

/**
 * A checkpoint that is not in the manifest yet. A retry goes on with what there is of it: its limit, and its parts if they were written, as
 * an entry that failed may be in the file all the same.
 */
type Unlisted = {
  readonly key: CheckpointKey;
  readonly inlineLimit: number;
  readonly files: readonly string[];
  dropped: boolean;
  writing: Promise<WrittenParts> | undefined;
  parts: WrittenParts | undefined;
};

export function createAppends(
  disk: Disk,
  { incarnation }: ManifestHead,
  log: ManifestLog,
  writer: PartWriter,
  turn: Turn,
): Appends {
  const pending = new Set<Pending>();
  /** By world-line and version. */
  const unlisted = new Map<string, Unlisted>();
  let failed: CheckpointKey | undefined;

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
    const written = Promise.race([writeParts(begin(key, checkpoint), checkpoint), dropped]);
    written.catch(() => undefined); // its turn looks at it
    pending.add(own);
    try {
      await turn(() => enter(checkpoint, own, written));
    } finally {
      pending.delete(own);
    }
  }

  function begin(key: CheckpointKey, checkpoint: NewCheckpoint): Unlisted {
    const before = unlisted.get(nameOf(key));
    if (before !== undefined) return before;
    const files = writer.filesOf(key, checkpoint);
    const inlineLimit = log.inlineLimit();
    const one: Unlisted = { key, inlineLimit, files, dropped: false, writing: undefined, parts: undefined };
    unlisted.set(nameOf(key), one);
    return one;
  }

  /** An attempt that comes again waits for the one before. */
  function writeParts(one: Unlisted, checkpoint: NewCheckpoint): Promise<WrittenParts> {
    const before = one.writing;
    one.writing = (async () => {
      await before?.catch(() => undefined);
      return (one.parts ??= await writer.write(one.key, checkpoint, one.inlineLimit));
    })();
    return one.writing;
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
    unlisted.delete(nameOf(key));
    writer.forget(key);
  }

  /** Also what is still being written. */
  function giveUp({ key, writing }: Unlisted): void {
    writing?.then(
      (parts) => writer.giveUp(key, parts),
      () => writer.forget(key),
    );
  }

  return {
    append,
    drop(version) {
      for (const one of pending) if (one.key.version > version) one.drop();
      for (const one of unlisted.values()) if (one.key.version > version) one.dropped = true;
    },
    forget(version) {
      if (failed !== undefined && failed.version > version) failed = undefined;
      const names: string[] = [];
      for (const [name, one] of unlisted) {
        if (!one.dropped) continue;
        unlisted.delete(name);
        giveUp(one);
        for (const file of one.files) names.push(file);
      }
      return names;
    },
    isBlocked: () => failed !== undefined,
  };
}

function nameOf({ worldLine, version }: CheckpointKey): string {
  return `${worldLine}:${version}`;
}

function droppedError({ version }: CheckpointKey): CheckpointDroppedError {
  return new CheckpointDroppedError(`checkpoint ${version} was dropped by a rollback before it was written`);
}

function checkOrder({ version, predecessor, state, sessions }: NewCheckpoint, { entries, clean }: ManifestState): void {
  const newest = entries.at(-1);
  assert(clean === undefined, 'the clean marker has to be cleared before anything executes');
  assert(newest === undefined || newest.version < version, `checkpoint ${version} is not newer than the newest one`);
  assert(
    predecessor < version && predecessor >= (newest?.version ?? 0),
    `${predecessor} does not precede checkpoint ${version}`,
  );
  const since = { state: state === 'storeFile' ? version : state.since, sessions: sessions.since };
  for (const chain of CHAINS) {
    const isBased = newest?.version === predecessor && continues(entries, newest, chain, since[chain]);
    assert(
      since[chain] === version || isBased,
      `the ${chain} of checkpoint ${version} are not based on ${predecessor}`,
    );
  }
}

/** May a chain that ends with the newest checkpoint go on, beginning at version `since`? */
function continues(entries: readonly Entry[], newest: Entry, chain: Chain, since: number): boolean {
  if (!isRestorable(newest) || newest[chain].since > since) return false;
  return entries.some((entry) => entry.version === since && entry[chain] !== undefined);
}

function checkRoom(disk: Disk, { entries }: ManifestState): void {
  if (entries.length < MAX_CHECKPOINTS) return;
  throw new StorageLimitError(
    `${disk.directory} holds ${MAX_CHECKPOINTS} checkpoints and takes no more until the cut advances; ` +
      'see which worker it waits for (dpr status)',
  );
}
