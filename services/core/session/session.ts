/**
 * A client's session as a pure state machine: `stepSession(session, event, now)` changes the state and returns what to do about
 * it. It numbers batches, carries the frontier, sends again what may be lost, and tells completed from committed.
 */
import type { Message, MessageOf, Reply, Versions } from '@dpr/protocol';
import { append } from '../arrays.ts';
import { decisionsAfter } from '../world-lines.ts';
import {
  emit,
  endSession,
  laneOf,
  NO_EFFECTS,
  NOTHING_CARRIED,
  reportCommitted,
  sendTo,
  want,
  type Call,
  type Lane,
  type Run,
  type Session,
  type SessionConfig,
  type SessionEffect,
  type SessionEvent,
  type Submission,
} from './state.ts';
import { Lanes } from './lanes.ts';
import { refused } from './refusals.ts';
import { pump, sendAgain } from './transmit.ts';
import { askTable, beginVerdict, concludeVerdict, tableAnswered } from './verdict.ts';

export function createSession(config: SessionConfig): Session {
  return {
    config,
    phase: 'open',
    worldLine: config.worldLine,
    version: 0,
    verdict: undefined,
    lanes: new Lanes(),
    orphans: [],
    lastCall: 0,
    lastCommitted: 0,
    unanswered: 0,
    urgeUpTo: 0,
    now: 0,
    effects: NO_EFFECTS,
  };
}

/**
 * Let one event happen at `now` (monotonic milliseconds).
 * @returns what to do, in order. The last call of a `submit` is named by `sessionLastCall` afterwards.
 */
export function stepSession(session: Session, event: SessionEvent, now: number): readonly SessionEffect[] {
  session.now = now;
  if (session.phase === 'ended') return NO_EFFECTS;
  handle(session, event);
  // What `handle` made of it may have ended the session.
  if (!hasEnded(session)) pump(session);
  const { effects } = session;
  session.effects = NO_EFFECTS; // a session that rests keeps none of them
  return effects;
}

function hasEnded(session: Session): boolean {
  return session.phase === 'ended';
}

/** When the session wants a `wake` event, in the time of `stepSession`; Infinity if nothing is due. */
export function sessionWakeAt(session: Session): number {
  let at = Infinity;
  for (const lane of session.lanes.all) {
    at = Math.min(at, lane.retryAt);
    const oldest = lane.sent[0];
    if (oldest !== undefined) at = Math.min(at, oldest.sentAt + session.config.retryLimitMs);
  }
  return at;
}

function handle(session: Session, event: SessionEvent): void {
  switch (event.kind) {
    case 'submit':
      for (const call of event.calls) submit(session, call);
      return;
    case 'connected':
      return connected(session, event.worker, event.generation);
    case 'disconnected': {
      const lane = session.lanes.get(event.worker);
      if (lane) Object.assign(lane, { open: false, retryAt: Infinity });
      return;
    }
    case 'frames':
      return frames(session, event.worker, event.messages);
    case 'removed':
      return removed(session, event.worker, event.generation);
    case 'commit':
      session.urgeUpTo = session.lastCall;
      for (const lane of session.lanes.all) urgeLane(session, lane);
      return;
    case 'resume':
      if (session.phase === 'broken') session.phase = 'open';
      return;
    case 'close':
      return close(session);
    case 'wake':
      return wake(session);
  }
}

/** Let the workers forget the replies that they keep for the session. One that is not connected keeps them until they expire. */
function close(session: Session): void {
  session.phase = 'ended';
  for (const lane of session.lanes.all) {
    if (lane.next > 1) sendTo(session, lane, { kind: 'sessionEnded', session: session.config.id });
  }
}

function submit(session: Session, { worker, operations, count }: Submission): void {
  if (session.phase !== 'open') throw new Error('the session takes no calls until it is resumed');
  session.lastCall++;
  want(session, worker);
  laneOf(session, worker).queue.push({
    worker,
    number: session.lastCall,
    sequence: 0,
    version: 0,
    calls: 1,
    count,
    operations,
    sentVersion: 0,
    carried: NOTHING_CARRIED,
    sentAt: 0,
  });
}

