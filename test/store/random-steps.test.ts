import assert from 'node:assert/strict';
import { randomStepsOfSeeds } from '../runtime/incremental/random-steps.ts';
import { hashSubject } from './hash-subject.ts';
import { storeSubject } from './store-subject.ts';

describe('a store under random steps, in sections and sweeps as a worker makes them', () => {
  for (const [what, subject] of Object.entries({ keys: storeSubject, 'fields of hashes': hashSubject })) {
    it(`is like a plain map, and goes back to what its volume would restore: ${what}`, async () => {
      const tallies = await randomStepsOfSeeds(subject, 4, 1_000);
      for (const step of ['commits', 'rollbacks', 'restarts', 'sweeps'] as const) {
        assert.ok(tallies.some((tally) => tally[step] > 0));
      }
    });
  }
});
