/** Batches: which execute, which are answered from the session table, which wait, and which are refused. */
import {
  MAX_DEPENDENCIES,
  MAX_UNCOMMITTED_DEPENDENCIES,
  REACHED_SPACING_MS,
  type Batch,
  type MessageOf,
} from '@dpr/protocol';
import { claimable, versionAfter } from '../versions.ts';
import { seal, urge } from './checkpoint.ts';
import { hasRoom, inFlightBytes, waitingBytes } from './quotas.ts';
import {
  acknowledge,
  heard,
  keepReply,
  newEntry,
  ownBytes,
  storedReply,
  touch,
  type SessionEntry,
  type StoredReply,
} from './session-table.ts';
import {
  isRestored,
  log,
  MalformedOperations,
  refuse,
  send,
  toFinder,
  undoBytes,
  upTime,
  type Waiting,
  type Worker,
} from './state.ts';
import { refresh } from './refresh.ts';
import { askRestore } from './rollback.ts';

/**
 * A batch arrived. In this order: a world-line or generation that is not ours, a retry (answered even while nothing new may
 * execute), waiting, gaps and refusals, execution.
 */
export function onBatch(worker: Worker, connection: number, batch: Batch): void {
  if (!isRestored(worker)) return wait(worker, connection, batch);
  if (!inStep(worker, connection, batch)) return;
  const entry = worker.sessions.entries.get(batch.session);
  if (entry !== undefined) {
    acknowledge(worker.sessions, entry, batch.acknowledged);
    heard(worker.sessions, entry, upTime(worker), worker.origins.get(connection));
    if (batch.sequence <= entry.last) return retry(worker, connection, batch, entry);
  }
  if (worker.leaving || worker.shuttingDown || worker.phase === 'marking') return refuseNew(worker, connection, batch);
  if (worker.waiting.length > 0 || isBlocked(worker)) return wait(worker, connection, batch);
  if (mayExecute(worker, connection, batch, entry)) execute(worker, connection, batch, entry);
}

/**
 * The same world-line and generation; otherwise nothing executes, and the client is told what it lacks. What a client says of a
 * newer world-line changes nothing here: the Finder tells the worker of it, if there is one.
 */
function inStep(
  worker: Worker,
  connection: number,
  batch: Pick<Batch, 'worldLine' | 'generation' | 'session'> & { sequence: number },
): boolean {
  if (batch.worldLine > worker.worldLine) {
    const text = `this worker has not heard of world-line ${batch.worldLine}`;
    refuse(worker, connection, 'needDecisions', text, batch, worker.worldLine);
  } else if (batch.worldLine < worker.worldLine) {
    refresh(worker, connection, batch.worldLine);
  } else if (batch.generation !== worker.generation) {
    const text = `worker ${worker.config.id} is of generation ${worker.generation}`;
    refuse(worker, connection, 'wrongGeneration', text, batch, worker.generation);
  } else {
    return true;
  }
  return false;
}

function retry(worker: Worker, connection: number, batch: Batch, entry: SessionEntry): void {
  for (const running of worker.inFlight.values()) {
    if (running.entry !== entry || running.batch.sequence !== batch.sequence) continue;
    // What an earlier connection still held may come after what its client sent again on the next one.
    running.connection = Math.max(running.connection, connection);
    return;
  }
  const stored = storedReply(entry, batch.sequence);
  if (stored === undefined && batch.sequence <= entry.givenUp) {
    const text = `the reply to batch ${batch.sequence} gave way to others, because the worker is short of memory`;
    return refuse(worker, connection, 'sessionExpired', text, batch);
  }
  if (stored === undefined) {
    const text = `the reply to batch ${batch.sequence} was acknowledged and is forgotten`;
    return refuse(worker, connection, 'sequenceGap', text, batch, entry.last + 1);
  }
  sendReply(worker, connection, entry.id, stored);
  if (batch.urgent) urge(worker, stored.version);
}

function sendReply(
  worker: Worker,
  connection: number,
  session: string,
  { sequence, version, count, results }: StoredReply,
): void {
  const { worldLine, incarnation } = worker;
  send(worker, connection, { kind: 'reply', count, session, worldLine, incarnation, sequence, version, results });
}

function refuseNew(worker: Worker, connection: number, batch: Batch): void {
  if (worker.leaving) refuse(worker, connection, 'leaving', `worker ${worker.config.id} is leaving the cluster`, batch);
  else refuse(worker, connection, 'notServing', `worker ${worker.config.id} is shutting down`, batch);
}

