/** A worker as a process: surrounds the worker's state machine and a state object with sockets, files and a clock. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { performance } from 'node:perf_hooks'; // the global of this name is a getter, and slow
import { createWorker, stepWorker, WORKER_DEFAULTS, workerStatus, workerWakeAt } from '@dpr/core';
import type { StopReason, WorkerConfig, WorkerEffect, WorkerEvent, WorkerStatus } from '@dpr/core';
import { Registry } from 'prom-client';
import { serveAdmin, type Probes } from '../admin.ts';
import { alarm } from '../alarm.ts';
import { limitBytes, type Budgets } from '../budget.ts';
import { deferred } from '../deferred.ts';
import { dial, type Dialer } from '../dialer.ts';
import type { WorkerSettings } from '../environment.ts';
import { EXIT, EXIT_BY_REASON, ProcessError } from '../exit-codes.ts';
import type { Doorkeeper } from '../greeting.ts';
import { nodeHost } from '../host.ts';
import { checkPort, listen, type Listener } from '../listener.ts';
import type { Log } from '../log.ts';
import { divideMemory, type MemoryBudget } from '../memory.ts';
import { STOP_LIMIT_MS, type Running } from '../process.ts';
import {
  nodeDisk,
  prepareDirectory,
  StateTooLargeError,
  StorageDamagedError,
  SupersededError,
  systemCode,
  VolumeLostError,
  WrongVolumeError,
} from '../storage/index.ts';
import { createClients } from './clients.ts';
import { arrivalsUser, clientsOwner, finderCaller, workerHello } from './peers.ts';
import { adaptState } from './state-adapter.ts';
import type { WorkerType } from './state-object.ts';
import { keptText, listGenerations } from './kept.ts';
import { volumeKeeper } from './volume-keeper.ts';
import { registerWorkerMetrics, type WorkerCounts } from './worker-metrics.ts';

export interface RunningWorker extends Running {
  readonly adminPort: number;
}

/** The state object's own directory, in the worker's. */
const STATE_DIRECTORY = 'state';

