/** What the core asks of a worker's volume, done in order: survey, take over, write, go back, prune, mark. */
import { copyFile, constants } from 'node:fs/promises';
import type { WorkerEffect, WorkerEvent } from '@dpr/core';
import type { Host } from '../host.ts';
import type { Log } from '../log.ts';
import {
  systemCode,
  WrongVolumeError,
  type CheckpointStore,
  type Disk,
  type Identity,
  type NewCheckpoint,
} from '../storage/index.ts';
import { LOOK_EVERY_MS, pause, writePauses } from '../write-pauses.ts';
import { checkpointWriter, type CheckpointWriter } from './checkpoint-writer.ts';
import { claimGeneration, keepEarlier, findEarlier, surveyKept, surveyNewest } from './generations.ts';
import type { AdaptedState } from './adapted-state.ts';

export type VolumeEffect = Extract<
  WorkerEffect,
  { kind: 'survey' | 'openVolume' | 'bringBack' | 'restore' | 'checkpoint' | 'dropAfter' | 'prune' | 'mark' }
>;

export interface VolumeKeeperOptions {
  readonly host: Host;
  /** The worker's directory. */
  readonly disk: Disk;
  readonly worker: number;
  /** Look at what earlier generations hold, also if the newest one holds something: the worker may be told to bring one back. */
  readonly looksAtKept: boolean;
  /** Names this process to the Finder: 128 random bits in hex. */
  readonly boot: string;
  readonly state: Pick<AdaptedState, 'restore' | 'restoreEmpty' | 'behind' | 'stop'>;
  readonly log: Pick<Log, 'error' | 'warn'>;
  /** A state that is larger is not restored. */
  readonly maxStateBytes: number;
  readonly dispatch: (event: WorkerEvent) => void;
  readonly written: (seconds: number, bytes: number) => void;
  readonly failed: () => void;
  /** It makes no sense to go on. */
  readonly broken: (error: unknown) => void;
}