/** Execution is ahead of the disk or of the cut by as much as it may be, or a seal waits for batches in flight. */
function isBlocked(worker: Worker): boolean {
  const { maxUnwrittenVersions, maxUnwrittenBytes, maxUncommittedCheckpoints, maxUndoBytes } = worker.config;
  return (
    worker.sealing !== undefined ||
    worker.unwritten.length >= maxUnwrittenVersions ||
    worker.unwrittenBytes >= maxUnwrittenBytes ||
    worker.unwritten.length + worker.uncommitted.length >= maxUncommittedCheckpoints ||
    worker.uncommittedDependencies >= MAX_UNCOMMITTED_DEPENDENCIES ||
    undoBytes(worker) >= maxUndoBytes
  );
}

function wait(worker: Worker, connection: number, batch: Batch): void {
  const bytes = worker.waitingBytes + waitingBytes(batch);
  const { maxWaitingBatches, maxWaitingBytes, id } = worker.config;
  if (worker.waiting.length >= maxWaitingBatches || bytes > maxWaitingBytes) {
    const text = `worker ${id} cannot take more batches now: ${maxWaitingBatches} batches of ${maxWaitingBytes} bytes may wait`;
    return refuse(worker, connection, 'overloaded', text, batch);
  }
  // Kept in memory of its own: the message that carried it may hold many others.
  keepWaiting(worker, { connection, batch: { ...batch, operations: ownBytes(batch.operations) } });
}

/** Batches that waited may execute now: some of them in each step, so that other events come between. */
export function isCatchingUp(worker: Worker): boolean {
  return worker.waiting.length > 0 && worker.phase === 'serving' && !isBlocked(worker);
}

/** Go on with the batches that waited, in order, until one must wait again or the step has done enough. */
export function drainWaiting(worker: Worker): void {
  if (worker.waiting.length === 0 || worker.phase !== 'serving') return;
  const waiting = worker.waiting.splice(0);
  worker.waitingBytes = 0;
  let next = 0;
  for (let left = worker.config.catchUpBytes; left > 0 && worker.waiting.length === 0; next++) {
    const first = waiting[next];
    if (first === undefined) return;
    left -= waitingBytes(first.batch);
    onBatch(worker, first.connection, first.batch);
  }
  for (const later of waiting.slice(next)) keepWaiting(worker, later);
}

function keepWaiting(worker: Worker, waiting: Waiting): void {
  worker.waiting.push(waiting);
  worker.waitingBytes += waitingBytes(waiting.batch);
}

function mayExecute(worker: Worker, connection: number, batch: Batch, entry: SessionEntry | undefined): boolean {
  const { config } = worker;
  const expected = (entry?.last ?? 0) + 1;
  if (batch.sequence !== expected) {
    // A session that has a reply acknowledged did execute here: its entry can only have expired.
    if (entry === undefined && batch.acknowledged > 0) {
      refuse(worker, connection, 'sessionExpired', 'the session was idle for too long and is forgotten', batch);
    } else {
      refuse(worker, connection, 'sequenceGap', `batch ${expected} is expected`, batch, expected);
    }
  } else if (batch.version > worker.version && batch.version > believed(worker)) {
    refuseVersion(worker, connection, batch);
  } else if (aboveVersion(batch)) {
    refuse(worker, connection, 'dependencyAboveVersion', "a dependency exceeds the session's version", batch);
  } else if (entry !== undefined && unacknowledged(entry, batch) >= config.maxUnacknowledgedBatches) {
    const { maxUnacknowledgedBatches: limit } = config;
    refuse(worker, connection, 'windowExceeded', `at most ${limit} batches may be unacknowledged`, batch, limit);
  } else if (entry?.ended) {
    refuse(worker, connection, 'sessionExpired', 'the session was closed', batch);
  } else {
    return hasRoom(worker, connection, batch, entry);
  }
  return false;
}

/** Of the session's batches; those that execute, and the replies that are kept, count also if the client says that it has them. */
function unacknowledged({ last, running, replies }: SessionEntry, { acknowledged }: Batch): number {
  return Math.max(last - acknowledged, running + replies.length);
}

/** The largest version that a client may have seen, for all that is known here. */
function believed({ reached, config }: Worker): number {
  return Math.floor(claimable(reached, config.maxVersionJump));
}

