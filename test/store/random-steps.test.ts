import assert from 'node:assert/strict';
import { randomStepsOfSeeds } from '../runtime/incremental/random-steps.ts';
import { storeSubject } from './store-subject.ts';

describe('a store under random steps, in sections and sweeps as a worker makes them', () => {
  it('is like a plain map, and goes back to what its volume would restore', async () => {
    const tallies = await randomStepsOfSeeds(storeSubject, 4, 1_500);
    for (const what of ['commits', 'rollbacks', 'restarts', 'sweeps'] as const) {
      assert.ok(tallies.some((tally) => tally[what] > 0));
    }
  });
});
