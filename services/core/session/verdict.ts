/**
 * What a rollback did to a session. Before it sends anything in the new world-line, the session finds out, for every call that
 * is not committed, whether it survived: from the decisions if it was answered, from the worker's table if it was not.
 */
import type { MessageOf } from '@dpr/protocol';
import { append, largest, refill } from '../arrays.ts';
import { survivingVersion } from '../world-lines.ts';
import {
  emit,
  endSession,
  laneOf,
  numbersOf,
  reportCommitted,
  sendTo,
  want,
  type Call,
  type Lane,
  type Run,
  type Session,
  type Verdict,
} from './state.ts';
import { sendAgain } from './transmit.ts';

export function beginVerdict(session: Session, verdict: Verdict): void {
  session.verdict = verdict;
  for (const lane of session.lanes.all) {
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
  const runs = [...lane.done, ...lane.sent];
  const survivor = runs.findLast(({ version }) => version !== 0 && version <= kept);
  return survivor === undefined ? (runs[0]?.sequence ?? 1) - 1 : lastSequence(survivor);
}

/** Once every table that is needed is there: settle every lane, report, and go on in the new world-line. */
export function concludeVerdict(session: Session): void {
  const { verdict } = session;
  if (verdict === undefined) return;
  for (const lane of session.lanes.all) if (needsTable(lane) && !verdict.tables.has(lane.worker)) return;

  const lost: Run[] = [];
  const survivors: Run[] = [];
  for (const lane of session.lanes.all) settleLane(session, verdict, lane, lost, survivors);
  for (const run of session.orphans.splice(0)) {
    const kept = survivingVersion(verdict.decisions, run.worker, session.worldLine);
    if (run.version <= kept) survivors.push(run);
    else lost.push(run);
  }
  session.verdict = undefined;
  session.worldLine = verdict.worldLine;
  // The prefix is the first cut of the new world-line. What a worker told since is nothing that this session waits for.
  const prefix = verdict.decisions.at(-1)?.prefix;
  for (const lane of session.lanes.all) {
    lane.covered = prefix?.get(lane.worker) ?? 0;
    // What it saw is committed or gone: no worker may ever report a version that was rolled back.
    lane.frontier = 0;
  }
  session.version = 0;
  reportCommitted(session, survivors);
  lost.sort((a, b) => a.number - b.number);
  if (lost.length > 0) report(session, verdict.worldLine, lost);
  for (const lane of session.lanes.all) sendAgain(session, lane);
}

/** Divide a lane's calls into those that survived and those that are lost, and number on from the last survivor. */
function settleLane(session: Session, verdict: Verdict, lane: Lane, lost: Run[], survivors: Run[]): void {
  const table = verdict.tables.get(lane.worker);
  const kept = survivingVersion(verdict.decisions, lane.worker, session.worldLine);
  // Calls of one version survive together or not at all, so the first of a run tells for all of them.
  const survived = (run: Run): boolean => (table === undefined ? run.version <= kept : run.sequence <= table);
  const runs = [...lane.done, ...lane.sent];
  let last = table ?? (runs[0]?.sequence ?? lane.next) - 1;
  for (const run of runs) {
    if (!survived(run)) {
      lost.push(run);
      continue;
    }
    if (run.version > kept) {
      throw new Error(
        `call ${run.number} in version ${run.version} of worker ${lane.worker} cannot have survived ${kept}`,
      );
    }
    last = Math.max(last, lastSequence(run));
    if (run.version !== 0) survivors.push(run);
  }
  const unanswered = lane.sent.filter((call) => call.version === 0 && survived(call));
  session.unanswered -= lane.unanswered - unanswered.length;
  lane.unanswered = unanswered.length;
  lane.done.length = 0;
  refill(lane.sent, unanswered);
  lane.next = last + 1;
  lane.acknowledged = (unanswered[0]?.sequence ?? lane.next) - 1;
  lane.urged = 0;
  lane.retries = 0;
  lane.absurdSince = Infinity;
}

function report(session: Session, worldLine: number, lost: readonly Run[]): void {
  const { replay } = session.config;
  const lanes = session.lanes.all;
  const unanswered = lanes.flatMap((lane) => lane.sent.map((call) => call.number)).sort((a, b) => a - b);
  const lastSurvivor = largest(unanswered, session.lastCommitted);
  const numbers = numbersOf(lost);
  const exceptions = numbers.filter((number) => number < lastSurvivor);
  const unsent: number[] = [];
  if (replay) {
    issueAgain(session, lost.filter(isCall));
  } else {
    for (const lane of lanes) {
      append(
        unsent,
        lane.queue.take().map((call) => call.number),
      );
    }
    unsent.sort((a, b) => a - b);
    session.phase = 'broken';
  }
  emit(session, {
    kind: 'rolledBack',
    report: { worldLine, lastSurvivor, unanswered, exceptions, lost: numbers, unsent },
    replaying: replay,
  });
}

/** Before what was not sent yet, which came later. */
function issueAgain(session: Session, calls: readonly Call[]): void {
  const byWorker = new Map<number, Call[]>();
  for (const call of calls) {
    Object.assign(call, { version: 0, sequence: 0 });
    const same = byWorker.get(call.worker);
    if (same === undefined) byWorker.set(call.worker, [call]);
    else same.push(call);
  }
  for (const [worker, own] of byWorker) {
    want(session, worker);
    laneOf(session, worker).queue.prepend(own);
  }
}

function lastSequence({ sequence, calls }: Run): number {
  return sequence + calls - 1;
}

/** A session that replays keeps all its calls. */
function isCall(run: Run): run is Call {
  return 'operations' in run;
}
