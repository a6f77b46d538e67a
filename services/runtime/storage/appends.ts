/** Checkpoints on their way into the manifest: their parts are written at once, their entries strictly in order. */
import assert from 'node:assert/strict';
import type { Disk } from './disk.ts';
import { AppendBlockedError, CheckpointDroppedError, StorageLimitError } from './errors.ts';
import { MAX_CHECKPOINTS, MAX_PENDING_APPENDS } from './limits.ts';
import type { ManifestLog } from './manifest-log.ts';
import { CHAINS, type Chain, type Entry, type ManifestHead, type ManifestState, isRestorable } from './manifest.ts';
import type { CheckpointKey } from './names.ts';
import { type NewCheckpoint, type WrittenParts, partWriter } from './part-writer.ts';
import type { Turn } from './store-turns.ts';

export interface Appends {
  /** @throws StorageLimitError, AppendBlockedError, CheckpointDroppedError, system errors */
  append(checkpoint: NewCheckpoint): Promise<void>;
  /** Has appends above the version that have not ended reject. */
  drop(version: number): void;
  /** Forgets, in a turn, what did not come into the manifest above the version. @returns its files */
  forget(version: number): readonly string[];
  /** A checkpoint failed, and was not retried yet. */
  isBlocked(): boolean;
}

/** An append that has not ended. */
type Pending = { readonly key: CheckpointKey; dropped: boolean; drop: () => void };

/** What an append of a checkpoint began with, and goes on with when it is retried. */
type Unlisted = { readonly inlineLimit: number; readonly files: readonly string[] };

export function createAppends(
  disk: Disk,
  { incarnation, identity }: ManifestHead,
  log: ManifestLog,
  turn: Turn,
): Appends {
  const writer = partWriter(disk, identity);
  const pending = new Set<Pending>();
  /** The files of a checkpoint that are being written. */
  const writing = new Map<string, Promise<WrittenParts>>();
  /** Checkpoints that are not in the manifest yet, by version. */
  const unlisted = new Map<number, Unlisted>();
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

  return {
    append,
    drop(version) {
      for (const one of pending) if (one.key.version > version) one.drop();
    },
    forget(version) {
      if (failed !== undefined && failed.version > version) failed = undefined;
      const names: string[] = [];
      for (const [above, { files }] of unlisted) {
        if (above <= version) continue;
        unlisted.delete(above);
        for (const name of files) names.push(name);
      }
      return names;
    },
    isBlocked: () => failed !== undefined,
  };
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
