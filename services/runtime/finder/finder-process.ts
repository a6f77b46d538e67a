/** The Finder as a process: performs what its state machine asks for. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  announcedCut,
  createFinder,
  decodeRecord,
  FINDER_DEFAULTS,
  finderStatus,
  finderWakeAt,
  stepFinder,
} from '@dpr/core';
import type { FinderEffect, FinderEvent, FinderRecord, FinderStatus } from '@dpr/core';
import { FrameError } from '@dpr/protocol';
import { Registry } from 'prom-client';
import { serveAdmin, type Probes } from '../admin.ts';
import { alarm } from '../alarm.ts';
import { limitBytes, type Budgets } from '../budget.ts';
import type { Owner } from '../connection.ts';
import { deferred } from '../deferred.ts';
import type { FinderSettings } from '../environment.ts';
import { EXIT, ProcessError } from '../exit-codes.ts';
import type { Doorkeeper, PeerRole } from '../greeting.ts';
import { nodeHost } from '../host.ts';
import { listen } from '../listener.ts';
import type { Log } from '../log.ts';
import { divideMemory } from '../memory.ts';
import { CLIENTS_SHARE, createPlaces } from '../places.ts';
import { STOP_LIMIT_MS, type Running } from '../process.ts';
import {
  nodeDisk,
  openTwoSlotFile,
  prepareDirectory,
  StorageDamagedError,
  volumeLock,
  VolumeLockedError,
  VolumeLostError,
  type TwoSlotFile,
  type VolumeLock,
} from '../storage/index.ts';
import { registerFinderMetrics, type FinderCounts } from './finder-metrics.ts';
import { createPeers } from './peers.ts';
import { recordWriter } from './record-writer.ts';

/** The two-slot file's name in the Finder's directory. */
const RECORD_FILE = 'finder';

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
  const { lock, file, record } = await openVolume(data, log);
  const peers = createPeers(dispatch);
  const counts: FinderCounts = {
    recordWrites: 0,
    failedWrites: 0,
    cuts: 0,
    rollbacks: 0,
    reports: 0,
    connections: peers.count,
    gaveWay: () => [clients.unsent, clients.received, others.received].reduce((sum, one) => sum + one.gaveWay(), 0),
  };
  const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: settings.controlPort });
  const status = (): FinderStatus => finderStatus(finder);
  const ended = deferred<number>();
  const wake = alarm(nodeHost, () => dispatch({ kind: 'wake' }));
  let over = false;

  function dispatch(event: FinderEvent): void {
    if (over) return;
    for (const effect of stepFinder(finder, event, performance.now())) perform(effect);
    wake.set(finderWakeAt(finder));
  }

  function perform(effect: FinderEffect): void {
    switch (effect.kind) {
      case 'send':
      case 'broadcast':
      case 'close':
        return peers.perform(effect);
      case 'write':
        return writer.write(effect.record);
      case 'serving':
        return log.info({
          event: 'serving',
          cluster: effect.cluster,
          worldLine: effect.worldLine,
          port: listening.port,
        });
      case 'refusing':
        return log.error({ event: 'refusing', reason: effect.reason });
      case 'log':
        if (effect.event === 'rollback') counts.rollbacks++;
        return log[WARNINGS.has(effect.event) ? 'warn' : 'info']({ event: effect.event, ...effect.details });
    }
  }

  const owner: Owner = {
    ...peers.owner,
    frames(connection, messages) {
      for (const { kind } of messages) if (kind === 'checkpoint' || kind === 'graph') counts.reports++;
      peers.owner.frames(connection, messages);
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
  const metrics = new Registry();
  const observeWrite = registerFinderMetrics(metrics, status, counts);
  const admin = await serveAdmin({
    host,
    port: settings.adminPort,
    log,
    metrics,
    visitors: withoutPages,
    ...probesOf(status),
  });

  const writer = recordWriter({
    host: nodeHost,
    file,
    lock,
    log,
    written(counter, seconds) {
      counts.recordWrites++;
      observeWrite(seconds);
      const before = announcedCut(finder);
      dispatch({ kind: 'written', counter });
      if (announcedCut(finder) !== before) counts.cuts++;
    },
    failed: () => counts.failedWrites++,
    broken: (error) => finish(() => ended.reject(lastWordsOf(error))),
  });

  /** Finish the write in flight, close everything, and then tell how it ended. */
  function finish(tell: () => void): void {
    if (over) return;
    over = true;
    wake.cancel();
    void Promise.allSettled([writer.stop(), listening.close(), control.close(), admin.close()])
      .then(() => Promise.allSettled([file.close(), lock.release()]))
      .then(tell);
  }

  dispatch({ kind: 'loaded', record, start: randomBytes(8).toString('hex'), cluster: randomBytes(16).toString('hex') });
  return {
    port: listening.port,
    controlPort: control.port,
    adminPort: admin.port,
    ended: ended.promise,
    stop: () => finish(() => ended.resolve(EXIT.ok)),
  };
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

/** That the volume is lost is for an administrator; everything else is a defect. */
function lastWordsOf(error: unknown): unknown {
  return error instanceof VolumeLostError ? new ProcessError(error.message, EXIT.volumeLost, { cause: error }) : error;
}

interface Volume {
  readonly lock: VolumeLock;
  readonly file: TwoSlotFile;
  readonly record: FinderRecord | undefined;
}

/** @throws ProcessError when the directory, its lock or its files cannot be used */
async function openVolume(directory: string, log: Log): Promise<Volume> {
  let lock: VolumeLock | undefined;
  try {
    await prepareDirectory(directory);
    lock = await lockSoon(directory, log);
    const file = await openTwoSlotFile(nodeDisk(directory), RECORD_FILE);
    if (file.distrusted !== undefined) {
      log.warn({ event: 'slotDistrusted', file: file.distrusted, reason: 'torn or damaged; the other slot is used' });
    }
    const record = file.recovered && decodeRecord(file.recovered.record);
    return { lock, file, record };
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
