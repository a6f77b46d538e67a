/**
 * A worker's volume, at work: makes checkpoints durable one after another in version order, and takes them back when the worker
 * rolls back. What a disk refuses is tried again until it takes it; execution goes on meanwhile, up to the core's bounds.
 */
import { copyFile, rename, stat, unlink } from 'node:fs/promises';
import { sectionReader, type CleanMarker, type RestoredSessions, type WorkerEffect } from '@dpr/core';
import type { Host } from '../host.ts';
import type { Log } from '../log.ts';
import { isGone, StorageLimitError, systemCode, type CheckpointStore, type NewCheckpoint } from '../storage/index.ts';
import { pause, writePauses } from '../write-pauses.ts';
import type { AdaptedState, SealedState } from './adapted-state.ts';

export type NewVersion = Extract<WorkerEffect, { kind: 'checkpoint' }>;

export interface CheckpointWriterOptions {
  readonly host: Host;
  readonly store: CheckpointStore;
  readonly log: Pick<Log, 'error' | 'warn'>;
  readonly state: Pick<AdaptedState, 'restore' | 'behind'>;
  /** In version order. */
  readonly durable: (worldLine: number, version: number) => void;
  readonly written: (seconds: number, bytes: number) => void;
  readonly failed: () => void;
  /** It makes no sense to try again: the volume was taken over, lost or damaged, or this is a defect. */
  readonly broken: (error: unknown) => void;
}

export interface RestoredCheckpoint {
  readonly sessions: RestoredSessions;
  /** Everything was read: the state object has it at once, or once the promise resolves. */
  readonly finish: () => Promise<void>;
}

export interface CheckpointWriter {
  add(version: NewVersion): void;
  /**
   * Drop what is above `version`, in any state that it is in, and the clean-shutdown marker.
   * @returns what the volume gave (undefined: the empty state), or nothing when a later call overtook this one
   */
  restore(version: number, empty: boolean): Promise<{ readonly restored: RestoredCheckpoint | undefined } | undefined>;
  /** The same for a state object that went back in memory: before anything else is written, and nothing waits for it. */
  dropAfter(version: number): void;
  /** Make this the only checkpoint of the volume. False: it was stopped before that was durable. */
  begin(version: number, checkpoint: () => Promise<NewCheckpoint>): Promise<boolean>;
  /** Leave a clean-shutdown marker; true once it is durable, false if a `restore` overtook it. */
  mark(clean: CleanMarker): Promise<boolean>;
  /** In the background: give up what is below. */
  prune(keep: number): void;
  /** @throws VolumeLostError, SupersededError */
  refuseIfLost(): Promise<void>;
  /** Begin nothing more. */
  stop(): void;
}

/** Why an era ends; without a reason an error would be made, with a stack that is not read. */
const OVER = 'over';

export function checkpointWriter(options: CheckpointWriterOptions): CheckpointWriter {
  const { host, store, log, state, durable, written, broken } = options;
  const queue: NewVersion[] = [];
  /** Of the queue, and the one that is being written. */
  let unwritten = 0;
  /** Aborted by the next rollback: what was asked for before counts no more. */
  let era = new AbortController();
  let draining: Promise<unknown> | undefined;
  /** The newest `dropAfter`: whether no later rollback overtook it. */
  let dropping: Promise<boolean> | undefined;
  let pruning: Promise<unknown> | undefined;
  let pruneTo = 0;

  /** Give up what waits, and what is being written. @returns the end of that */
  function endEra(): Promise<unknown> | undefined {
    era.abort(OVER);
    era = new AbortController();
    const dropped = draining;
    draining = undefined;
    unwritten = 0;
    for (const version of queue.splice(0)) void sealedOf(version).discard();
    return dropped;
  }

  async function drainAfter(drop: Promise<boolean>, own: AbortController, before?: Promise<unknown>): Promise<void> {
    if (!(await drop)) return;
    await before;
    await drain(own);
  }

  async function drain(own: AbortController): Promise<void> {
    const { signal } = own;
    try {
      while (!signal.aborted) {
        const version = queue.shift();
        if (version === undefined) return;
        let made: Materialized | undefined;
        const began = host.now();
        const done = await persist(options, signal, 'checkpoint', version.info.version, async () => {
          made ??= await materialize(store, version);
          if (made !== undefined && !signal.aborted) await store.append(made.checkpoint);
        });
        if (!done || made === undefined) {
          await (made?.file === undefined ? sealedOf(version).discard() : unlink(made.file).catch(() => undefined));
          return;
        }
        if (own === era) state.behind(--unwritten);
        written((host.now() - began) / 1000, made.bytes);
        durable(version.info.worldLine, version.info.version);
      }
    } finally {
      if (own === era) draining = undefined;
    }
  }

  async function pruneInTurn(): Promise<void> {
    try {
      for (let to = 0; to < pruneTo;) {
        to = pruneTo;
        await store.prune(to);
      }
    } catch (error) {
      // The next cut asks again; until then the volume is larger than it need be.
      if (systemCode(error) === undefined) throw error;
      log.warn({ event: 'pruneFailed', reason: String(error) });
    } finally {
      pruning = undefined;
    }
  }

  return {
    add(version) {
      queue.push(version);
      state.behind(++unwritten);
      draining ??= drain(era).catch(broken);
    },
    async restore(version, empty) {
      const dropped = endEra();
      let restored: RestoredCheckpoint | undefined;
      const done = await persist(options, era.signal, 'rollback', version, async () => {
        await store.dropAfter(version);
        await store.clearClean();
        if (!empty) restored = await read(store, version, state);
      });
      await dropped;
      return done ? { restored } : undefined;
    },
    dropAfter(version) {
      const before = endEra();
      dropping = persist(options, era.signal, 'rollback', version, () => store.dropAfter(version));
      draining = drainAfter(dropping, era, before).catch(broken);
    },
    begin: (version, checkpoint) =>
      persist(options, era.signal, 'first checkpoint', version, async () => {
        await store.dropAfter(version - 1);
        await store.append(await checkpoint());
      }),
    async mark(clean) {
      const { signal } = era;
      await dropping; // what a rollback drops is above what the marker names
      return persist(options, signal, 'marker', clean.version, () => store.markClean(clean));
    },
    prune(keep) {
      pruneTo = keep;
      pruning ??= pruneInTurn().catch(broken);
    },
    refuseIfLost: () => refuseIfLost(store),
    stop: () => era.abort(OVER),
  };
}

