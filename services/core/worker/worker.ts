/**
 * A worker as a pure state machine: `stepWorker(worker, event, now, wall)` changes the state and returns what to do about it. It
 * knows no sockets, files or clock. Only the worker type's state is called from within, so that a batch that can execute at once does.
 */
import {
  ENDED_SESSION_EXPIRY_MS,
  MAX_DECISIONS,
  MAX_KEPT_REPLY_BYTES,
  MAX_SESSION_BYTES,
  MAX_SESSIONS,
  MAX_UNACKNOWLEDGED_BATCHES,
  MAX_UNCOMMITTED_CHECKPOINTS,
  MAX_UNDO_BYTES,
  MAX_UNWRITTEN_BYTES,
  MAX_UNWRITTEN_VERSIONS,
  MAX_VERSION_JUMP,
  MAX_WAITING_BATCHES,
  MAX_WAITING_BYTES,
  REPLY_GIVE_WAY_MS,
  SESSION_EXPIRY_MS,
  SESSION_GIVE_WAY_MS,
  type Message,
  type MessageOf,
} from '@dpr/protocol';
import { refill } from '../arrays.ts';
import { decisionsAfter } from '../world-lines.ts';
import {
  checkpointDurable,
  followVersion,
  learnReached,
  owe,
  sealDue,
  sealWakeAt,
  takeCut,
  turnClock,
  urge,
} from './checkpoint.ts';
import { drainWaiting, executed, isCatchingUp, onBatch, tableQuery } from './execute.ts';
import { finderClosed, finderOpened, joinFrame, surveyed, volumeOpened } from './join.ts';
import { refresh } from './refresh.ts';
import { adopt, restored } from './rollback.ts';
import { ease, shed, waitingBytes } from './quotas.ts';
import { expire } from './session-shedding.ts';
import { createSessionTable, endSession } from './session-table.ts';
import {
  isMember,
  log,
  refuse,
  stop,
  toFinder,
  uncommittedSince,
  upTime,
  type Worker,
  type WorkerConfig,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
} from './state.ts';

export const WORKER_DEFAULTS = {
  checkpointIntervalMs: 100,
  urgentSpacingMs: 2,
  maxUnwrittenVersions: MAX_UNWRITTEN_VERSIONS,
  maxUnwrittenBytes: MAX_UNWRITTEN_BYTES,
  maxUncommittedCheckpoints: MAX_UNCOMMITTED_CHECKPOINTS,
  maxUndoBytes: MAX_UNDO_BYTES,
  maxUnacknowledgedBatches: MAX_UNACKNOWLEDGED_BATCHES,
  maxVersionJump: MAX_VERSION_JUMP,
  maxSessions: MAX_SESSIONS,
  maxSessionBytes: MAX_SESSION_BYTES,
  maxReplyBytes: MAX_KEPT_REPLY_BYTES,
  maxWaitingBatches: MAX_WAITING_BATCHES,
  maxWaitingBytes: MAX_WAITING_BYTES,
  catchUpBytes: 64 * 1024, // a few milliseconds of a store
  sessionExpiryMs: SESSION_EXPIRY_MS,
  endedExpiryMs: ENDED_SESSION_EXPIRY_MS,
  giveWayMs: SESSION_GIVE_WAY_MS,
  replyGiveWayMs: REPLY_GIVE_WAY_MS,
  maxDecisions: MAX_DECISIONS,
  state: 'unsaid',
  from: 0,
} as const satisfies Partial<WorkerConfig>;

/** Which frames a client may send. */
const CLIENT_FRAMES: readonly Message['kind'][] = ['batch', 'commit', 'table', 'refresh', 'sessionEnded'];

/** How often a worker tells the Finder how far it is, ms. */
const PROGRESS_MS = 250;
/** Idle sessions are looked for this many times in the shortest time after which some expire. */
const EXPIRY_SWEEPS = 10;
/** More time than this many looks apart, in which nothing happened, counts as so much: the process did not run. */
const UNATTENDED_SWEEPS = 2;