/** @throws ProcessError when the settings do not fit the type, or the directory or a port cannot be used */
export async function startWorker(type: WorkerType, settings: WorkerSettings, log: Log): Promise<RunningWorker> {
  const { host, port, tokens, visitors } = settings;
  const timing = { receiveTimeoutMs: settings.receiveTimeoutMs };
  checkType(type, settings);
  await checkPort(host, port, log);
  const directory = await prepareDirectories(settings.data);
  const object = await type.create({ directory, log });

  const memory = divideMemory(settings.memoryBytes);
  const { bytes, limits, maxUnsentBytes, maxReceivedBytes } = memory;
  const budgets = { unsent: limitBytes(maxUnsentBytes), received: limitBytes(maxReceivedBytes) } satisfies Budgets;
  log.info({ event: 'memory', bytes, ...limits, maxUnsentBytes, maxReceivedBytes });
  const clients = createClients();
  const counts: WorkerCounts = {
    batches: 0,
    checkpoints: 0,
    checkpointBytes: 0,
    failedWrites: 0,
    rollbacks: 0,
    connections: () => listener?.connections() ?? 0,
    finderIsSilent: () => finder?.isSilent() ?? false,
  };
  const ended = deferred<number>();
  const wake = alarm(nodeHost, () => dispatch({ kind: 'wake' }));
  let listener: Listener | undefined;
  let listening = false;
  let finder: Dialer | undefined;
  let cluster: string | undefined;
  let noPort: unknown;
  let undecided = '';
  let over = false;

  const state = adaptState(object, {
    executed: (ticket, results) => dispatch({ kind: 'executed', ticket, results }),
    broken,
    batch: () => counts.batches++,
  });
  const worker = createWorker(configOf(settings, memory), state);
  const status = (): WorkerStatus => workerStatus(worker);
  const volume = volumeKeeper({
    disk: nodeDisk(settings.data),
    worker: settings.id,
    looksAtKept: settings.state !== 'unsaid',
    boot: randomBytes(16).toString('hex'),
    object,
    log,
    maxStateBytes: memory.maxStateBytes,
    dispatch,
    written(seconds, bytes) {
      counts.checkpoints++;
      counts.checkpointBytes += bytes;
      observeWrite(seconds);
    },
    failed: () => counts.failedWrites++,
    broken,
  });

  function dispatch(event: WorkerEvent): void {
    if (over) return;
    for (const effect of stepWorker(worker, event, performance.now(), Date.now())) perform(effect);
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
        return serve(effect.cluster, effect.worldLine);
      case 'stop':
        log[AS_ASKED.includes(effect.why) ? 'info' : 'fatal']({ event: 'stop', why: effect.why, reason: effect.text });
        return finish(() => (noPort === undefined ? ended.resolve(EXIT_BY_REASON[effect.why]) : ended.reject(noPort)));
      case 'log':
        return note(effect.event, effect.details);
      case 'openVolume':
        log.setBindings({ incarnation: effect.incarnation });
        return volume.perform(effect);
      default:
        return volume.perform(effect);
    }
  }

  function note(event: LogEvent, details: Readonly<Record<string, unknown>>): void {
    if (event === 'rollback') counts.rollbacks++;
    if (event === 'undecided') {
      noteUndecided(String(details.reason));
      return;
    }
    log[LEVELS[event]]({ event, ...details });
  }

  /** Says what is kept, once: the answer is the same at each connection. */
  function noteUndecided(reason: string): void {
    if (reason === undecided) return;
    undecided = reason;
    const tell = (kept: string): void => log.error({ event: 'undecided', reason: `${reason}. ${kept}` });
    listGenerations(settings.data).then(
      (found) => tell(`Here are: ${keptText(found)}`),
      () => tell(''),
    );
  }

  /** Clients find the port closed until the worker has recovered for the first time, so that they fail fast. */
  function serve(cluster: string, worldLine: number): void {
    const serving = { event: 'serving', cluster, worldLine, port };
    if (listener !== undefined) return log.info(serving);
    if (listening) return;
    listening = true;
    const elsewhere = `workers and operators greet at the Finder's control port`;
    const doorkeeper: Doorkeeper = { roles: ['client'], elsewhere, tokens };
    const shared = { limits: timing, budgetsOf: () => budgets, arrivals: arrivalsUser(worker, dispatch) };
    listen({ host, port, log, visitors, ...doorkeeper, ...shared }, owner).then(
      (opened) => {
        listener = opened;
        log.info(serving);
        if (over) void opened.close();
      },
      (error: unknown) => {
        noPort = error; // another process took it since it was looked at: end cleanly, so that nothing is rolled back
        dispatch({ kind: 'shutdown' });
      },
    );
  }

  const known = (): string | undefined => status().cluster || cluster;
  const owner = clientsOwner(worker, clients, dispatch);
  const caller = finderCaller(known, dispatch);

  const metrics = new Registry();
  const observeWrite = registerWorkerMetrics(metrics, status, counts, { ...memory, ...budgets });
  const probes = probesOf(status, () => listener !== undefined);
  const withoutPages = { ...visitors, origins: [] };
  const admin = await serveAdmin({ host, port: settings.adminPort, log, metrics, visitors: withoutPages, ...probes });

  function broken(error: unknown): void {
    if (over) return; // a fenced one finds out by the Finder and by its volume
    if (error instanceof SupersededError) {
      log.error({ event: 'stop', why: 'fenced', reason: error.message });
      finish(() => ended.resolve(EXIT.fenced));
    } else if (error instanceof VolumeLostError) {
      finish(() => ended.reject(new ProcessError(error.message, EXIT.volumeLost, { cause: error })));
    } else {
      finish(() => ended.reject(toldAs(error)));
    }
  }

  /** Close everything, as far as that can be done in time, and then tell how it ended. */
  function finish(tell: () => void): void {
    if (over) return;
    over = true;
    wake.cancel();
    finder?.close();
    const late = setTimeout(tell, STOP_LIMIT_MS);
    void Promise.allSettled([listener?.close(), admin.close(), volume.close()]).then(() => {
      clearTimeout(late);
      tell();
    });
  }

  volume.survey().then((found) => {
    cluster = found;
    const hello = () => workerHello(worker, known(), tokens.control);
    if (!over) finder = dial({ address: settings.finder, log, hello, timing }, caller);
  }, broken);

  return { adminPort: admin.port, ended: ended.promise, stop: () => dispatch({ kind: 'shutdown' }) };
}

