import assert from 'node:assert/strict';
import { runSeeds } from '../collections/versions.ts';
import { EvictionRun } from './eviction-run.ts';

describe('a store that evicts, under random steps', () => {
  it('is like a plain map without the keys that it evicted, whatever is undone and loaded', () => {
    const runs: EvictionRun[] = [];
    const reached = runSeeds(4, 800, (seed) => {
      const run = new EvictionRun(seed);
      runs.push(run);
      return run;
    });
    const evicted = runs.reduce((sum, run) => sum + run.missed, 0);
    assert.ok(evicted > 300, `${evicted} keys were evicted`);
    const moved = runs.reduce((sum, run) => sum + run.moved, 0);
    assert.ok(moved > 300, `${moved} records were moved`);
    assert.ok(reached.rollbacks > 20 && reached.restarts > 10 && reached.doomed > 5, JSON.stringify(reached));
  });
});
