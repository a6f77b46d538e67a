/** A worker as a process: checks its settings, gives it directory and ports, and serves pages for administrators. */
import path from 'node:path';
import { stepWorker, WORKER_DEFAULTS, workerStatus } from '@dpr/core';
import type { WorkerConfig, WorkerStatus } from '@dpr/core';
import { serveAdmin, type Probes } from '../admin.ts';
import type { BytePortOptions } from '../byte-port.ts';
import { createPlaces } from '../connection-places.ts';
import { limitBytes, type Budgets } from '../budget.ts';
import type { WorkerSettings } from '../environment.ts';
import { EXIT, ProcessError } from '../exit-codes.ts';
import { inputTurns } from '../input-turns.ts';
import { LISTENER_LIMITS } from '../listener-limits.ts';
import { nodeHost } from '../node-host.ts';
import { checkPort, type ListenerOptions } from '../listener.ts';
import type { Log } from '../log.ts';
import { divideMemory, type MemoryBudget } from '../memory.ts';
import { processMetrics } from '../metrics.ts';
import type { Running } from '../process.ts';
import { nodeDisk, prepareDirectory } from '../storage/index.ts';
import { clientPort, type ClientPort } from './client-port.ts';
import type { CreateSidePort, SidePort } from './side-port.ts';
import type { WorkerType } from './state-object.ts';
import { typeMetrics } from './type-metrics.ts';
import { runWorker } from './worker.ts';
import { logEvents } from './worker-log.ts';
import { countEvents, registerWorkerMetrics, type WorkerCounts } from './worker-metrics.ts';

export interface RunningWorker extends Running {
  readonly adminPort: number;
}

/** The state object's own directory, in the worker's. */
const STATE_DIRECTORY = 'state';

/**
 * @param resp serves Redis clients, where the settings name a port for them
 * @throws ProcessError when the settings do not fit the type, or the directory or a port cannot be used
 */
export async function startWorker(
  type: WorkerType,
  settings: WorkerSettings,
  log: Log,
  resp?: CreateSidePort,
): Promise<RunningWorker> {
  const { host, port, tokens, visitors, clientAddresses: addresses } = settings;
  const timing = { receiveTimeoutMs: settings.receiveTimeoutMs };
  checkType(type, settings);
  await checkPort(host, port, log);
  const respPort = await checkRespPort(settings, log, resp);
  const directory = await prepareDirectories(settings.data);
  const memory = divideMemory(settings.memoryBytes);
  const { bytes, limits, maxUnsentBytes, maxReceivedBytes } = memory;
  const metrics = processMetrics();
  const own = typeMetrics(metrics, type.name);
  const counts: WorkerCounts = {
    batches: 0,
    checkpoints: 0,
    checkpointBytes: 0,
    failedWrites: 0,
    rollbacks: 0,
    lostOperations: 0,
    restoreSeconds: 0,
    maxConnections: LISTENER_LIMITS.connections,
    connections: () => kernel.port.connections(),
    finderIsSilent: () => kernel.finderIsSilent(),
  };
  const count = countEvents(counts, nodeHost.now);
  const object = await type.create({ directory, log, memoryBytes: bytes, metrics: own });

  const budgets = { unsent: limitBytes(maxUnsentBytes), received: limitBytes(maxReceivedBytes) } satisfies Budgets;
  log.info({ event: 'memory', bytes, ...limits, maxUnsentBytes, maxReceivedBytes });
  const note = logEvents(log, settings.data);
  const portOptions: Omit<ListenerOptions, 'arrivals'> & Pick<BytePortOptions, 'places' | 'addresses'> = {
    ...{ host, port, log, visitors, tokens, addresses, limits: timing },
    budgetsOf: () => budgets,
    places: createPlaces(),
    roles: ['client'],
    elsewhere: "workers and operators greet at the Finder's control port",
  };
  const config = configOf(settings, memory);
  const kernel = runWorker(nodeHost, {
    ...{ config, object, log, token: tokens.control, maxStateBytes: memory.maxStateBytes, step: stepWorker },
    disk: nodeDisk(settings.data),
    finder: { address: settings.finder, timing },
    portFor(owner, arrivals, failed) {
      const turns = inputTurns(nodeHost, LISTENER_LIMITS.inputTurnMs, () => owner.isBusy?.() ?? false);
      const own = clientPort({ ...portOptions, arrivals, turns }, owner, failed);
      if (resp === undefined || respPort === undefined) return own;
      const at = { ...portOptions, port: respPort, what: 'RESP port' };
      const parts = { host: nodeHost, port: at, budgets, owner, turns, failed, status: () => status() };
      return withSidePort(own, resp(parts));
    },
    note(effect) {
      count(effect);
      note(effect);
    },
    counts: {
      batch: () => counts.batches++,
      checkpoint(seconds, bytes) {
        counts.checkpoints++;
        counts.checkpointBytes += bytes;
        observeWrite(seconds);
      },
      failedWrite: () => counts.failedWrites++,
    },
  });

  const status = (): WorkerStatus => workerStatus(kernel.worker);
  const observeWrite = registerWorkerMetrics(metrics, {
    ...{ status, counts, config, object, now: nodeHost.now },
    memory: { ...memory, ...budgets },
  });
  const probes = probesOf(status, kernel.port.isOpen);
  const withoutPages = { ...visitors, origins: [] };
  const admin = await serveAdmin({ host, port: settings.adminPort, log, metrics, visitors: withoutPages, ...probes });
  kernel.start(admin);
  return { adminPort: admin.port, ended: kernel.ended, stop: kernel.stop };
}

/** @returns the port for Redis clients, if there is to be one @throws ProcessError */
async function checkRespPort(
  { host, respPort, type, id }: WorkerSettings,
  log: Log,
  resp: CreateSidePort | undefined,
): Promise<number | undefined> {
  if (respPort === undefined) return undefined;
  if (resp === undefined) {
    const text = `DPR_RESP_PORT gives worker ${id} a port for Redis clients, and the type '${type}' serves none`;
    throw new ProcessError(text, EXIT.config);
  }
  await checkPort(host, respPort, log);
  return respPort;
}

/** Both ports as one. */
function withSidePort(own: ClientPort, side: SidePort): ClientPort {
  return {
    serve(cluster, worldLine) {
      own.serve(cluster, worldLine);
      side.serve();
    },
    isOpen: () => own.isOpen() && side.isOpen(),
    connections: () => own.connections() + side.connections(),
    close: () => Promise.all([own.close(), side.close()]).then(() => undefined),
  };
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