function connected(session: Session, worker: number, generation: number): void {
  const lane = laneOf(session, worker);
  // A process of a removed generation may live on for a while.
  if (generation < lane.generation || generation <= lane.removed) return;
  if (lane.generation !== 0 && generation > lane.generation) succeeded(session, lane);
  lane.generation = generation;
  lane.open = true;
  lane.retries = 0;
  if (session.verdict !== undefined) {
    askTable(session, lane);
    return concludeVerdict(session);
  }
  sendAgain(session, lane);
  lane.urged = 0;
  urgeLane(session, lane);
}

/** The worker that the lane dealt with was removed. No process knows any more what it did not answer. */
function succeeded(session: Session, lane: Lane): void {
  append(session.orphans, lane.done);
  append(
    session.orphans,
    lane.sent.filter((call) => call.version !== 0),
  );
  for (const call of lane.sent) {
    if (call.version === 0) emit(session, { kind: 'failed', call: call.number, code: 'workerRemoved', sent: true });
  }
  session.unanswered -= lane.unanswered;
  lane.unanswered = 0;
  lane.done.length = 0;
  lane.sent.length = 0;
  lane.next = 1;
  lane.acknowledged = 0;
  lane.retryAt = Infinity;
  session.verdict?.tables.delete(lane.worker);
}

function removed(session: Session, worker: number, generation: number): void {
  const lane = session.lanes.get(worker);
  if (lane === undefined || lane.generation > generation) return;
  succeeded(session, lane);
  lane.removed = generation;
  lane.open = false;
  for (const call of lane.queue.take()) {
    emit(session, { kind: 'failed', call: call.number, code: 'workerRemoved', sent: false });
  }
  if (session.verdict !== undefined) return concludeVerdict(session);
  // A worker leaves once the cut covers it, and no process may be left that would tell.
  if (session.orphans.length > 0) {
    emit(session, { kind: 'sendFinder', message: { kind: 'refresh', worldLine: session.worldLine } });
  }
}

/** Replies that came together are settled together: before anything else that came among them, or at the end. */
function frames(session: Session, worker: number | undefined, messages: readonly Message[]): void {
  const lane = worker === undefined ? undefined : session.lanes.get(worker);
  /** The first call that was answered and not settled. */
  let first = Infinity;
  for (const message of messages) {
    if (message.kind === 'reply') {
      if (lane !== undefined) first = Math.min(first, reply(session, lane, message));
    } else {
      settleFrom(session, lane, first);
      first = Infinity;
      frame(session, lane, message);
    }
    if (hasEnded(session)) return;
  }
  settleFrom(session, lane, first);
}

function settleFrom(session: Session, lane: Lane | undefined, first: number): void {
  if (first === Infinity || lane === undefined) return;
  settle(session, lane);
  if (first <= session.urgeUpTo) urgeLane(session, lane);
}

function frame(session: Session, lane: Lane | undefined, message: Message): void {
  switch (message.kind) {
    case 'cut':
      return takeCut(session, lane, message);
    case 'tableAnswer':
      if (lane) tableAnswered(session, lane, message);
      return;
    case 'error':
      return refused(session, lane, message);
    default:
      return;
  }
}

/** @returns the number of the call that it answers; Infinity if there is none */
function reply(session: Session, lane: Lane, message: Reply): number {
  if (message.worldLine !== session.worldLine || session.verdict !== undefined) return Infinity;
  const call = answeredBy(lane, message);
  if (call?.version !== 0) return Infinity;
  const { version } = message;
  if (message.count !== call.count || version < call.sentVersion) {
    const text = `worker ${lane.worker} answered batch ${call.sequence} with ${message.count} results in version ${version}`;
    endSession(session, 'protocolViolation', text);
    return Infinity;
  }
  call.version = version;
  lane.retries = 0;
  lane.absurdSince = Infinity;
  lane.unanswered--;
  session.unanswered--;
  session.version = Math.max(session.version, version);
  if (call.carried.size > 0) dropCarried(session, call.carried);
  lane.frontier = Math.max(version, lane.frontier);
  emit(session, { kind: 'completed', call: call.number, version, results: message.results, count: call.count });
  return call.number;
}

/** After a rollback, survivors that had their reply are gone from between. */
function answeredBy({ sent }: Lane, { sequence }: Reply): Call | undefined {
  const direct = sent[sequence - (sent[0]?.sequence ?? 0)];
  return direct?.sequence === sequence ? direct : sent.find((one) => one.sequence === sequence);
}

