/** How long commits take, seen by a client. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Session } from '@dpr/client';
import { seededRandom } from './random.ts';

export type CommitMeasurement = {
  readonly session: Session;
  /** The counters have the ids from 0. */
  readonly workers: number;
  readonly commits: number;
  /** Of the cluster. */
  readonly checkpointIntervalMs: number;
  /** For the moments of the calls, which are anywhere in an interval. */
  readonly seed: number;
  readonly signal: AbortSignal;
  /** What each call adds: 0 beside a load whose sum is checked; 1 unless given. */
  readonly amount?: number;
};

/** From a call until a checkpoint's own time committed it, ms. */
export function measureCommits(measurement: CommitMeasurement): Promise<number[]> {
  const { session, signal, amount = 1 } = measurement;
  return timed(measurement, (worker) => session.counter(worker).add(amount, { signal }).committed);
}

/** From a call until `commit()` had it committed, ms. */
export function measureCommitsOnDemand(measurement: CommitMeasurement): Promise<number[]> {
  const { session, signal, amount = 1 } = measurement;
  return timed(measurement, async (worker) => {
    void session.counter(worker).add(amount);
    await session.commit({ signal });
  });
}

async function timed(
  { workers, commits, checkpointIntervalMs, seed, signal }: CommitMeasurement,
  commit: (worker: number) => Promise<unknown>,
): Promise<number[]> {
  const random = seededRandom(seed);
  const times: number[] = [];
  for (let index = 0; index < commits; index++) {
    await pause(random() * checkpointIntervalMs, undefined, { signal });
    const called = performance.now();
    await commit(index % workers);
    times.push(performance.now() - called);
  }
  return times;
}
