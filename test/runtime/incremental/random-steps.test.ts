import assert from 'node:assert/strict';
import { exampleMap } from './example-map.ts';
import { randomSteps } from './random-steps.ts';

describe('an incremental state under random steps', () => {
  it('is like a plain map, and goes back to what its volume would restore', async () => {
    const tallies = [];
    for (let seed = 1; seed <= 4; seed++) {
      tallies.push(await randomSteps(exampleMap, { seed, steps: 10_000, restarts: seed % 2 === 0 }));
    }
    for (const what of ['commits', 'rollbacks', 'restarts', 'sweeps'] as const) {
      assert.ok(tallies.some((tally) => tally[what] > 0));
    }
  });
});