/** The worker that executed the call depends on these from now on, and the session on the worker. */
function dropCarried({ lanes }: Session, carried: Versions): void {
  for (const [owner, version] of carried) {
    const lane = lanes.get(owner);
    if (lane?.frontier === version) lane.frontier = 0;
  }
}

/** Move what is answered without a gap to `done`, and report what of it the cut covers. */
function settle(session: Session, lane: Lane): void {
  let answered = 0;
  for (const call of lane.sent) {
    if (call.version === 0) break;
    answered++;
    lane.acknowledged = call.sequence;
    if (session.config.replay) lane.done.push(call);
    else remember(lane.done, call);
  }
  if (answered === 1 && lane.sent.length === 1)
    lane.sent.pop(); // the usual case, without an array for what is cut off
  else if (answered > 0) lane.sent.splice(0, answered);
  const { covered } = lane;
  let committed = 0;
  while ((lane.done[committed]?.version ?? Infinity) <= covered) committed++;
  if (lane.frontier <= covered) lane.frontier = 0;
  if (committed > 0) reportCommitted(session, lane.done.splice(0, committed));
}

/** Of a call that will not be issued again its place and its version are enough, for as many as can be together. */
function remember(runs: Run[], { worker, number, sequence, version }: Call): void {
  const last = runs.at(-1);
  if (last?.version === version && last.number + last.calls === number && last.sequence + last.calls === sequence) {
    last.calls++;
  } else {
    runs.push({ worker, number, sequence, version, calls: 1 });
  }
}

/** Cuts of one world-line grow; an older one may still arrive, by way of another worker, and changes nothing. */
function takeIn(session: Session, cut: Versions): void {
  for (const lane of session.lanes.all) lane.covered = Math.max(lane.covered, cut.get(lane.worker) ?? 0);
}

function settleOrphans(session: Session): void {
  if (session.orphans.length === 0) return;
  const committed: Run[] = [];
  for (const run of session.orphans.splice(0)) {
    if (run.version <= laneOf(session, run.worker).covered) committed.push(run);
    else session.orphans.push(run);
  }
  reportCommitted(session, committed);
}

/** Ask the worker to make durable, at once, what is wanted committed and has been answered. */
function urgeLane(session: Session, lane: Lane): void {
  const wanted = lane.done.findLast((run) => run.number <= session.urgeUpTo);
  if (wanted === undefined || wanted.version <= lane.urged || !lane.open) return;
  lane.urged = wanted.version;
  sendTo(session, lane, { kind: 'commit', worldLine: session.worldLine, version: wanted.version });
}

/** A cut counts only in its own world-line; a newer one begins a verdict. */
function takeCut(session: Session, lane: Lane | undefined, message: MessageOf<'cut'>): void {
  const { worldLine, cut } = message;
  if (worldLine === session.worldLine && session.verdict === undefined) {
    takeIn(session, cut);
    for (const one of session.lanes.all) settle(session, one);
    return settleOrphans(session);
  }
  if (worldLine <= (session.verdict?.worldLine ?? session.worldLine)) return;
  const known = [...(session.verdict?.decisions ?? []), ...message.decisions];
  const unique = [...new Map(known.map((decision) => [decision.worldLine, decision])).values()];
  unique.sort((a, b) => a.worldLine - b.worldLine);
  const missing = decisionsAfter(unique, session.worldLine, worldLine);
  if (missing !== undefined) return beginVerdict(session, { worldLine, decisions: missing, tables: new Map() });
  const refresh = { kind: 'refresh', worldLine: session.worldLine } as const;
  if (lane) sendTo(session, lane, refresh);
  else emit(session, { kind: 'sendFinder', message: refresh });
}

function wake(session: Session): void {
  const { retryLimitMs } = session.config;
  for (const lane of session.lanes.all) {
    const oldest = lane.sent.find((call) => call.version === 0);
    if (session.now >= (oldest?.sentAt ?? Infinity) + retryLimitMs) {
      const text = `worker ${lane.worker} did not answer a batch for ${retryLimitMs} ms`;
      return endSession(session, 'sessionExpired', text);
    }
    if (session.now < lane.retryAt) continue;
    lane.retryAt = Infinity;
    if (session.verdict === undefined) sendAgain(session, lane);
    else askTable(session, lane);
  }
}
