/** The Finder as a process: opens its directory and its ports, and serves pages for administrators. */
import { setTimeout as pause } from 'node:timers/promises';
import { FINDER_DEFAULTS, finderStatus, stepFinder } from '@dpr/core';
import type { FinderEffect, FinderStatus } from '@dpr/core';
import { FrameError } from '@dpr/protocol';
import { serveAdmin, type Probes } from '../admin.ts';
import { limitBytes, type Budgets } from '../budget.ts';
import type { Owner } from '../connection.ts';
import type { FinderSettings } from '../environment.ts';
import { EXIT, ProcessError } from '../exit-codes.ts';
import type { Doorkeeper, PeerRole } from '../greeting.ts';
import { nodeHost } from '../node-host.ts';
import { listen } from '../listener.ts';
import { LISTENER_LIMITS } from '../listener-limits.ts';
import type { Log } from '../log.ts';
import { divideMemory } from '../memory.ts';
import { processMetrics } from '../metrics.ts';
import { CLIENTS_SHARE, createPlaces } from '../connection-places.ts';
import { STOP_LIMIT_MS, type Running } from '../process.ts';
import {
  nodeDisk,
  prepareDirectory,
  StorageDamagedError,
  volumeLock,
  VolumeLockedError,
  type VolumeLock,
} from '../storage/index.ts';
import { registerFinderMetrics, type FinderCounts } from './finder-metrics.ts';
import { runFinder, type FinderNote, type FinderVolume } from './finder.ts';
import { openRecordFile } from './record-file.ts';

/** A predecessor that was asked to stop may still be at it, as when Kubernetes replaces a pod by force. */
const PREDECESSOR_LIMIT_MS = STOP_LIMIT_MS + 200;
const LOCK_POLL_MS = 25;

export interface RunningFinder extends Running {
  readonly port: number;
  readonly controlPort: number;
  readonly adminPort: number;
}

/** @throws ProcessError when the directory, its lock, its files or a port cannot be used */
export async function startFinder(settings: FinderSettings, log: Log): Promise<RunningFinder> {
  const { host, data, tokens, visitors, clientAddresses: addresses } = settings;
  const withoutPages = { ...visitors, origins: [] };
  const limits = { receiveTimeoutMs: settings.receiveTimeoutMs };
  const volume = await openVolume(data, log);
  const counts: FinderCounts = {
    recordWrites: 0,
    failedWrites: 0,
    cuts: 0,
    lastCutAt: 0,
    rollbacks: 0,
    reports: 0,
    maxConnections: LISTENER_LIMITS.connections,
    connections: () => kernel.connections(),
    gaveWay: () => [clients.unsent, clients.received, others.received].reduce((sum, one) => sum + one.gaveWay(), 0),
  };
  const kernel = runFinder(nodeHost, {
    config: { ...FINDER_DEFAULTS, controlPort: settings.controlPort },
    log,
    step: stepFinder,
    note(effect) {
      if (effect.kind === 'log' && effect.event === 'rollback') counts.rollbacks++;
      noteEffect(log, effect, listening.port);
    },
    counts: {
      record(seconds) {
        counts.recordWrites++;
        observe.write(seconds);
      },
      failedWrite: () => counts.failedWrites++,
      cut(seconds) {
        counts.cuts++;
        if (seconds !== undefined) observe.commit(seconds);
        counts.lastCutAt = nodeHost.wall();
      },
    },
  });
  const status = (): FinderStatus => finderStatus(kernel.finder);
  const owner: Owner = {
    ...kernel.owner,
    frames(connection, messages) {
      for (const { kind } of messages) if (kind === 'checkpoint' || kind === 'graph') counts.reports++;
      kernel.owner.frames(connection, messages);
    },
  };

  const { maxUnsentBytes, maxReceivedBytes } = divideMemory(settings.memoryBytes);
  const clients = { unsent: limitBytes(maxUnsentBytes), received: limitBytes(maxReceivedBytes) } satisfies Budgets;
  // No client's bytes make a worker give way; and what a worker has to read is bounded by what the cluster decides.
  const others: Budgets = { received: limitBytes(maxReceivedBytes) };
  const budgetsOf = (role: PeerRole): Budgets => (role === 'client' ? clients : others);
  const shared = { host, log, tokens, limits, budgetsOf, places: createPlaces(CLIENTS_SHARE) };
  /** No proxy is before the control port. */
  const direct = addresses === 'hidden' ? 'hidden' : 'own';
  const roles: Doorkeeper['roles'] = ['client', 'worker', 'operator'];
  const control = await listen(
    { ...shared, port: settings.controlPort, visitors: withoutPages, addresses: direct, roles, elsewhere: '' },
    owner,
  );
  const elsewhere = `workers and operators greet at the control port, ${control.port}`;
  const listening = await listen(
    { ...shared, port: settings.port, visitors, addresses, roles: ['client'], elsewhere },
    owner,
  );
  const metrics = processMetrics();
  const observe = registerFinderMetrics(metrics, status, counts);
  const admin = await serveAdmin({
    host,
    port: settings.adminPort,
    log,
    metrics,
    visitors: withoutPages,
    ...probesOf(status),
  });
  kernel.start(volume, [listening, control, admin]);
  return {
    port: listening.port,
    controlPort: control.port,
    adminPort: admin.port,
    ended: kernel.ended,
    stop: kernel.stop,
  };
}