export function createWorker(config: WorkerConfig, state: WorkerState): Worker {
  return {
    config,
    state,
    phase: 'surveying',
    boot: '',
    cluster: '',
    generation: 0,
    incarnation: 0,
    surveyed: [],
    kept: [],
    removed: 0,
    surveys: 0,
    listed: [],
    clean: undefined,
    seed: undefined,
    oldest: Infinity,
    worldLine: 0,
    decisions: [],
    committed: 0,
    stamp: undefined,
    finderOpen: false,
    resent: false,
    version: 1,
    openedAtTick: 0,
    reached: 0,
    reachedAskedAt: -Infinity,
    owed: 0,
    executed: false,
    executedSince: 0,
    dependencies: new Map(),
    predecessor: 0,
    unwritten: [],
    unwrittenBytes: 0,
    uncommitted: [],
    uncommittedDependencies: 0,
    urgentUpTo: 0,
    urgentTold: 0,
    lastUrgentSealAt: -Infinity,
    sealing: undefined,
    restoring: undefined,
    restoredTo: 0,
    sessions: createSessionTable(),
    origins: new Map(),
    futile: {},
    upTimeBefore: 0,
    startedAt: 0,
    expiredAt: 0,
    askedAt: 0,
    arrivedUpTo: 0,
    unattendedMs: UNATTENDED_SWEEPS * expirySweepMs(config),
    nextTicket: 1,
    inFlight: new Map(),
    inFlightBytes: 0,
    waiting: [],
    waitingBytes: 0,
    isShort: false,
    refused: new Map(),
    blockedMs: 0,
    blockedSince: undefined,
    operations: 0,
    committedOperations: 0,
    progressAt: -Infinity,
    progressSent: '',
    leaving: false,
    drainedSent: -1,
    shuttingDown: false,
    now: 0,
    clock: -Infinity,
    effects: [],
  };
}

/**
 * Let one event happen.
 * @param now monotonic time, ms; @param wall the clock's time, ms: serves efficiency only, and nothing is wrong where it is
 * @returns what to do, in order
 */
export function stepWorker(worker: Worker, event: WorkerEvent, now: number, wall: number): WorkerEffect[] {
  if (now - worker.now > worker.unattendedMs) skipUnattended(worker, now);
  turnClock(worker, now, wall);
  worker.effects = [];
  if (hasStopped(worker)) return worker.effects;
  handle(worker, event);
  followVersion(worker);
  if (event.kind !== 'clientFrames') goOn(worker);
  noteBlocked(worker);
  return worker.effects;
}

/** A rollback makes batches wait too, and is told of by itself. */
function noteBlocked(worker: Worker): void {
  const { phase, waiting, blockedSince, now } = worker;
  const isBlocked = phase === 'serving' && waiting.length > 0;
  if (isBlocked === (blockedSince !== undefined)) return;
  if (blockedSince !== undefined) worker.blockedMs += now - blockedSince;
  worker.blockedSince = isBlocked ? now : undefined;
}

/**
 * Of the time that a process was frozen, hardly any is up-time: copies of batches wait for it in its sockets, and their sessions must
 * not expire before it has read them.
 */
function skipUnattended(worker: Worker, now: number): void {
  worker.startedAt += now - worker.now - worker.unattendedMs;
}

/** When the worker wants a `wake` event, in the time of `now`; Infinity if nothing is due. */
export function workerWakeAt(worker: Worker): number {
  if (worker.phase !== 'serving') return Infinity;
  if (isCatchingUp(worker)) return worker.now;
  const progressAt = worker.finderOpen ? worker.progressAt + PROGRESS_MS : Infinity;
  return Math.min(sealWakeAt(worker), progressAt, expirySweepAt(worker));
}

function handle(worker: Worker, event: WorkerEvent): void {
  switch (event.kind) {
    case 'clientFrames':
      return clientFrames(worker, event.connection, event.messages);
    case 'executed':
      return executed(worker, event.ticket, event.results);
    case 'durable':
      return checkpointDurable(worker, event.worldLine, event.version);
    case 'finderFrame':
      return finderFrame(worker, event.message);
    case 'finderOpened':
      return finderOpened(worker);
    case 'finderClosed':
      return finderClosed(worker);
    case 'surveyed':
      return surveyed(worker, event);
    case 'volumeOpened':
      return volumeOpened(worker, event.checkpoints, event.clean);
    case 'restored':
      return restored(worker, event);
    case 'clientOpened':
      if (event.origin !== undefined) worker.origins.set(event.connection, event.origin);
      return;
    case 'clientClosed':
      return forgetConnection(worker, event.connection);
    case 'clientsAsked':
      worker.askedAt = upTime(worker);
      return;
    case 'clientsAnswered':
      worker.arrivedUpTo = worker.askedAt;
      return ease(worker);
    case 'shutdown':
      worker.shuttingDown = true;
      if (!isMember(worker)) stop(worker, 'shutdown', 'asked to stop before it had joined');
      return;
    case 'marked':
      // A rollback may have come meanwhile: its restore removes the marker, and another one follows.
      if (worker.phase !== 'marking') return;
      return stop(worker, 'shutdown', 'everything that executed is in the newest checkpoint');
    case 'wake':
      return;
  }
}

/** What may be due after any event: seals, what waited, progress, and the end of a worker that is to stop or to leave. */
function goOn(worker: Worker): void {
  if (worker.phase !== 'serving') return;
  sealDue(worker);
  drainWaiting(worker);
  finish(worker);
  if (worker.now >= expirySweepAt(worker)) {
    worker.expiredAt = worker.now;
    expire(worker.sessions, upTime(worker), worker.config);
    shed(worker);
  }
  if (worker.now >= worker.progressAt + PROGRESS_MS) reportProgress(worker);
}