export interface VolumeKeeper {
  perform(effect: VolumeEffect): void;
  /**
   * Look at the volume, and tell what is on it by an event.
   * @returns the cluster that it belongs to, if to any
   * @throws WrongVolumeError, StorageDamagedError, system errors
   */
  survey(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** A disk, a quota or a limit that is full: others free it, and no worker is lost for it. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function volumeKeeper(options: VolumeKeeperOptions): VolumeKeeper {
  const { host, disk, boot, state, log, dispatch, broken } = options;
  let opened:
    { readonly store: CheckpointStore; readonly writer: CheckpointWriter; readonly cluster: string } | undefined;
  /** Restores do not overlap: the state object is given one version after the other. */
  let restoring: Promise<void> = Promise.resolve();
  /** In the background: nothing waits for it, and the next start tries again. */
  let keeping: Promise<void> = Promise.resolve();
  const closed = new AbortController();

  function writer(): CheckpointWriter {
    return (opened ?? missing()).writer;
  }

  async function survey(): Promise<string | undefined> {
    const { generation, checkpoints, stamp, identity, damage } = await surveyNewest(disk);
    for (const reason of damage) log.error({ event: 'damaged', reason });
    if (identity !== undefined) checkIdentity(disk, identity, options.worker, generation);
    const kept = await surveyKept(disk, generation, options.looksAtKept || checkpoints.length === 0);
    dispatch({ kind: 'surveyed', boot, generation, checkpoints, kept, stamp });
    return identity?.cluster;
  }

  async function open({
    cluster,
    generation,
    incarnation,
  }: Extract<VolumeEffect, { kind: 'openVolume' }>): Promise<void> {
    const identity = { cluster, worker: options.worker, generation };
    const claimed = await onceThereIsRoom(options, closed.signal, () => claimGeneration(disk, identity, incarnation));
    if (claimed === undefined) return;
    const { store, checkpoints, clean, damage } = claimed;
    for (const reason of damage) log.error({ event: 'damaged', reason });
    const durable = (worldLine: number, version: number): void => dispatch({ kind: 'durable', worldLine, version });
    const { written, failed } = options;
    const writer = checkpointWriter({ host, store, log, state, durable, written, failed, broken });
    opened = { store, writer, cluster };
    lookAfter(host, opened.writer, closed.signal).catch(broken);
    keeping = keepEarlier(disk, generation).catch((error: unknown) => {
      log.warn({ event: 'notRenamed', reason: String(error) });
    });
    dispatch({ kind: 'volumeOpened', checkpoints, clean });
  }

  /** The state is copied, so that this generation needs no other one from then on. */
  async function bringBack({
    from,
    info,
    sessions,
    stamp,
  }: Extract<VolumeEffect, { kind: 'bringBack' }>): Promise<void> {
    const { store, writer, cluster } = opened ?? missing();
    await keeping;
    const identity = { cluster, worker: options.worker, generation: from.generation };
    const begun = await writer.begin(info.version, async (): Promise<NewCheckpoint> => {
      const found = await findEarlier(disk, identity, from.version, options.maxStateBytes);
      // All sections of its chain, in their order, are one that is the whole state.
      if ('bytes' in found) return { ...info, stamp, sessions, state: { since: info.version, ...found } };
      await copyFile(found.path, store.storeFile(info.worldLine, info.version).path, constants.COPYFILE_FICLONE);
      return { ...info, stamp, sessions, state: 'storeFile' };
    });
    if (begun) await restore(info.version, false);
  }

  async function restore(version: number, empty: boolean): Promise<void> {
    const undone = writer().restore(version, empty);
    await restoring;
    const found = await undone;
    if (found === undefined) return;
    await (found.restored?.finish() ?? state.restoreEmpty(version));
    dispatch({ kind: 'restored', version, sessions: found.restored?.sessions });
  }

  function perform(effect: VolumeEffect): void {
    switch (effect.kind) {
      case 'survey':
        pause(host, effect.afterMs).then(survey).catch(broken);
        return;
      case 'openVolume':
        open(effect).catch(broken);
        return;
      case 'bringBack':
        bringBack(effect).catch(broken);
        return;
      case 'restore':
        restoring = restore(effect.version, effect.empty).catch(broken);
        return;
      case 'checkpoint':
        return writer().add(effect);
      case 'dropAfter':
        return writer().dropAfter(effect.version);
      case 'prune':
        return writer().prune(effect.keep);
      case 'mark':
        writer()
          .mark(effect.clean)
          .then((marked) => marked && dispatch({ kind: 'marked' }))
          .catch(broken);
        return;
    }
  }

  return {
    perform,
    survey,
    async close() {
      closed.abort();
      state.stop();
      opened?.writer.stop();
      await Promise.all([opened?.store.close(), keeping]);
    },
  };
}

/** @throws WrongVolumeError when the volume is another worker's, or another generation's */
function checkIdentity(disk: Disk, identity: Identity, worker: number, generation: number): void {
  if (identity.worker === worker && identity.generation === generation) return;
  const found = `generation ${identity.generation} of worker ${identity.worker}`;
  throw new WrongVolumeError(
    `${disk.directory} should hold generation ${generation} of worker ${worker}, and holds ${found}. ` +
      'Bring back the right directory',
  );
}

/** Tries until the disk is not full any more; undefined if that was not before the end. */
async function onceThereIsRoom<T>(
  { host, log, failed }: VolumeKeeperOptions,
  end: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  const pauses = writePauses(host);
  while (!end.aborted) {
    try {
      return await attempt();
    } catch (error) {
      if (!NO_ROOM.has(systemCode(error))) throw error;
      failed();
      log.error({ event: 'writeFailed', what: 'claim', reason: String(error) });
      await pause(host, pauses.next(), end);
    }
  }
  return undefined;
}

/** Also while there is nothing to write, what was committed may be removed. */
async function lookAfter(host: Host, writer: CheckpointWriter, end: AbortSignal): Promise<void> {
  for (;;) {
    await pause(host, LOOK_EVERY_MS, end);
    if (end.aborted) return;
    await writer.refuseIfLost();
  }
}

function missing(): never {
  throw new Error('the volume was not taken over yet');
}
