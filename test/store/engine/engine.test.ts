import assert from 'node:assert/strict';
import { ModelRun, NO_TALLY, type Tally } from './model-run.ts';

describe('the engine', () => {
  const total: Tally = { ...NO_TALLY };

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`is as a plain map, in all that executes, is undone and comes back from what was written: seed ${seed}`, () => {
      const run = new ModelRun(seed);
      for (let step = 0; step < 1_500; step++) run.step();
      run.finish();
      for (const [name, count] of Object.entries(run.tally)) total[name as keyof Tally] += count;
    });
  }

  it('was tried with much of everything', () => {
    for (const [name, count] of Object.entries(total)) assert.ok(count > 20, `${name}: ${count}`);
  });
});