function expirySweepAt({ expiredAt, config }: Worker): number {
  return expiredAt + expirySweepMs(config);
}

function expirySweepMs({ sessionExpiryMs, endedExpiryMs }: WorkerConfig): number {
  return Math.min(sessionExpiryMs, endedExpiryMs) / EXPIRY_SWEEPS;
}

/** A worker that takes no new batches is done when nothing executes and everything is durable. */
function finish(worker: Worker): void {
  if (!worker.leaving && !worker.shuttingDown) return;
  const idle = worker.inFlight.size === 0 && !worker.executed && worker.unwritten.length === 0;
  if (!idle || worker.sealing !== undefined) return;
  if (worker.shuttingDown) {
    worker.phase = 'marking';
    const { incarnation, worldLine, predecessor: version } = worker;
    worker.effects.push({ kind: 'mark', clean: { incarnation, worldLine, version } });
  } else if (worker.resent && worker.drainedSent !== worker.predecessor) {
    worker.drainedSent = worker.predecessor;
    toFinder(worker, { kind: 'drained', version: worker.predecessor });
  }
}

function reportProgress(worker: Worker): void {
  worker.progressAt = worker.now;
  const since = uncommittedSince(worker) ?? worker.now;
  const message: MessageOf<'progress'> = {
    kind: 'progress',
    version: worker.version,
    operations: worker.operations,
    committedOperations: worker.committedOperations,
    lagMs: Math.max(0, Math.round(worker.now - since)),
  };
  const text = JSON.stringify(message);
  if (!worker.resent || text === worker.progressSent) return;
  worker.progressSent = text;
  toFinder(worker, message);
}

/** One that turned out not to be of the worker's cluster was never opened: nothing that it says is remembered, but for its refusals. */
function finderFrame(worker: Worker, message: Message): void {
  if (!worker.finderOpen && message.kind !== 'error') return;
  switch (message.kind) {
    case 'cut':
      if (!isMember(worker)) return;
      worker.stamp = message.stamp;
      takeDecisions(worker, message);
      return takeCut(worker, message);
    case 'seal':
      if (message.worldLine !== worker.worldLine || worker.phase !== 'serving') return;
      owe(worker, message.version);
      if (message.urgent) urge(worker, message.version);
      return;
    case 'reached':
      return learnReached(worker, message.version);
    case 'leave':
      if (!worker.leaving) log(worker, 'leaving', { worker: worker.config.id });
      worker.leaving = true;
      return;
    case 'left':
      return stop(worker, 'left', 'the worker was removed from the cluster');
    default:
      return joinFrame(worker, message);
  }
}

/** Adopt the world-lines that `message` tells of; if it leaves some out, ask for them. */
function takeDecisions(worker: Worker, message: MessageOf<'cut'>): void {
  if (message.worldLine <= worker.worldLine) return;
  const missing = decisionsAfter(message.decisions, worker.worldLine, message.worldLine);
  if (missing === undefined) toFinder(worker, { kind: 'refresh', worldLine: worker.worldLine });
  else adopt(worker, missing);
}

function clientFrames(worker: Worker, connection: number, messages: readonly Message[]): void {
  for (const message of messages) {
    if (!CLIENT_FRAMES.includes(message.kind)) return refuseFrame(worker, connection, message.kind);
    clientFrame(worker, connection, message);
  }
}

/** As the Finder does: a peer that sends such a frame has taken this port for another, and the rest of its message does not count. */
function refuseFrame(worker: Worker, connection: number, kind: Message['kind']): void {
  refuse(worker, connection, 'unauthorized', `a client may not send '${kind}' to a worker`);
  worker.effects.push({ kind: 'close', connection });
}

function hasStopped(worker: Worker): boolean {
  return worker.phase === 'stopped';
}

function clientFrame(worker: Worker, connection: number, message: Message): void {
  switch (message.kind) {
    case 'batch':
      return onBatch(worker, connection, message);
    case 'commit':
      if (message.worldLine === worker.worldLine && worker.phase === 'serving') urge(worker, message.version);
      sealDue(worker);
      return;
    case 'table':
      return tableQuery(worker, connection, message);
    case 'refresh':
      return refresh(worker, connection, message.worldLine);
    case 'sessionEnded':
      return endSession(worker.sessions, message.session, upTime(worker));
    default:
      throw new Error(`'${message.kind}' is allowed and not handled`);
  }
}

function forgetConnection(worker: Worker, connection: number): void {
  worker.sessions.begunBy.delete(connection);
  worker.origins.delete(connection);
  const kept = worker.waiting.filter((one) => one.connection !== connection);
  if (kept.length === worker.waiting.length) return;
  refill(worker.waiting, kept);
  worker.waitingBytes = kept.reduce((sum, { batch }) => sum + waitingBytes(batch), 0);
}
