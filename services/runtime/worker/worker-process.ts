/** A worker as a process: surrounds the worker's state machine and a state object with sockets, files and a clock. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { performance } from 'node:perf_hooks'; // the global of this name is a getter, and slow
import { createWorker, stepWorker, WORKER_DEFAULTS, workerStatus, workerWakeAt } from '@dpr/core';
import type { WorkerConfig, WorkerEffect, WorkerEvent, WorkerStatus } from '@dpr/core';
import { Registry } from 'prom-client';
import { serveAdmin, type Probes } from '../admin.ts';
import { alarm } from '../alarm.ts';
import { limitBytes, type Budgets } from '../budget.ts';
import { dial, type Dialer } from '../dialer.ts';
import type { WorkerSettings } from '../environment.ts';
import { EXIT, ProcessError } from '../exit-codes.ts';
import { nodeHost } from '../host.ts';
import { checkPort, type ListenerOptions } from '../listener.ts';
import type { Log } from '../log.ts';
import { divideMemory, type MemoryBudget } from '../memory.ts';
import type { Running } from '../process.ts';
import { nodeDisk, prepareDirectory } from '../storage/index.ts';
import { clientPort } from './client-port.ts';
import { createClients } from './clients.ts';
import { arrivalsUser, clientsOwner, finderCaller, workerHello } from './peers.ts';
import { adaptState } from './state-adapter.ts';
import type { WorkerType } from './state-object.ts';
import { volumeKeeper } from './volume-keeper.ts';
import { workerEnd } from './worker-end.ts';
import { logEvents } from './worker-log.ts';
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
    connections: () => clientsPort.connections(),
    finderIsSilent: () => finder?.isSilent() ?? false,
  };
  /** What is closed at the end. */
  const open: { close(): Promise<void> }[] = [];
  const end = workerEnd(log, () => {
    wake.cancel();
    finder?.close();
    return open.map((one) => one.close());
  });
  const wake = alarm(nodeHost, () => dispatch({ kind: 'wake' }));
  const note = logEvents(log, settings.data);
  let finder: Dialer | undefined;
  let cluster: string | undefined;

  const state = adaptState(object, {
    executed: (ticket, results) => dispatch({ kind: 'executed', ticket, results }),
    broken: end.broken,
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
    broken: end.broken,
  });
  open.push(volume);

  function dispatch(event: WorkerEvent): void {
    if (end.isOver()) return;
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
        return clientsPort.serve(effect.cluster, effect.worldLine);
      case 'stop':
        return end.stop(effect.why, effect.text);
      case 'log':
        if (effect.event === 'rollback') counts.rollbacks++;
        return note(effect);
      case 'openVolume':
        log.setBindings({ incarnation: effect.incarnation });
        return volume.perform(effect);
      default:
        return volume.perform(effect);
    }
  }

  const knownCluster = (): string | undefined => status().cluster || cluster;
  const portOptions: ListenerOptions = {
    ...{ host, port, log, visitors, tokens, limits: timing, budgetsOf: () => budgets },
    roles: ['client'],
    addresses: settings.clientAddresses,
    elsewhere: "workers and operators greet at the Finder's control port",
    arrivals: arrivalsUser(worker, dispatch),
  };
  const clientsPort = clientPort(portOptions, clientsOwner(worker, clients, dispatch), (error) => {
    end.shutDownBy(error); // cleanly, so that nothing is rolled back
    dispatch({ kind: 'shutdown' });
  });
  open.push(clientsPort);

  const metrics = new Registry();
  const observeWrite = registerWorkerMetrics(metrics, status, counts, { ...memory, ...budgets });
  const probes = probesOf(status, clientsPort.isOpen);
  const withoutPages = { ...visitors, origins: [] };
  const admin = await serveAdmin({ host, port: settings.adminPort, log, metrics, visitors: withoutPages, ...probes });
  open.push(admin);

  volume.survey().then((found) => {
    cluster = found;
    const hello = () => workerHello(worker, knownCluster(), tokens.control);
    const caller = finderCaller(knownCluster, dispatch);
    if (!end.isOver()) finder = dial({ address: settings.finder, log, hello, timing }, caller);
  }, end.broken);

  return { adminPort: admin.port, ended: end.ended, stop: () => dispatch({ kind: 'shutdown' }) };
}

/** A connection that is silent is closed within this many receive timeouts. */
const COPIES_ARRIVE_WITHIN = 2;

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
