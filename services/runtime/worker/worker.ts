/** A worker on a host: its state machine, and what performs the effects that the state machine asks for. */
import { createWorker, workerStatus, workerWakeAt } from '@dpr/core';
import type { Worker, WorkerConfig, WorkerEffect, WorkerEvent } from '@dpr/core';
import { alarm } from '../alarm.ts';
import type { ArrivalsUser } from '../arrival-barrier.ts';
import type { Owner } from '../connection.ts';
import { dial, type Dialer, type DialerOptions } from '../dialer.ts';
import type { Host } from '../host.ts';
import type { Log } from '../log.ts';
import type { Closable } from '../process.ts';
import type { Disk } from '../storage/index.ts';
import type { ClientPort } from './client-port.ts';
import { createClients } from './clients.ts';
import { arrivalsUser, clientsOwner, finderCaller, workerHello } from './peers.ts';
import type { SectionLimits } from './incremental/index.ts';
import { adaptState } from './state-adapter.ts';
import type { AnyState } from './state-object.ts';
import { volumeKeeper } from './volume-keeper.ts';
import { workerEnd } from './worker-end.ts';
import type { LogEffect } from './worker-log.ts';

export interface WorkerParts {
  readonly config: WorkerConfig;
  readonly object: AnyState;
  /** The worker's directory. */
  readonly disk: Disk;
  /** A state that is larger is not restored. */
  readonly maxStateBytes: number;
  /** A simulation has small ones. */
  readonly sectionLimits?: SectionLimits;
  readonly log: Pick<Log, 'info' | 'warn' | 'error' | 'fatal' | 'setBindings'>;
  /** What the state machine tells of itself. */
  readonly note: (effect: LogEffect) => void;
  /** The address of the Finder's control port, and the times of the connection to it. */
  readonly finder: Pick<DialerOptions, 'address' | 'timing'>;
  /** What the Finder asks of workers. */
  readonly token: string | undefined;
  /** The port for clients. @param failed called when it cannot be opened */
  readonly portFor: (owner: Owner, arrivals: ArrivalsUser, failed: (error: unknown) => void) => ClientPort;
  readonly counts: WorkerObserver;
  /** `stepWorker`; a simulation looks at what comes in, and at each effect before it is performed. */
  readonly step: (worker: Worker, event: WorkerEvent, now: number, wall: number) => Iterable<WorkerEffect>;
}

/** Who counts what a worker does. */
export interface WorkerObserver {
  /** A batch was begun. */
  readonly batch: () => void;
  /** A checkpoint of so many bytes became durable. */
  readonly checkpoint: (seconds: number, bytes: number) => void;
  readonly failedWrite: () => void;
}

export interface WorkerKernel {
  readonly worker: Worker;
  readonly port: ClientPort;
  /** There is a connection to the Finder, which does not answer on it. */
  readonly finderIsSilent: () => boolean;
  /** The exit code, once everything is closed; rejects with what the worker could not go on after. */
  readonly ended: Promise<number>;
  /** Read the volume, and join the cluster. @param other what is closed with the worker */
  readonly start: (other?: Closable) => void;
  /** Ask it to end, cleanly. */
  readonly stop: () => void;
}

/** Everything is put together, and nothing happens before `start`. */
export function runWorker(host: Host, parts: WorkerParts): WorkerKernel {
  const { config, object, disk, maxStateBytes, sectionLimits, log, note, token, counts, step } = parts;
  const open: Closable[] = [];
  const end = workerEnd(host, log, () => {
    wake.cancel();
    finder?.close();
    return open.map((one) => one.close());
  });
  const wake = alarm(host, () => dispatch({ kind: 'wake' }));
  const clients = createClients();
  let finder: Dialer | undefined;
  /** As the volume says. */
  let cluster: string | undefined;

  const state = adaptState(
    host,
    object,
    { maxStateBytes, maxCopyBytes: config.maxUndoBytes, sectionLimits },
    {
      executed: (ticket, results) => dispatch({ kind: 'executed', ticket, results }),
      broken: end.broken,
      batch: counts.batch,
    },
  );
  const worker = createWorker(config, state);
  const volume = volumeKeeper({
    ...{ host, disk, state, log, maxStateBytes, dispatch },
    worker: config.id,
    looksAtKept: config.state !== 'unsaid',
    boot: host.randomBytes(BOOT_BYTES).toString('hex'),
    written: counts.checkpoint,
    failed: counts.failedWrite,
    broken: end.broken,
  });
  const port = parts.portFor(clientsOwner(worker, clients, dispatch), arrivalsUser(worker, dispatch), (error) => {
    end.shutDownBy(error); // cleanly, so that nothing is rolled back
    dispatch({ kind: 'shutdown' });
  });

  function dispatch(event: WorkerEvent): void {
    if (end.isOver()) return;
    for (const effect of step(worker, event, host.now(), host.wall())) perform(effect);
    wake.set(workerWakeAt(worker));
  }

  function perform(effect: WorkerEffect): void {
    switch (effect.kind) {
      case 'send':
        return clients.send(effect.connection, effect.message);
      case 'close':
        return clients.close(effect.connection);
      case 'toFinder':
        return finder?.send(effect.message);
      case 'publish':
        return clients.publish(effect.message, effect.own);
      case 'serving':
        return port.serve(effect.cluster, effect.worldLine);
      case 'stop':
        return end.stop(effect.why, effect.text);
      case 'log':
        return note(effect);
      case 'openVolume':
        log.setBindings({ incarnation: effect.incarnation });
        return volume.perform(effect);
      default:
        return volume.perform(effect);
    }
  }

  function callFinder(): void {
    const knownCluster = (): string | undefined => workerStatus(worker).cluster || cluster;
    const hello = () => workerHello(worker, knownCluster(), token);
    finder = dial({ host, ...parts.finder, log, hello }, finderCaller(knownCluster, dispatch));
  }

  return {
    worker,
    port,
    finderIsSilent: () => finder?.isSilent() ?? false,
    ended: end.ended,
    start(other) {
      open.push(volume, port);
      if (other !== undefined) open.push(other);
      volume.survey().then((found) => {
        cluster = found;
        if (!end.isOver()) callFinder();
      }, end.broken);
    },
    stop: () => dispatch({ kind: 'shutdown' }),
  };
}

/** Of the name of a process, which tells it from any other one. */
const BOOT_BYTES = 16;