/** @param port where clients connect */
function noteEffect(log: Log, effect: FinderNote, port: number): void {
  switch (effect.kind) {
    case 'serving':
      return log.info({ event: 'serving', cluster: effect.cluster, worldLine: effect.worldLine, port });
    case 'refusing':
      return log.error({ event: 'refusing', reason: effect.reason });
    case 'log':
      return log[WARNINGS.has(effect.event) ? 'warn' : 'info']({ event: effect.event, ...effect.details });
  }
}

type LogEvent = Extract<FinderEffect, { kind: 'log' }>['event'];

/** What an administrator should look at. */
const WARNINGS: ReadonlySet<LogEvent> = new Set([
  'refused',
  'fenced',
  'protocolError',
  'rollback',
  'unheard',
  'silent',
  'blocked',
  'impossibleDependency',
]);

function probesOf(status: () => FinderStatus): Probes {
  const waits = 'the record is being made durable';
  const startup = (): string | undefined => (status().hasRecord ? undefined : waits);
  return { startup, ready: () => status().refusal || startup() };
}

/** @throws ProcessError when the directory, its lock or its files cannot be used */
async function openVolume(directory: string, log: Log): Promise<FinderVolume> {
  let lock: VolumeLock | undefined;
  try {
    await prepareDirectory(directory);
    lock = await lockSoon(directory, log);
    return { lock, ...(await openRecordFile(nodeDisk(directory), log)) };
  } catch (error) {
    await lock?.release();
    if (!(error instanceof Error)) throw error;
    const damaged = error instanceof StorageDamagedError || error instanceof FrameError;
    const text = error instanceof FrameError ? `the Finder's record in ${directory} cannot be read` : error.message;
    throw new ProcessError(text, damaged ? EXIT.damaged : EXIT.config, { cause: error });
  }
}

/** @throws VolumeLockedError when the process that uses the directory does not end */
async function lockSoon(directory: string, log: Log): Promise<VolumeLock> {
  const late = performance.now() + PREDECESSOR_LIMIT_MS;
  for (let told = false; ; told = true) {
    try {
      return await volumeLock(directory);
    } catch (error) {
      if (!(error instanceof VolumeLockedError) || performance.now() > late) throw error;
      if (!told) log.warn({ event: 'waiting', reason: error.message });
      await pause(LOCK_POLL_MS);
    }
  }
}
