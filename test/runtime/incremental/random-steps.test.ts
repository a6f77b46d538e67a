import assert from 'node:assert/strict';
import { exampleMap } from './example-map.ts';
import { randomStepsOfSeeds } from './random-steps.ts';

describe('an incremental state under random steps', () => {
  it('is like a plain map, and goes back to what its volume would restore', async () => {
    const tallies = await randomStepsOfSeeds(exampleMap, 4, 5_000);
    for (const what of ['commits', 'rollbacks', 'restarts', 'sweeps'] as const) {
      assert.ok(tallies.some((tally) => tally[what] > 0));
    }
  });
});
