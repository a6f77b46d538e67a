/** What holds for every batch of a strict session, in every scenario: numbers, versions, dependencies, repeats. */
import { encode, MAX_UNACKNOWLEDGED_BATCHES, type Batch } from '@dpr/protocol';
import { check } from './failure.ts';

/** Batches of one session at one worker. */
interface Lane {
  readonly worker: number;
  readonly generation: number;
  /** As they were sent first, without what may change. */
  readonly sent: Map<number, string>;
  readonly answered: Set<number>;
  /** The largest number sent. */
  last: number;
  /** Every number up to it was answered or is known to have survived. */
  acknowledgeable: number;
  /** The worker was removed. */
  isGone: boolean;
}

export interface Rules {
  /** @throws Failure when a batch that came to this worker is wrong */
  batch(worker: number, generation: number, batch: Batch): void;
  /** A reply goes out. */
  replied(worker: number, generation: number, sequence: number, version: number): void;
  /** The session learns that of its batches at this worker those up to `last` survived. */
  rolledBack(worker: number, generation: number, last: number): void;
  /** The session learns that the worker was removed. */
  removed(worker: number, generation: number): void;
}

export function createRules(): Rules {
  const lanes = new Map<string, Lane>();
  let session: string | undefined;
  /** The largest version that the session may have seen. */
  let seen = 0;

  function laneOf(worker: number, generation: number): Lane {
    const key = `${worker}/${generation}`;
    const known = lanes.get(key);
    if (known !== undefined) return known;
    const lane: Lane = {
      worker,
      generation,
      sent: new Map(),
      answered: new Set<number>(),
      last: 0,
      acknowledgeable: 0,
      isGone: false,
    };
    lanes.set(key, lane);
    return lane;
  }

  function advance(lane: Lane): void {
    while (lane.answered.has(lane.acknowledgeable + 1)) lane.acknowledgeable++;
  }

  function isNew(lane: Lane, batch: Batch): void {
    const name = nameOf(lane.worker, batch);
    check(batch.sequence === lane.last + 1, () => `${name} skips numbers: ${lane.last + 1} is due`);
    check(batch.version <= seen, () => `${name} has seen version ${batch.version}, and replies only had up to ${seen}`);
    for (const other of lanes.values()) {
      if (other === lane || other.isGone) continue;
      const open = [...other.sent.keys()].filter((sequence) => !other.answered.has(sequence));
      check(open.length === 0, () => {
        return `${name} is sent while batch ${open[0] ?? 0} to worker ${other.worker} is not answered: the session is strict`;
      });
    }
  }

  return {
    batch(worker, generation, batch) {
      const name = nameOf(worker, batch);
      session ??= batch.session;
      check(batch.session === session, () => `${name} is of another session than before`);
      checkByItself(worker, generation, batch);
      const lane = laneOf(worker, generation);
      const bytes = constantPart(batch);
      const before = lane.sent.get(batch.sequence);
      if (before === undefined) isNew(lane, batch);
      else check(before === bytes, () => `${name} is sent again with other bytes`);
      check(batch.acknowledged <= lane.acknowledgeable, () => {
        return `${name} acknowledges ${batch.acknowledged}, and replies came up to ${lane.acknowledgeable} without a gap`;
      });
      const open = batch.sequence - batch.acknowledged;
      check(open <= MAX_UNACKNOWLEDGED_BATCHES, () => `${name} is the ${open}th without acknowledgement`);
      lane.sent.set(batch.sequence, bytes);
      lane.last = Math.max(lane.last, batch.sequence);
    },
    replied(worker, generation, sequence, version) {
      const lane = laneOf(worker, generation);
      lane.answered.add(sequence);
      seen = Math.max(seen, version);
      advance(lane);
    },
    rolledBack(worker, generation, last) {
      const lane = laneOf(worker, generation);
      for (const sequence of [...lane.sent.keys()]) if (sequence > last) lane.sent.delete(sequence);
      for (const sequence of [...lane.answered]) if (sequence > last) lane.answered.delete(sequence);
      lane.last = last;
      lane.acknowledgeable = Math.min(lane.acknowledgeable, last);
      advance(lane);
    },
    removed: (worker, generation) => void (laneOf(worker, generation).isGone = true),
  };
}

/** What holds of a batch whatever was sent before. */
function checkByItself(worker: number, generation: number, batch: Batch): void {
  const name = nameOf(worker, batch);
  check(batch.generation === generation, () => `${name} is meant for generation ${batch.generation}`);
  check(batch.operations.length === 8 * batch.count, () => `${name} has ${batch.count} operations of 8 bytes`);
  check(!batch.dependencies.has(worker), () => `${name} depends on the worker that it goes to`);
  for (const [owner, version] of batch.dependencies) {
    const text = `${name} depends on version ${version} of worker ${owner}, above its own ${batch.version}`;
    check(version <= batch.version, () => text);
  }
}

function nameOf(worker: number, { sequence }: Batch): string {
  return `batch ${sequence} to worker ${worker}`;
}

/** What every copy of a batch has in common, also in a later world-line. */
function constantPart(batch: Batch): string {
  return encode({ ...batch, urgent: false, acknowledged: 0, worldLine: 0 }).toString('hex');
}
