/**
 * What a rollback did to a session. Before it sends anything in the new world-line, the session finds out, for every call that
 * is not committed, whether it survived: from the decisions if it was answered, from the worker's table if it was not.
 */
import type { MessageOf } from '@dpr/protocol';
import { decisionsAfter, pruneDecisions, survivingVersion } from '../world-lines.ts';
import { reportCommitted, sendAgain } from './session.ts';
import { endSession, sendTo, want, type Call, type Lane, type Session, type Verdict } from './state.ts';

export function beginVerdict(session: Session, verdict: Verdict): void {
  session.verdict = verdict;
  for (const lane of session.lanes.values()) {
    lane.retryAt = Infinity;
    askTable(session, lane);
  }
  concludeVerdict(session);
}

/** Calls of the lane may have executed without an answer that arrived: only the worker knows which of them survived. */
function needsTable(lane: Lane): boolean {
  return lane.unanswered > 0;
}

export function askTable(session: Session, lane: Lane): void {
  const { verdict, config } = session;
  if (verdict === undefined || !needsTable(lane) || verdict.tables.has(lane.worker)) return;
  const { generation } = lane;
  sendTo(session, lane, { kind: 'table', session: config.id, worldLine: verdict.worldLine, generation });
}

/**
 * How far the worker remembers the session. Less than what is known to have survived means that it forgot it: to number on from
 * there would make new batches look like old ones, once another rollback brings its memory back.
 */
export function tableAnswered(session: Session, lane: Lane, { worldLine, last }: MessageOf<'tableAnswer'>): void {
  const { verdict } = session;
  if (worldLine !== verdict?.worldLine) return;
  if (last < lastKnown(session, verdict, lane)) {
    const text = `worker ${lane.worker} forgot the session, which was idle there for too long`;
    return endSession(session, 'sessionExpired', text);
  }
  verdict.tables.set(lane.worker, last);
  concludeVerdict(session);
}

/** The last batch of the lane that survived by what the session knows: one that was answered, or what is committed before. */
function lastKnown(session: Session, verdict: Verdict, lane: Lane): number {
  const kept = survivingVersion(verdict.decisions, lane.worker, session.worldLine);
  const calls = [...lane.done, ...lane.sent];
  const survivor = calls.findLast(({ version }) => version !== 0 && version <= kept);
  return survivor?.sequence ?? (calls[0]?.sequence ?? 1) - 1;
}

/** Once every table that is needed is there: settle every lane, report, and go on in the new world-line. */
export function concludeVerdict(session: Session): void {
  const { verdict } = session;
  if (verdict === undefined) return;
  for (const lane of session.lanes.values()) if (needsTable(lane) && !verdict.tables.has(lane.worker)) return;

  const lost: Call[] = [];
  const survivors: number[] = [];
  for (const lane of session.lanes.values()) settleLane(session, verdict, lane, lost, survivors);
  for (const call of session.orphans.splice(0)) {
    const kept = survivingVersion(verdict.decisions, call.worker, session.worldLine);
    if (call.version <= kept) survivors.push(call.number);
    else lost.push(call);
  }
  session.verdict = undefined;
  session.worldLine = verdict.worldLine;
  // The prefix is the first cut of the new world-line. What a worker told since is nothing that this session waits for.
  const prefix = verdict.decisions.at(-1)?.prefix;
  session.cut.clear();
  for (const worker of session.lanes.keys()) session.cut.set(worker, prefix?.get(worker) ?? 0);
  session.frontier.clear();
  const known = decisionsAfter(verdict.decisions, session.decisions.at(-1)?.worldLine ?? 0, verdict.worldLine);
  session.decisions = pruneDecisions([...session.decisions, ...(known ?? verdict.decisions)]);
  reportCommitted(session, survivors);
  lost.sort((a, b) => a.number - b.number);
  if (lost.length > 0) report(session, verdict.worldLine, lost);
  for (const lane of session.lanes.values()) sendAgain(session, lane);
}

/** Divide a lane's calls into those that survived and those that are lost, and number on from the last survivor. */
function settleLane(session: Session, verdict: Verdict, lane: Lane, lost: Call[], survivors: number[]): void {
  const table = verdict.tables.get(lane.worker);
  const kept = survivingVersion(verdict.decisions, lane.worker, session.worldLine);
  const survived = (call: Call): boolean => (table === undefined ? call.version <= kept : call.sequence <= table);
  const calls = [...lane.done, ...lane.sent];
  let last = table ?? (calls[0]?.sequence ?? lane.next) - 1;
  for (const call of calls) {
    if (!survived(call)) {
      lost.push(call);
      continue;
    }
    if (call.version > kept) {
      throw new Error(
        `call ${call.number} in version ${call.version} of worker ${lane.worker} cannot have survived ${kept}`,
      );
    }
    last = Math.max(last, call.sequence);
    if (call.version !== 0) survivors.push(call.number);
  }
  const unanswered = lane.sent.filter((call) => call.version === 0 && survived(call));
  session.unanswered -= lane.unanswered - unanswered.length;
  lane.unanswered = unanswered.length;
  lane.done.length = 0;
  lane.sent.splice(0, lane.sent.length, ...unanswered);
  lane.next = last + 1;
  lane.acknowledged = (unanswered[0]?.sequence ?? lane.next) - 1;
  lane.urged = 0;
  lane.retries = 0;
}

function report(session: Session, worldLine: number, lost: readonly Call[]): void {
  const { replay } = session.config;
  const inFlight = [...session.lanes.values()].flatMap((lane) => lane.sent.map((call) => call.number));
  const lastSurvivor = Math.max(session.lastCommitted, ...inFlight);
  const numbers = lost.map((call) => call.number);
  const exceptions = numbers.filter((number) => number < lastSurvivor);
  const unsent = replay ? [] : session.queue.map((call) => call.number);
  if (replay) {
    for (const call of lost) Object.assign(call, { version: 0, sequence: 0 });
    session.queue.unshift(...lost);
    for (const worker of new Set(lost.map((call) => call.worker))) want(session, worker);
  } else {
    session.queue.length = 0;
    session.phase = 'broken';
  }
  session.effects.push({
    kind: 'rolledBack',
    report: { worldLine, lastSurvivor, exceptions, lost: numbers, unsent },
    replaying: replay,
  });
}
