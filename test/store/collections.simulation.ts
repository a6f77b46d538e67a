/** Many seeds of what `npm test` tries a few of. */
import { assertLikePlainArrays } from './lists/list-run.ts';
import { assertLikePlainSets } from './sets/set-run.ts';
import { assertLikePlainMaps } from './sorted-sets/sorted-set-run.ts';

const SEEDS = 20;
const STEPS = 400;
const LIMIT_MS = 10 * 60_000;

describe('collections of a store, by many seeds,', function () {
  this.timeout(LIMIT_MS);

  it('are as plain arrays', () => assertLikePlainArrays(SEEDS, STEPS));

  it('are as plain sets', () => assertLikePlainSets(SEEDS, STEPS));

  it('are as plain maps', () => assertLikePlainMaps(SEEDS, STEPS));
});
