/** What sessions send, and what they are told: results, commits, verdicts. */
import type { RollbackReport } from '../../../services/core/index.ts';
import { AMOUNT_BYTES } from '../../../services/counter/operations.ts';
import type { Batch, Reply } from '../../../services/protocol/index.ts';
import { isOpen, type SimCall, type SimSession } from '../application.ts';
import { overflowsIn, parseCallName, piecesOf } from '../operations.ts';
import { QUIET_WORLD, type WorldOptions } from '../options.ts';
import { CLOCK_STEP_MS } from '../scheduler.ts';
import {
  aliveExecution,
  callOf,
  nameOf,
  sessionOf,
  survivor,
  violated,
  type CallTruth,
  type Execution,
  type MadeCall,
  type SessionTruth,
  type Token,
  type Truth,
} from './truth.ts';

export function checkSessions(truth: Truth) {
  const { worldOf, sessions, exposed } = truth;

  function sessionBegins(session: SimSession): void {
    sessions[session.index] = {
      session,
      worldLine: session.api.worldLine,
      wokeIn: session.api.worldLine,
      wokeAt: -1,
      seen: new Map(),
      calls: new Map(),
      sequences: new Map(),
      newest: new Map(),
    };
  }

  /** @param isRefused it must not be sent */
  function submitted(session: SimSession, call: MadeCall, isRefused: boolean): void {
    sessionOf(truth, session.index).calls.set(call.number, {
      ...call,
      sentWith: 0,
      follows: new Map(),
      executions: [],
      madeAt: clockOf(session),
      sentAt: Infinity,
      isRefused,
      isCommitted: false,
      completed: false,
    });
  }

  /** Something is about to happen in the session's process: several messages perhaps, before any promise goes on. */
  function sessionAwakes(session: SimSession): void {
    const mine = sessionOf(truth, session.index);
    const { steps } = worldOf().scheduler;
    if (mine.wokeAt === steps) return;
    mine.wokeAt = steps;
    mine.wokeIn = mine.worldLine;
  }

  /** A session that went on to another world-line has seen nothing of it. */
  function sessionStepped(session: SimSession): void {
    const mine = sessionOf(truth, session.index);
    const { worldLine } = session.api;
    if (worldLine === mine.worldLine) return;
    if (worldLine < mine.worldLine) violated(7, `${session.name} went back to world-line ${worldLine}`);
    mine.worldLine = worldLine;
    mine.seen.clear();
  }

  /** @param isLate what the session has seen since it made the batch is not told from what it had seen by then */
  function sent(session: SimSession, worker: number, batch: Batch, isLate: boolean): void {
    sessionStepped(session);
    const mine = sessionOf(truth, session.index);
    const numbers = piecesOf(batch.operations, batch.count).map(({ call }) => parseCallName(call).call);
    const [first = 0] = numbers;
    inOrder(session, numbers);
    const key = nameOfBatch(worker, batch.generation, batch.worldLine, batch.sequence);
    const named = mine.sequences.get(key);
    if (named !== undefined && named !== first) {
      violated(13, `${session.name} sends call ${first} under the number ${batch.sequence} of call ${named}`);
    }
    mine.sequences.set(key, first);
    for (const number of numbers) {
      const call = callOf(mine, number);
      if (call.isRefused) violated(13, `${session.name} sends call ${number}, which it was not to make`);
      if (call.sentWith === 0) sentFirst(mine, call, first);
      else if (call.sentWith !== first)
        violated(13, `call ${number} of ${session.name} leaves the calls it travelled with`);
      call.sentAt = Math.min(call.sentAt, clockOf(session));
      if (!call.follows.has(batch.worldLine)) {
        call.follows.set(batch.worldLine, new Map(isLate ? [] : mine.seen));
      }
    }
  }

  /** Calls of one worker are sent in the order in which they were made, also by a relaxed session. */
  function sentFirst({ session, newest }: SessionTruth, call: CallTruth, first: number): void {
    const before = newest.get(call.worker) ?? 0;
    if (before > call.number) violated(13, `${session.name} sends call ${call.number} after call ${before}`);
    newest.set(call.worker, call.number);
    call.sentWith = first;
  }

  /** Calls travel in the order in which they were made; in a strict session no other call was made between them. */
  function inOrder({ name, api, calls }: SimSession, numbers: readonly number[]): void {
    let next: number | undefined;
    for (const number of numbers) {
      const { operation, count } = calls[number] ?? violated(13, `${name} sends call ${number}, which was not made`);
      if (next !== undefined && (api.mode === 'strict' ? operation !== next : operation < next)) {
        violated(5, `${name} sends call ${number} together with earlier ones, and out of order`);
      }
      next = operation + count;
    }
  }

  /** The session takes in a reply, and sends what follows it later. */
  function replied(session: SimSession, worker: number, generation: number, reply: Reply): void {
    const mine = sessionOf(truth, session.index);
    if (reply.worldLine !== session.api.worldLine || reply.worldLine !== mine.wokeIn) return;
    if (!mine.sequences.has(nameOfBatch(worker, generation, reply.worldLine, reply.sequence))) return;
    mine.seen.set(worker, Math.max(reply.version, mine.seen.get(worker) ?? 0));
  }

  /** Does the session wait for the reply to what it sent under this number? */
  function isAwaited(session: SimSession, worker: number, generation: number, sequence: number): boolean {
    const { sequences, calls, worldLine } = sessionOf(truth, session.index);
    const number = sequences.get(nameOfBatch(worker, generation, worldLine, sequence));
    return number !== undefined && calls.get(number)?.completed === false;
  }

  /** The application was told of a result, right after what happened last: the session may have gone on to another world-line then. */
  function completed(session: SimSession, number: number, results: Uint8Array): void {
    const mine = sessionOf(truth, session.index);
    const call = callOf(mine, number);
    const where = `call ${number} of ${session.name}`;
    const now = survivor(call, session.api.worldLine);
    if (now?.results?.equals(results)) {
      call.completed = true;
      worldOf().note(session.name, () => `call ${number} completed in version ${now.token.version}`);
      return;
    }
    const before = survivors(call, mine.wokeIn, session.api.worldLine);
    if (before.length === 0) return violated(6, `${where} completes, and no execution of it survives`);
    if (!before.some((one) => one.results?.equals(results))) violated(13, `${where} got the wrong results`);
  }

  /** @param results undefined: the application did not ask for them */
  function committed(session: SimSession, number: number, results: Uint8Array | undefined): void {
    const call = callOf(sessionOf(truth, session.index), number);
    const execution = aliveExecution(call);
    if (execution === undefined) {
      return violated(3, `call ${number} of ${session.name} is committed, and did not survive`);
    }
    const { token } = execution;
    if (token.version > (exposed.get(token.worker) ?? 0)) {
      violated(3, `call ${number} of ${session.name} is called committed; no cut covers ${nameOf(token)}`);
    }
    if (results !== undefined && !execution.results?.equals(results)) {
      violated(13, `call ${number} of ${session.name} is committed with the wrong results`);
    }
    call.isCommitted = true;
    worldOf().note(session.name, () => `committed ${number}`);
  }

  /** The application was told that this operation of the call changed nothing, and left the counter at this value. */
  function overflowed(session: SimSession, number: number, place: number, value: bigint | undefined): void {
    const { count, executions } = callOf(sessionOf(truth, session.index), number);
    const isTrue = executions.some(
      ({ results }) =>
        results !== undefined &&
        overflowsIn(results, count).includes(place) &&
        results.readBigInt64LE(place * AMOUNT_BYTES) === value,
    );
    if (!isTrue)
      violated(13, `operation ${place} of call ${number} of ${session.name} did not overflow at ${String(value)}`);
  }

  /** The application was told of no operation of the call that overflowed, and of its commit. */
  function didNotOverflow(session: SimSession, number: number): void {
    const call = callOf(sessionOf(truth, session.index), number);
    const results = call.amounts === undefined ? undefined : aliveExecution(call)?.results;
    if (results !== undefined && overflowsIn(results, call.count).length > 0) {
      violated(13, `call ${number} of ${session.name} overflowed, and no commit told of that`);
    }
  }

  function failed(session: SimSession, number: number, wasSent: boolean): void {
    const call = callOf(sessionOf(truth, session.index), number);
    if (!wasSent && aliveExecution(call)) violated(13, `call ${number} of ${session.name} was sent after all`);
    if (!wasSent) call.isRefused = true;
    worldOf().note(session.name, () => `call ${number} failed${wasSent ? ', and may have executed' : ''}`);
  }

  /** The client knows no such worker. */
  function unknownWorker(session: SimSession, number: number): void {
    const { worker } = callOf(sessionOf(truth, session.index), number);
    if (worldOf().checker.generationOf(worker) > 0) {
      violated(12, `${session.name} does not know worker ${worker}, which is a member`);
    }
  }

  /** Of what the application made and looks at, no more is sent and not committed than it allows, but for one batch alone. */
  function withinLimit({ index, name, calls, manners }: SimSession): void {
    if (manners.maxUncommittedOperations === Infinity || manners.carelessChance > 0 || manners.abortChance > 0) return;
    const mine = sessionOf(truth, index);
    const sentCalls = calls.filter((call) => call !== undefined && isOpen(call) && sentWith(mine, call) > 0);
    const operations = sentCalls.reduce((sum, call) => sum + (call?.count ?? 0), 0);
    const batches = new Set(sentCalls.map((call) => sentWith(mine, call)));
    if (batches.size > 1 && operations > manners.maxUncommittedOperations) {
      violated(12, `${name} has ${operations} operations under way, and may have ${manners.maxUncommittedOperations}`);
    }
  }

  /** The verdict against the truth: what is lost did not survive, what is not lost did. */
  function rolledBack(session: SimSession, report: Omit<RollbackReport, 'unanswered'>): void {
    const mine = sessionOf(truth, session.index);
    const lost = new Set(report.lost);
    const last = report.lastSurvivor;
    if (session.api.mode === 'strict' && report.exceptions.length > 0) {
      violated(4, `strict ${session.name} lost ${report.exceptions.join(', ')} and kept ${last}`);
    }
    for (const number of report.lost) {
      const call = callOf(mine, number);
      if (call.isCommitted) violated(3, `call ${number} of ${session.name} is lost after it was committed`);
      if (survivor(call, report.worldLine))
        violated(11, `call ${number} of ${session.name} is said to be lost and survived`);
      if (number < last !== report.exceptions.includes(number))
        violated(4, `call ${number} is no exception before ${last}`);
      call.completed = false;
      if (!session.replays) call.isRefused = true;
    }
    for (const number of report.unsent) callOf(mine, number).isRefused = true;
    for (const call of mine.calls.values()) {
      if (call.number > last && !lost.has(call.number) && survives(call, report.worldLine))
        violated(4, `call ${call.number} of ${session.name} survived, and ${last} is said to be the last that did`);
      if (lost.has(call.number) || !call.completed) continue;
      if (!survivor(call, report.worldLine))
        violated(11, `call ${call.number} of ${session.name} is lost without a word`);
    }
  }

  /** Can a session know in this world-line that the call survives? What a removed worker did not answer, it cannot. */
  function survives(call: CallTruth, worldLine: number): boolean {
    const token = survivor(call, worldLine)?.token;
    return token !== undefined && truth.removedAt.get(call.worker)?.has(token.generation) !== true;
  }

  /** @param code of the client's error */
  function sessionEnded(session: SimSession, code: string, text: string): void {
    if (!mayEnd(session, code)) violated(12, `${session.name} ended: ${code}, ${text}`);
  }

  /** Is one of the limits of this world the reason? */
  function mayEnd(session: SimSession, code: string): boolean {
    const { options, sessions: begun } = worldOf();
    const mine = sessionOf(truth, session.index);
    if (code === 'historyLost') return truth.exposedWorldLine - session.api.worldLine > options.maxDecisions;
    if (code === 'tooManySessions')
      return (
        begun > options.maxSessions || isCramped(options) || options.hostileClients > 0 // whether it may be refused there, is looked at where it is
      );
    if (code !== 'sessionExpired') return false;
    const now = clockOf(session);
    const hasPiled = session.client.host.hasPiled();
    const sinceWhen = ({ madeAt, sentAt }: CallTruth): number => (hasPiled ? madeAt : sentAt);
    return (
      // A worker that rolled back remembers the session as it was then; one that has not heard of the rollback, as it is.
      isIdle(mine, ({ deadSince }) => deadSince === Infinity) ||
      isIdle(mine, () => true) ||
      [...mine.calls.values()].some(
        (call) => !call.completed && now - sinceWhen(call) >= options.retryLimitMs - CLOCK_STEP_MS,
      )
    );
  }

  /** Is what counts of the session's executions at some worker longer ago than workers remember? */
  function isIdle({ calls }: SessionTruth, counts: (token: Token) => boolean): boolean {
    const { options, scheduler } = worldOf();
    // What a worker forgets when room is short, a session that was idle for less may miss.
    const keptMs = isCramped(options) ? Math.min(options.replyGiveWayMs, options.giveWayMs) : options.sessionExpiryMs;
    const heardAt = new Map<number, number>();
    for (const { worker, executions } of calls.values()) {
      for (const { at, token } of executions)
        if (counts(token)) heardAt.set(worker, Math.max(at, heardAt.get(worker) ?? 0));
    }
    return [...heardAt.values()].some((at) => scheduler.now - at > keptMs);
  }

  function clockOf({ client }: SimSession): number {
    return worldOf().scheduler.now - client.process.bornAt;
  }

  return {
    sessionBegins,
    submitted,
    sessionAwakes,
    sessionStepped,
    sent,
    replied,
    isAwaited,
    completed,
    committed,
    overflowed,
    didNotOverflow,
    failed,
    unknownWorker,
    withinLimit,
    rolledBack,
    sessionEnded,
  };
}

function nameOfBatch(worker: number, generation: number, worldLine: number, sequence: number): string {
  return `${worker}/${generation}/${worldLine}/${sequence}`;
}

function sentWith(session: SessionTruth, call: SimCall | undefined): number {
  return call === undefined ? 0 : callOf(session, call.number).sentWith;
}

/** Executions of a call that survive in one of these world-lines. */
function survivors(call: CallTruth, from: number, to: number): Execution[] {
  const found: Execution[] = [];
  for (let worldLine = from; worldLine <= to; worldLine++) found.push(...[survivor(call, worldLine) ?? []].flat());
  return found;
}

/** Do workers have so little room that sessions give way? */
function isCramped({ maxReplyBytes, giveWayMs }: WorldOptions): boolean {
  return maxReplyBytes < QUIET_WORLD.maxReplyBytes || giveWayMs < QUIET_WORLD.giveWayMs;
}
