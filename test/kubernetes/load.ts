/** A client that never rests, and knows what its counters must have in the end. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, RollbackReport } from '@dpr/client';

export interface Load {
  readonly rollbacks: readonly RollbackReport[];
  /** Longest time without a completed operation, ms, since the last call of this. */
  longestSilenceMs(): number;
  /** Waits until so many more increments are done. */
  more(count: number): Promise<void>;
  /** Ends it, commits everything, and asserts that each counter has exactly what was added. */
  end(): Promise<void>;
}

const STEP = 300;
/** Between two rounds, so that the cluster has time for other things, ms. */
const PAUSE_MS = 10;

/** Adds to each counter in turn, in one strict session that issues again what failures take. */
export async function startLoad(cluster: Cluster, workers: readonly number[]): Promise<Load> {
  const rollbacks: RollbackReport[] = [];
  const session = cluster.session({ mode: 'strict', replay: true, onRollback: (report) => rollbacks.push(report) });
  const before = await Promise.all(workers.map((worker) => session.counter(worker).get()));
  let rounds = 0;
  let silence = 0;
  let goOn = true;

  async function run(): Promise<void> {
    let last = performance.now();
    while (goOn) {
      for (const worker of workers) {
        await session.counter(worker).add(STEP);
        const now = performance.now();
        silence = Math.max(silence, now - last);
        last = now;
      }
      rounds++;
      await pause(PAUSE_MS);
    }
  }
  const running = run();
  running.catch(() => undefined); // the caller that waits for it sees it

  return {
    rollbacks,
    longestSilenceMs() {
      const longest = silence;
      silence = 0;
      return longest;
    },
    async more(count) {
      const goal = rounds + count;
      while (rounds < goal) await Promise.race([running, pause(PAUSE_MS)]);
    },
    async end() {
      goOn = false;
      await running;
      await session.commit();
      const fresh = cluster.session();
      for (const [index, worker] of workers.entries()) {
        const must = (before[index] ?? 0n) + BigInt(rounds * STEP);
        assert.equal(await fresh.counter(worker).get(), must, `counter ${worker}`);
      }
      session.close();
    },
  };
}