/** The version may be that of a worker whose clock is ahead: the Finder knows once a checkpoint was reported, and the client sends again. */
function refuseVersion(worker: Worker, connection: number, batch: Batch): void {
  const limit = believed(worker);
  const text = `version ${batch.version} is ahead of all that is known: ${limit} is believed of a client, which is ${worker.config.maxVersionJump} above the clock and what workers reported`;
  refuse(worker, connection, 'absurdVersion', text, batch, limit);
  if (!worker.finderOpen || worker.now < worker.reachedAskedAt + REACHED_SPACING_MS) return;
  worker.reachedAskedAt = worker.now;
  toFinder(worker, { kind: 'fetchReached' });
}

function aboveVersion({ dependencies, version }: Batch): boolean {
  for (const needed of dependencies.values()) if (needed > version) return true;
  return false;
}

function execute(worker: Worker, connection: number, batch: Batch, known: SessionEntry | undefined): void {
  const isTooMuch = worker.dependencies.size + batch.dependencies.size > MAX_DEPENDENCIES; // for one checkpoint
  if (batch.version > worker.version || isTooMuch) {
    seal(worker, Math.max(batch.version, versionAfter(worker.version)));
    // The seal waits for batches in flight, or was one too many: this batch then waits for it.
    if (isBlocked(worker)) return wait(worker, connection, batch);
  }
  const ticket = worker.nextTicket++;
  let results: Uint8Array | undefined;
  try {
    results = worker.state.apply(batch.operations, batch.count, ticket, worker.clock);
  } catch (error) {
    if (!(error instanceof MalformedOperations)) throw error;
    log(worker, 'protocolError', { session: batch.session, reason: error.message });
    return refuse(worker, connection, 'malformed', error.message, batch);
  }
  const entry = known ?? begunHere(worker, connection, batch);
  begin(worker, batch, entry);
  const { version } = worker;
  if (results !== undefined) return end(worker, connection, batch, entry, version, results);
  const { holding } = entry;
  worker.inFlight.set(ticket, { connection, batch, entry, holding, version });
  entry.running++;
  worker.inFlightBytes += inFlightBytes(batch);
  holding.inFlightBytes += inFlightBytes(batch);
}

function begunHere(worker: Worker, connection: number, { session }: Batch): SessionEntry {
  return newEntry(worker.sessions, session, upTime(worker), connection, worker.origins.get(connection));
}

function begin(worker: Worker, batch: Batch, entry: SessionEntry): void {
  touch(worker.sessions, entry);
  entry.last = batch.sequence;
  entry.version = worker.version;
  worker.operations += batch.count;
  if (!worker.executed) {
    worker.executed = true;
    worker.executedSince = worker.now;
  }
  for (const [owner, version] of batch.dependencies) {
    if (owner === worker.config.id || version <= (worker.dependencies.get(owner) ?? 0)) continue;
    worker.dependencies.set(owner, version);
  }
  if (batch.urgent) urge(worker, worker.version);
}

function end(
  worker: Worker,
  connection: number,
  { sequence, count }: Batch,
  entry: SessionEntry,
  version: number,
  results: Uint8Array,
): void {
  const reply = { sequence, version, count, results, isOwn: false };
  keepReply(worker.sessions, entry, reply);
  sendReply(worker, connection, entry.id, reply);
}

/** A batch in another process ended. */
export function executed(worker: Worker, ticket: number, results: Uint8Array): void {
  const running = worker.inFlight.get(ticket);
  if (running === undefined) throw new Error(`batch ${ticket} is not in flight`);
  worker.inFlight.delete(ticket);
  running.entry.running--;
  worker.inFlightBytes -= inFlightBytes(running.batch);
  running.holding.inFlightBytes -= inFlightBytes(running.batch);
  // What was rolled back while it executed is not answered: the client learns of it from the decision.
  if (running.batch.worldLine === worker.worldLine) {
    heard(worker.sessions, running.entry, upTime(worker));
    end(worker, running.connection, running.batch, running.entry, running.version, results);
  }
  if (worker.inFlight.size === 0 && worker.phase === 'restoring') askRestore(worker);
}

/** After a rollback: which batch of the session is the last that the state holds? */
export function tableQuery(worker: Worker, connection: number, query: MessageOf<'table'>): void {
  const asked = { ...query, sequence: 0 };
  if (!isRestored(worker)) {
    return refuse(worker, connection, 'notServing', 'the worker is being restored; ask again', asked);
  }
  if (!inStep(worker, connection, asked)) return;
  const last = worker.sessions.entries.get(query.session)?.last ?? 0;
  send(worker, connection, { kind: 'tableAnswer', session: query.session, worldLine: worker.worldLine, last });
}
