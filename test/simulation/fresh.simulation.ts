/** What each commit tries anew: seeds that no earlier commit ran, and a part of the known mistakes. */
import assert from 'node:assert/strict';
import { parseOptions } from './command/options.ts';
import { firstFreshSeed, shareOfCommit } from './command/replay.ts';
import { runMany } from './command/run-many.ts';
import { runMutants } from './command/run-mutants.ts';

const SEEDS = 2_000;
/** For each mutant; those that need more in the usual mix of worlds are hunted in worlds that suit them. */
const MUTANT_SEEDS = 4_000;
const SHARES = 10;
const LIMIT_MS = 30 * 60_000;

describe('the simulation of a commit', function () {
  this.timeout(LIMIT_MS);

  it(`holds for ${SEEDS} fresh seeds`, async () => {
    const { good, summary } = await runMany(parseOptions(['--seeds', `${SEEDS}`, '--from', `${firstFreshSeed()}`]));
    assert.ok(good);
    assert.equal(summary.seeds, SEEDS);
  });

  const { number, of } = shareOfCommit(SHARES);
  it(`catches share ${number} of ${of} of the mutants`, async () => {
    const hunted = await runMutants(
      parseOptions(['--mutants', '--share', `${number}/${of}`, '--seeds', `${MUTANT_SEEDS}`]),
    );
    assert.ok(hunted.length > 0);
    assert.deepEqual(
      hunted.filter(({ seeds }) => seeds === undefined),
      [],
    );
  });
});
