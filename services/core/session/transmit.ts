/** Batches on their way to workers: numbered, with what they depend on, and sent again when they may be lost. */
import type { Batch, Versions } from '@dpr/protocol';
import { laneOf, NOTHING_CARRIED, sendTo, type Call, type Lane, type Session } from './state.ts';

/** Send what may be sent, in order: a relaxed session passes over workers that cannot take more, a strict one waits. */
export function pump(session: Session): void {
  if (session.verdict !== undefined) return;
  if (session.config.mode === 'strict') pumpInOrder(session);
  else pumpAll(session);
}

function pumpInOrder(session: Session): void {
  for (let call = oldestQueued(session); call !== undefined; call = oldestQueued(session)) {
    const lane = laneOf(session, call.worker);
    if (session.unanswered > lane.unanswered || !mayTransmit(session, lane)) break;
    lane.queue.shift();
    transmit(session, lane, call);
  }
}

function oldestQueued(session: Session): Call | undefined {
  let oldest: Call | undefined;
  for (const { queue } of session.lanes.all) {
    const first = queue.first();
    if ((first?.number ?? Infinity) < (oldest?.number ?? Infinity)) oldest = first;
  }
  return oldest;
}

/** However much waits for a worker, no more of it is looked at than is sent. */
function pumpAll(session: Session): void {
  const ready: Call[] = [];
  for (const lane of session.lanes.all) {
    if (!mayTransmit(session, lane)) continue;
    const room = session.config.maxInFlight - lane.sent.length;
    for (let call = lane.queue.first(), taken = 0; call !== undefined && taken < room; call = lane.queue.first()) {
      lane.queue.shift();
      ready.push(call);
      taken++;
    }
  }
  ready.sort((a, b) => a.number - b.number);
  for (const call of ready) transmit(session, laneOf(session, call.worker), call);
}

function mayTransmit(session: Session, lane: Lane): boolean {
  return lane.open && lane.retryAt === Infinity && lane.sent.length < session.config.maxInFlight;
}

function transmit(session: Session, lane: Lane, call: Call): void {
  call.sequence = lane.next++;
  call.sentVersion = session.version;
  call.carried = carriedTo(session, lane.worker);
  call.sentAt = session.now;
  lane.sent.push(call);
  lane.unanswered++;
  session.unanswered++;
  sendCall(session, lane, call);
}

/** The frontier without what the receiving worker knows by itself and what the cut covers already. */
function carriedTo({ lanes }: Session, worker: number): Versions {
  let carried: Map<number, number> | undefined;
  for (const lane of lanes.all) {
    if (lane.worker === worker || lane.frontier === 0) continue;
    carried ??= new Map();
    carried.set(lane.worker, lane.frontier);
  }
  return carried ?? NOTHING_CARRIED;
}

function sendCall(session: Session, lane: Lane, call: Call): void {
  const batch: Batch = {
    kind: 'batch',
    urgent: call.number <= session.urgeUpTo,
    count: call.count,
    session: session.config.id,
    worldLine: session.worldLine,
    generation: lane.generation,
    sequence: call.sequence,
    acknowledged: lane.acknowledged,
    version: call.sentVersion,
    dependencies: call.carried,
    operations: call.operations,
  };
  sendTo(session, lane, batch);
}

/** Send again everything unanswered, in order: the worker answers what it knows and executes the rest. */
export function sendAgain(session: Session, lane: Lane): void {
  lane.retryAt = Infinity;
  for (const call of lane.sent) if (call.version === 0) sendCall(session, lane, call);
}
