/** What sessions send, and what they are told: results, commits, verdicts. */
import type { RollbackReport, SessionEffect, SessionFailure } from '../../../services/core/index.ts';
import type { Batch } from '../../../services/protocol/index.ts';
import type { SimSession } from '../session-actor.ts';
import { QUIET_WORLD, sessionsOfClient, type WorldOptions } from '../options.ts';
import { CLOCK_STEP_MS } from '../scheduler.ts';
import { parseBatchName } from '../state-object.ts';
import {
  aliveExecution,
  callOf,
  nameOf,
  sessionOf,
  survivor,
  violated,
  type SessionTruth,
  type Token,
  type Truth,
} from './truth.ts';

export function checkSessions(truth: Truth) {
  const { worldOf, sessions, exposed } = truth;

  function sessionBegins(session: SimSession): void {
    sessions[session.index] = {
      session,
      worldLine: session.core.worldLine,
      seen: new Map(),
      calls: new Map(),
      sequences: new Map(),
    };
  }

  function submitted(session: SimSession, number: number, worker: number): void {
    sessionOf(truth, session.index).calls.set(number, {
      number,
      worker,
      follows: new Map(),
      executions: [],
      sentAt: Infinity,
      isCommitted: false,
      completed: false,
    });
  }

  /** Before the step's effects happen: a session that went on to another world-line has seen nothing of it. */
  function sessionStepped(session: SimSession): void {
    const mine = sessionOf(truth, session.index);
    const { worldLine } = session.core;
    if (worldLine === mine.worldLine) return;
    if (worldLine < mine.worldLine) violated(7, `${session.name} went back to world-line ${worldLine}`);
    mine.worldLine = worldLine;
    mine.seen.clear();
  }

  function sent(session: SimSession, worker: number, batch: Batch): void {
    const mine = sessionOf(truth, session.index);
    const { call: number } = parseBatchName(Buffer.from(batch.operations).readUInt32LE(0));
    const call = callOf(mine, number);
    const key = `${worker}/${batch.generation}/${batch.worldLine}/${batch.sequence}`;
    const named = mine.sequences.get(key);
    if (named !== undefined && named !== number) {
      violated(13, `${session.name} sends call ${number} under the number ${batch.sequence} of call ${named}`);
    }
    mine.sequences.set(key, number);
    call.sentAt = Math.min(call.sentAt, clockOf(session));
    if (!call.follows.has(batch.worldLine)) call.follows.set(batch.worldLine, new Map(mine.seen));
  }

  function completed(session: SimSession, effect: Extract<SessionEffect, { kind: 'completed' }>): void {
    const mine = sessionOf(truth, session.index);
    const call = callOf(mine, effect.call);
    const execution = survivor(call, mine.worldLine);
    const where = `call ${call.number} of ${session.name}`;
    if (execution === undefined) return violated(6, `${where} completes, and no execution of it survives`);
    if (execution.token.version !== effect.version) {
      violated(13, `${where} is said to be in version ${effect.version} and is in ${nameOf(execution.token)}`);
    }
    if (!execution.results?.equals(effect.results)) violated(13, `${where} got the wrong results`);
    call.completed = true;
    mine.seen.set(call.worker, Math.max(effect.version, mine.seen.get(call.worker) ?? 0));
    worldOf().note(session.name, () => `call ${call.number} completed in version ${effect.version}`);
  }

  function committed(session: SimSession, calls: readonly number[]): void {
    const mine = sessionOf(truth, session.index);
    for (const number of calls) {
      const call = callOf(mine, number);
      const token = aliveExecution(call)?.token;
      if (token === undefined)
        return violated(3, `call ${number} of ${session.name} is committed, and did not survive`);
      if (token.version > (exposed.get(token.worker) ?? 0)) {
        violated(3, `call ${number} of ${session.name} is called committed; no cut covers ${nameOf(token)}`);
      }
      call.isCommitted = true;
    }
    worldOf().note(session.name, () => `committed ${calls.join(' ')}`);
  }

  function failed(session: SimSession, number: number, code: SessionFailure, wasSent: boolean): void {
    const call = callOf(sessionOf(truth, session.index), number);
    if (code !== 'workerRemoved') violated(12, `call ${number} of ${session.name} failed: ${code}`);
    if (!wasSent && aliveExecution(call)) violated(13, `call ${number} of ${session.name} was sent after all`);
    worldOf().note(session.name, () => `call ${number} failed: ${code}`);
  }

  /** The verdict against the truth: what is lost did not survive, what is not lost did. */
  function rolledBack(session: SimSession, report: RollbackReport): void {
    const mine = sessionOf(truth, session.index);
    const lost = new Set(report.lost);
    const last = report.lastSurvivor;
    if (session.core.config.mode === 'strict' && report.exceptions.length > 0) {
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
    }
    for (const call of mine.calls.values()) {
      if (lost.has(call.number) || !call.completed) continue;
      if (!survivor(call, report.worldLine))
        violated(11, `call ${call.number} of ${session.name} is lost without a word`);
    }
  }

  function sessionEnded(session: SimSession, code: SessionFailure, text: string): void {
    if (!mayEnd(session, code)) violated(12, `${session.name} ended: ${code}, ${text}`);
  }

  /** Is one of the limits of this world the reason? */
  function mayEnd(session: SimSession, code: SessionFailure): boolean {
    const { options, clients } = worldOf();
    const mine = sessionOf(truth, session.index);
    if (code === 'historyLost') return truth.exposedWorldLine - session.core.worldLine > options.maxDecisions;
    if (code === 'tooManySessions')
      return (
        clients.length * sessionsOfClient(options) > options.maxSessions ||
        isCramped(options) ||
        options.hostileClients > 0 // whether it may be refused there, is looked at where it is
      );
    if (code !== 'sessionExpired') return false;
    const now = clockOf(session);
    return (
      // A worker that rolled back remembers the session as it was then; one that has not heard of the rollback, as it is.
      isIdle(mine, ({ deadSince }) => deadSince === Infinity) ||
      isIdle(mine, () => true) ||
      [...mine.calls.values()].some(
        (call) => !call.completed && now - call.sentAt >= options.retryLimitMs - CLOCK_STEP_MS,
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

  return { sessionBegins, submitted, sessionStepped, sent, completed, committed, failed, rolledBack, sessionEnded };
}

/** Do workers have so little room that sessions give way? */
function isCramped({ maxReplyBytes, giveWayMs }: WorldOptions): boolean {
  return maxReplyBytes < QUIET_WORLD.maxReplyBytes || giveWayMs < QUIET_WORLD.giveWayMs;
}