/** Tries until it succeeds (true) or a rollback makes it pointless (false). */
async function persist(
  { host, store, log, failed }: CheckpointWriterOptions,
  signal: AbortSignal,
  what: string,
  version: number,
  attempt: () => Promise<unknown>,
): Promise<boolean> {
  const pauses = writePauses(host);
  const overtaken = () => signal.aborted;
  while (!overtaken()) {
    try {
      await attempt();
      return !overtaken();
    } catch (error) {
      if (overtaken()) return false;
      if (systemCode(error) === undefined && !(error instanceof StorageLimitError)) throw error;
      if (isGone(error)) await refuseIfLost(store);
      failed();
      log.error({ event: 'writeFailed', what, version, reason: String(error) });
      await pause(host, pauses.next(), signal);
    }
  }
  return false;
}

/** @throws VolumeLostError, SupersededError; what the disk refuses now it may say the next time */
async function refuseIfLost(store: CheckpointStore): Promise<void> {
  try {
    await store.refuseIfLost();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

async function read(
  store: CheckpointStore,
  version: number,
  state: Pick<AdaptedState, 'restore'>,
): Promise<RestoredCheckpoint> {
  const { take: takeSessions, finish } = sectionReader();
  const taker = state.restore(version);
  const { state: found, sessionsSince } = await store.restore(version, { ...taker, takeSessions });
  return { sessions: finish(sessionsSince, version), finish: () => taker.finish(found) };
}

interface Materialized {
  readonly checkpoint: NewCheckpoint;
  readonly bytes: number;
  /** Where the file of a store was moved to. */
  readonly file?: string;
}

/** Turn the state of a version into bytes, or into a file in its place on the volume. @returns undefined: it was rolled back */
async function materialize(store: CheckpointStore, version: NewVersion): Promise<Materialized | undefined> {
  const { info, sessions, stamp } = version;
  if (stamp === undefined) throw new Error('nothing executes before a record of the Finder was seen');
  const { worldLine, version: number, predecessor, dependencies } = info;
  const common = { worldLine, version: number, predecessor, dependencies, stamp, sessions };
  const state = await sealedOf(version).encode();
  if (state === undefined) return undefined;
  if ('chunks' in state) {
    const bytes = state.chunks.reduce((sum, chunk) => sum + chunk.length, sessions.bytes.length);
    return { checkpoint: { ...common, state }, bytes };
  }
  const { path } = store.storeFile(worldLine, number);
  const { size } = await stat(state.file);
  await moveFile(state.file, path);
  return { checkpoint: { ...common, state: 'storeFile' }, bytes: size + sessions.bytes.length, file: path };
}

/** What `AdaptedState.seal` gave. */
function sealedOf({ state }: NewVersion): SealedState {
  return state as SealedState;
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error;
    await copyFile(from, to);
    await unlink(from);
  }
}
