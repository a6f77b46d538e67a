import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './mutants.ts';
import { buildSimulator, hunt } from './mutate.ts';
import { runSeed, type Outcome } from './run.ts';
import { KEPT_SEEDS } from './seeds.ts';

/** How long fresh seeds are tried. */
const FRESH_SEEDS_MS = 1000 * Number(process.env.SIMULATION_SECONDS ?? '20');
/** Seeds that the mutant which is tried here may take: every one of them catches it. */
const MUTANT_SEEDS = 50;
const REPLAYED_SEEDS = 10;

function assertHolds({ seed, violation }: Outcome): void {
  assert.equal(violation, undefined, `seed ${seed}: ${violation ?? ''}\n  npm run simulate -- --seed ${seed} --trace`);
}

describe('simulation', () => {
  for (const { seed, found } of KEPT_SEEDS)
    it(`holds for seed ${seed}: ${found}`, async () => assertHolds(await runSeed(seed)));

  it('replays a seed exactly', async () => {
    const hashes = new Set<string>();
    for (let seed = 0; seed < REPLAYED_SEEDS; seed++) {
      const outcome = await runSeed(seed);
      let told = 0;
      const again = await runSeed(seed, { tell: () => told++, withFrames: true });
      assert.deepEqual([again.hash, again.steps], [outcome.hash, outcome.steps]);
      assert.ok(told > 0);
      hashes.add(outcome.hash);
    }
    assert.equal(hashes.size, REPLAYED_SEEDS);
  });

  it('holds for fresh seeds', async function () {
    this.timeout(FRESH_SEEDS_MS + 60_000);
    const first = Date.now();
    const until = performance.now() + FRESH_SEEDS_MS;
    let seed = first;
    while (performance.now() < until) assertHolds(await runSeed(seed++));
    console.log(`      seeds ${first} to ${seed - 1}`);
  });

  it('has mutants whose texts are still there', () => {
    assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
    for (const { name, changes } of MUTANTS) {
      for (const { file, find, replace } of changes) {
        const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
        assert.equal(text.split(find).length, 2, `${name}: ${file} does not hold exactly once: ${find}`);
        assert.notEqual(find, replace, name);
      }
    }
  });

  it('catches a mutant', async function () {
    this.timeout(60_000);
    const mutant = MUTANTS.find(({ name }) => name.startsWith('17 '));
    assert.ok(mutant);
    const { violation } = await hunt(await buildSimulator(mutant), 1, MUTANT_SEEDS);
    assert.match(violation, /checkpoints below .* were pruned already/);
  });
});