/** A connection that is silent is closed within this many receive timeouts. */
const COPIES_ARRIVE_WITHIN = 2;

/** Ends that the administrator asked for. */
const AS_ASKED: readonly StopReason[] = ['shutdown', 'left'];

type LogEvent = Extract<WorkerEffect, { kind: 'log' }>['event'];

const LEVELS: Readonly<Record<LogEvent, 'debug' | 'info' | 'warn' | 'error'>> = {
  joined: 'info',
  rollback: 'warn',
  restored: 'info',
  leaving: 'info',
  drained: 'info',
  finderRefused: 'warn',
  undecided: 'error',
  memoryShort: 'warn',
  memoryEased: 'info',
  // Any client can cause as many of these as it likes.
  protocolError: 'debug',
};

/** What an administrator can do something about, as such. */
function toldAs(error: unknown): unknown {
  if (error instanceof StateTooLargeError) return new ProcessError(error.message, EXIT.tooLarge, { cause: error });
  return isForAdministrator(error) ? new ProcessError(error.message, EXIT.refused, { cause: error }) : error;
}

/** The disk or what is on it is at fault, not the program. */
function isForAdministrator(error: unknown): error is Error {
  return error instanceof StorageDamagedError || error instanceof WrongVolumeError || systemCode(error) !== undefined;
}

function configOf(settings: WorkerSettings, { limits }: MemoryBudget): WorkerConfig {
  const { id, type, publicHost, publicPort, checkpointIntervalMs, receiveTimeoutMs, state, from } = settings;
  const own = { id, type, host: publicHost, port: publicPort, state, from };
  // A connection that was given up is closed here after so long, and with it goes what was on its way.
  const endedExpiryMs = Math.max(WORKER_DEFAULTS.endedExpiryMs, COPIES_ARRIVE_WITHIN * receiveTimeoutMs);
  const giveWayMs = WORKER_DEFAULTS.giveWayMs + endedExpiryMs - WORKER_DEFAULTS.endedExpiryMs;
  const patience = { endedExpiryMs, giveWayMs };
  return { ...WORKER_DEFAULTS, ...limits, ...patience, ...own, checkpointIntervalMs };
}

function checkType({ name }: WorkerType, { type, id }: WorkerSettings): void {
  if (name === type) return;
  const text = `DPR_WORKER_TYPE says that worker ${id} is of type '${type}', and this program is for the type '${name}'`;
  throw new ProcessError(text, EXIT.config);
}

/** @returns the state object's own directory */
async function prepareDirectories(data: string): Promise<string> {
  const own = path.join(data, STATE_DIRECTORY);
  try {
    await prepareDirectory(data);
    await prepareDirectory(own);
  } catch (error) {
    throw new ProcessError(error instanceof Error ? error.message : String(error), EXIT.config, { cause: error });
  }
  return own;
}

function probesOf(status: () => WorkerStatus, isListening: () => boolean): Probes {
  const waitsFor = (): string | undefined => {
    const { phase, isMember, finderOpen, restoring } = status();
    if (!isMember) return finderOpen ? `the worker is joining the cluster (${phase})` : 'the Finder is not reached';
    if (restoring !== undefined) return `version ${restoring} is being restored`;
    return isListening() ? undefined : 'the port is being opened';
  };
  let started = false;
  return {
    startup() {
      const waits = waitsFor();
      started ||= waits === undefined;
      return started ? undefined : waits;
    },
    ready() {
      const { leaving, shuttingDown } = status();
      if (leaving) return 'the worker is leaving the cluster';
      return shuttingDown ? 'the worker is shutting down' : waitsFor();
    },
  };
}
