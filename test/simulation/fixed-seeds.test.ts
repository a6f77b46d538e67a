import { assertHolds } from './assert-holds.ts';
import { runSeed } from './run.ts';

/** Fresh ones are in fresh.simulation.ts. */
const FIXED_SEEDS = 40;

describe(`the first ${FIXED_SEEDS} seeds`, () => {
  for (let seed = 0; seed < FIXED_SEEDS; seed++) {
    it(`hold: ${seed}`, async () => assertHolds(await runSeed(seed)));
  }
});
