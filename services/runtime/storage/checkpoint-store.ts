import assert from 'node:assert/strict';
import { createAppends } from './appends.ts';
import { type Restored, type RestoreReader, readCheckpoint } from './checkpoint-reader.ts';
import { type Disk, pathOf } from './disk.ts';
import { StorageDamagedError } from './errors.ts';
import { createGarbage } from './garbage.ts';
import { type ManifestLog, refuseIfSuperseded } from './manifest-log.ts';
import {
  type CleanMarker,
  type ManifestHead,
  type Outside,
  extentsOf,
  filesOf,
  outsideLost,
  outsideOf,
  prune,
  restorePoint,
  upTo,
} from './manifest.ts';
import { storeFileName } from './file-names.ts';
import { type NewCheckpoint, partWriter } from './part-writer.ts';
import { segmentSpace } from './segment-space.ts';
import { segmentWriter } from './segment-writer.ts';
import { storeTurns } from './store-turns.ts';

/**
 * The checkpoints of one incarnation of a worker. At any moment, and after any loss of power:
 *
 * - every checkpoint that the manifest lists as restorable can be read, with its chains: nothing that they need is removed, or written
 *   over, before a manifest that does not list them any more is durable;
 * - a checkpoint is durable once its segments were synced, then their directory if they are new, and then the manifest;
 * - what no manifest lists takes room in segments that is written again, and few segments are kept that have nothing else in them.
 *
 * Every operation may be called at any time; they take their turns in the
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
  /** Gives up what is below the newest checkpoint at or below `keepVersion`, but for sections that are needed. */
  prune(keepVersion: number): Promise<void>;
  /** @throws VolumeLostError when the volume's files are not under their names any more */
  refuseIfLost(): Promise<void>;
  /** Where a store process may write the state of a checkpoint that is to be appended. */
  storeFile(worldLine: number, version: number): { readonly name: string; readonly path: string };
  /** Waits for what was begun; nothing may be called afterwards. */
  close(): Promise<void>;
}

/** Of the segments of a store. `next`: the number of the first one that it makes. */
export type Segments = { readonly next: number; readonly bytes: number };

/** The store over a manifest that has just been written. */
export function openCheckpointStore(
  disk: Disk,
  head: ManifestHead,
  log: ManifestLog,
  segments: Segments,
): CheckpointStore {
  const { incarnation, identity } = head;
  const { turn, close } = storeTurns(log);
  const space = segmentSpace(incarnation, segments.next, segments.bytes);
  for (const { section } of outsideOf(log.state().entries)) space.inherit(extentsOf(section));
  const writer = partWriter(disk, segmentWriter(disk, identity, space));
  const appends = createAppends(disk, head, log, writer, turn);
  const garbage = createGarbage(disk, incarnation, log);

  /** No durable manifest refers to these any more: what is in segments may be overwritten, and what is in other files goes. */
  function letGo(sections: readonly Outside[]): void {
    for (const one of sections) {
      if (one.section.place === 'segments') space.giveBack(one.section.extents);
      else garbage.add(filesOf(one));
    }
    garbage.add(space.takeUnneeded());
  }

  async function markClean(marker: CleanMarker): Promise<void> {
    const newest = log.state().entries.at(-1);
    assert(marker.incarnation === incarnation && !appends.isBlocked());
    assert(newest === undefined || newest.version === marker.version, 'a clean marker names the newest checkpoint');
    await log.mark({ ...log.state(), clean: marker });
  }

  async function dropAfter(version: number): Promise<void> {
    const before = log.state();
    assert(version >= (restorePoint(before)?.version ?? 0), `checkpoints below ${version} were pruned already`);
    const entries = upTo(before.entries, version);
    const clean = before.clean && before.clean.version > version ? undefined : before.clean;
    if (entries.length < before.entries.length || clean !== before.clean || !log.endKnown()) {
      await log.mark({ ...before, entries, clean }, version);
    }
    letGo(outsideLost(before.entries, entries));
    garbage.add(appends.forget(version));
  }

  async function pruneBelow(keepVersion: number): Promise<void> {
    const before = log.state();
    const next = prune(before, keepVersion);
    const lost = outsideLost(before.entries, next.entries);
    if (log.wasteful(next)) await log.rewrite(next);
    else if (lost.length > 0 || !garbage.isEmpty()) await log.mark(next);
    else log.adopt(next);
    letGo(lost);
    await garbage.collect();
  }

  /** What is not as it was may be so because a later incarnation had no use for it any more. */
  async function restore(version: number, reader: RestoreReader): Promise<Restored> {
    try {
      return await readCheckpoint({ disk, entries: log.state().entries, inline: log.readInline }, version, reader);
    } catch (error) {
      if (error instanceof StorageDamagedError) await refuseIfSuperseded(disk, incarnation);
      throw error;
    }
  }

  return {
    append: (checkpoint) => appends.append(checkpoint),
    markClean: (marker) => turn(() => markClean(marker)),
    clearClean: () =>
      turn(async () => {
        if (log.state().clean !== undefined) await log.mark({ ...log.state(), clean: undefined });
      }),
    dropAfter(version) {
      appends.drop(version);
      return turn(() => dropAfter(version));
    },
    restore: (version, reader) => turn(() => restore(version, reader)),
    prune: (keepVersion) => turn(() => pruneBelow(keepVersion)),
    refuseIfLost: () => turn(() => log.refuseIfLost()),
    storeFile(worldLine, version) {
      const name = storeFileName({ incarnation, worldLine, version });
      return { name, path: pathOf(disk, name) };
    },
    close,
  };
}
