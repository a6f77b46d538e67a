import { exampleMap } from './example-map.ts';
import { randomStepsOfSeeds } from './random-steps.ts';

const SEEDS = 100;
const STEPS = 10_000;
const LIMIT_MS = 20 * 60_000;

describe('a million random steps on an incremental state', function () {
  this.timeout(LIMIT_MS);

  it('lead to what a plain map has, and to what the volume would restore', async () => {
    await randomStepsOfSeeds(exampleMap, SEEDS, STEPS);
  });
});
