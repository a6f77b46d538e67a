/** The Finder on a host: its state machine, and what performs the effects that the state machine asks for. */
import { announcedAfterMs, announcedCut, createFinder, finderWakeAt } from '@dpr/core';
import type { Finder, FinderConfig, FinderEffect, FinderEvent } from '@dpr/core';
import { alarm } from '../alarm.ts';
import type { Owner } from '../connection.ts';
import { deferred } from '../deferred.ts';
import { EXIT, ProcessError } from '../exit-codes.ts';
import type { Host } from '../host.ts';
import type { Log } from '../log.ts';
import type { Closable } from '../process.ts';
import { VolumeLostError, type VolumeLock } from '../storage/index.ts';
import { createPeers } from './peers.ts';
import type { RecordFile } from './record-file.ts';
import { recordWriter, type RecordWriter } from './record-writer.ts';

export interface FinderParts {
  readonly config: FinderConfig;
  readonly log: Pick<Log, 'error'>;
  /** What the state machine tells of itself. */
  readonly note: (effect: FinderNote) => void;
  readonly counts: FinderObserver;
  /** `stepFinder`; a simulation looks at what comes in, and at each effect before it is performed. */
  readonly step: (finder: Finder, event: FinderEvent, now: number) => Iterable<FinderEffect>;
}

export type FinderNote = Extract<FinderEffect, { kind: 'log' | 'serving' | 'refusing' }>;

/** Who counts what the Finder does. */
export interface FinderObserver {
  /** A record became durable. */
  readonly record: (seconds: number) => void;
  readonly failedWrite: () => void;
  /** Another cut may be told to peers, so long after the report of what it adds, where that is longest and known. */
  readonly cut: (seconds: number | undefined) => void;
}

/** What the Finder has on its disk, and the lock that keeps others away from it. */
export interface FinderVolume extends RecordFile {
  readonly lock: Pick<VolumeLock, 'stillHeld' | 'release'>;
}

export interface FinderKernel {
  readonly finder: Finder;
  /** Who answers at the Finder's ports. */
  readonly owner: Owner;
  /** Peers that are connected. */
  readonly connections: () => number;
  /** The exit code, once everything is closed; rejects with what the Finder could not go on after. */
  readonly ended: Promise<number>;
  /** Go on from the record on the volume. @param others what is closed with the Finder, before its volume */
  readonly start: (volume: FinderVolume, others: readonly Closable[]) => void;
  /** End, after the write in flight. */
  readonly stop: () => void;
}

/** Everything is put together, and nothing happens before `start`, except that peers which come are turned away. */
export function runFinder(host: Host, { config, log, note, counts, step }: FinderParts): FinderKernel {
  const finder = createFinder(config);
  const peers = createPeers(dispatch);
  const wake = alarm(host, () => dispatch({ kind: 'wake' }));
  const { promise: ended, resolve, reject } = deferred<number>();
  let writer: RecordWriter | undefined;
  /** What is closed at the end, and then the volume. */
  let open: readonly Closable[] = [];
  let volume: FinderVolume | undefined;
  let over = false;

  function dispatch(event: FinderEvent): void {
    if (over) return;
    for (const effect of step(finder, event, host.now())) perform(effect);
    wake.set(finderWakeAt(finder));
  }

  function perform(effect: FinderEffect): void {
    switch (effect.kind) {
      case 'send':
      case 'broadcast':
      case 'close':
        return peers.perform(effect);
      case 'write':
        return (writer ?? missing()).write(effect.record);
      default:
        return note(effect);
    }
  }

  function written(counter: number, seconds: number): void {
    counts.record(seconds);
    const before = announcedCut(finder);
    dispatch({ kind: 'written', counter });
    if (announcedCut(finder) === before) return;
    const ms = announcedAfterMs(finder);
    counts.cut(ms === undefined ? undefined : ms / MS_PER_SECOND);
  }

  /** Finish the write in flight, close everything, and then tell how it ended. */
  function finish(tell: () => void): void {
    if (over) return;
    over = true;
    wake.cancel();
    void Promise.allSettled([writer?.stop(), ...open.map((one) => one.close())])
      .then(() => Promise.allSettled([volume?.file.close(), volume?.lock.release()]))
      .then(tell);
  }

  return {
    finder,
    owner: peers.owner,
    connections: peers.count,
    ended,
    start(found, others) {
      volume = found;
      open = others;
      const { file, lock, record } = found;
      const broken = (error: unknown): void => finish(() => reject(lastWordsOf(error)));
      writer = recordWriter({ host, file, lock, log, written, failed: counts.failedWrite, broken });
      const name = (bytes: number): string => host.randomBytes(bytes).toString('hex');
      dispatch({ kind: 'loaded', record, start: name(START_BYTES), cluster: name(CLUSTER_BYTES) });
    },
    stop: () => finish(() => resolve(EXIT.ok)),
  };
}

const MS_PER_SECOND = 1_000;
/** Of the name of a start, and of a cluster's. */
const START_BYTES = 8;
const CLUSTER_BYTES = 16;

/** That the volume is lost is for an administrator; everything else is a defect. */
function lastWordsOf(error: unknown): unknown {
  return error instanceof VolumeLostError ? new ProcessError(error.message, EXIT.volumeLost, { cause: error }) : error;
}

function missing(): never {
  throw new Error('the Finder writes only after it was started');
}
