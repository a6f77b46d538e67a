import assert from 'node:assert/strict';
import { randomSteps } from '../runtime/incremental/random-steps.ts';
import { storeSubject } from './random-steps.ts';

describe('a store under random steps, in sections and sweeps as a worker makes them', () => {
  it('is like a plain map, and goes back to what its volume would restore', async () => {
    const tallies = [];
    for (let seed = 1; seed <= 4; seed++) {
      tallies.push(await randomSteps(storeSubject, { seed, steps: 10_000, restarts: seed % 2 === 0 }));
    }
    for (const what of ['commits', 'rollbacks', 'restarts', 'sweeps'] as const) {
      assert.ok(tallies.some((tally) => tally[what] > 0));
    }
  });
});
