import { assertHolds } from './assert-holds.ts';
import { runSeed } from './run.ts';
import { KEPT_SEEDS } from './seeds.ts';

describe('seeds that once found something', () => {
  for (const { seed, draw, found } of KEPT_SEEDS)
    it(`holds for seed ${seed}: ${found}`, async () => assertHolds(await runSeed(seed, { draw })));
});
