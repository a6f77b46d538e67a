import { randomStepsOfSeeds } from '../runtime/incremental/random-steps.ts';
import { hashSubject } from './hash-subject.ts';
import { storeSubject } from './store-subject.ts';

const SEEDS = 100;
const STEPS = 10_000;
const LIMIT_MS = 20 * 60_000;

describe('a million random steps on a store', function () {
  this.timeout(LIMIT_MS);

  it('lead to what a plain map has, and to what the volume would restore', async () => {
    await randomStepsOfSeeds(storeSubject, SEEDS, STEPS);
  });

  it('lead to that also where they are on fields of hashes', async () => {
    await randomStepsOfSeeds(hashSubject, SEEDS / 5, STEPS);
  });
});
