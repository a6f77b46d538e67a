/** A client beside a hostile one: what it adds up must be right, nothing may be rolled back, and nothing held up. */
import { connect } from '@dpr/client';
import assert from 'node:assert/strict';

/** How long a call may take to its commit, ms: some checkpoint intervals, on a machine that is busy with other tests too. */
export const HELD_UP_MS = 3_000;

/** What takes longer than this is not waited for any more: it may never come. */
export const GIVEN_UP_MS = 10 * HELD_UP_MS;

/** @throws Error when it takes longer */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface WellBehaved {
  /** Adds one at every worker, and checks the sums, and how long their commit took. @returns how long, ms */
  goOn(): Promise<number>;
  /** What was added to each counter. */
  readonly sum: () => number;
  close(): Promise<void>;
}

/** @param address the Finder's; @param token that clients need */
export async function wellBehaved(address: string, workers: readonly number[], token = ''): Promise<WellBehaved> {
  const cluster = await connect({ cluster: address, token });
  const session = cluster.session();
  const { worldLine } = session;
  let sum = 0;
  return {
    async goOn() {
      sum++;
      const since = performance.now();
      const calls = Promise.all(workers.map((id) => session.counter(id).add(1).committed));
      const sums = await within(GIVEN_UP_MS, 'a commit of the client beside', calls);
      const tookMs = Math.round(performance.now() - since);
      assert.deepEqual([sums.map(Number), session.worldLine], [workers.map(() => sum), worldLine]);
      assert.ok(tookMs < HELD_UP_MS, `a commit took ${tookMs} ms`);
      return tookMs;
    },
    sum: () => sum,
    close: () => cluster.close(),
  };
}
