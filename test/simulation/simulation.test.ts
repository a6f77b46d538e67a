import { transformSync } from 'esbuild';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { minimize } from './command/minimize.ts';
import { createPool } from './command/pool.ts';
import { README, rowsOf } from './command/write-tables.ts';
import { MUTANTS, mutantNamed, numberOf, worldsFor } from './mutants/index.ts';
import { buildSimulator, hunt } from './mutate.ts';
import { describeWorld, parseWorld, QUIET_WORLD } from './options.ts';
import { runSeed, type Outcome } from './run.ts';
import { KEPT_SEEDS } from './seeds.ts';
import { SPECIAL_WORLDS } from './special-worlds.ts';

/** Fresh ones are in fresh.simulation.ts. */
const FIXED_SEEDS = 60;
/** Seeds that the mutant which is tried here may take: every one of them catches it. */
const MUTANT_SEEDS = 50;
const REPLAYED_SEEDS = 5;
/** Of the seeds, for each kind of world. */
const LEAST_SHARE = 0.02;
const SEEDS_PER_REQUEST = 5;
const MINIMIZER_TRIES = 10;

function describeViolation(seed: number, violation: string): string {
  return `seed ${seed}: ${violation}\n  npm run simulate -- --seed ${seed} --trace`;
}

function assertHolds({ seed, violation }: Outcome): void {
  assert.equal(violation, undefined, describeViolation(seed, violation ?? ''));
}

describe('simulation', () => {
  for (const { seed, draw, found } of KEPT_SEEDS)
    it(`holds for seed ${seed}: ${found}`, async () => assertHolds(await runSeed(seed, { draw })));

  it('draws worlds of every kind, and usual ones', () => {
    const shares = Object.values(SPECIAL_WORLDS).map(({ share }) => share);
    assert.ok(shares.every((share) => share >= LEAST_SHARE));
    const special = shares.reduce((sum, share) => sum + share, 0);
    assert.ok(special <= 1 - LEAST_SHARE, `special worlds have ${special} of the seeds`);
  });

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

  it(`holds for the first ${FIXED_SEEDS} seeds`, async () => {
    const violations: string[] = [];
    let at = 0;
    const pool = createPool(availableParallelism());
    try {
      await pool.work(
        () => {
          if (violations.length > 0 || at >= FIXED_SEEDS) return undefined;
          at += SEEDS_PER_REQUEST;
          const range = { first: at - SEEDS_PER_REQUEST, count: SEEDS_PER_REQUEST };
          return { kind: 'run', ...range, keep: false, mutant: undefined, draw: 'usual', branches: false };
        },
        (_, answer) => {
          for (const { seed, text } of answer.violations) violations.push(describeViolation(seed, text));
        },
      );
    } finally {
      pool.close();
    }
    assert.deepEqual(violations, []);
  });

  it('has mutants whose texts are still there, and whose code can be read', () => {
    assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
    for (const { name, changes } of MUTANTS) {
      for (const { file, find, replace } of changes) {
        const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
        assert.equal(text.split(find).length, 2, `${name}: ${file} does not hold exactly once: ${find}`);
        assert.notEqual(find, replace, name);
        const mutated = text.replace(find, () => replace);
        assert.doesNotThrow(() => transformSync(mutated, { loader: 'ts' }), name);
      }
    }
  });

  it('catches a mutant', async () => {
    const { violation } = await hunt(await buildSimulator(mutantNamed('17 ')), 'usual', 1, MUTANT_SEEDS);
    // What was pruned too early is missed by the Finder, or by the worker itself.
    assert.match(violation, /checkpoints below .* were pruned already|is refused, and lost nothing/);
  });

  it('makes a failing world smaller, and it still fails', async () => {
    const simulator = await buildSimulator(mutantNamed('19 '));
    const many = { workers: 3, clients: 4, callsPerSession: 30, thinkMs: 2, strictChance: 0.5, maxInFlight: 4 };
    const world = parseWorld({ ...many, checkpointIntervalMs: 10, rates: { crashWorker: 3, cutConnection: 5 } });
    let outcome = await simulator.runSeed(1, { world });
    for (let seed = 2; seed <= MUTANT_SEEDS && outcome.violation === undefined; seed++) {
      outcome = await simulator.runSeed(seed, { world });
    }
    const smallest = await minimize(simulator, outcome, { world }, () => undefined, MINIMIZER_TRIES);
    const { workers, clients, callsPerSession, rates } = smallest.world;
    assert.ok(workers < many.workers && clients < many.clients && callsPerSession < many.callsPerSession);
    assert.deepEqual(rates, QUIET_WORLD.rates);
    assert.deepEqual(parseWorld(JSON.parse(JSON.stringify(describeWorld(smallest.world)))), smallest.world);
    const again = await simulator.runSeed(smallest.seed, { world: smallest.world });
    assert.match(again.violation ?? '', /^invariant 1: /);
  });

  it('has a document whose table names no mutant that is gone', () => {
    const names = new Set(MUTANTS.map(({ name }) => name));
    const listed = rowsOf(readFileSync(README, 'utf8'), 'mutants').map(([number, words]) => [number, words].join(' '));
    assert.ok(listed.length > 0);
    const gone = listed.filter((name) => !names.has(name));
    assert.deepEqual(gone, [], 'npm run simulate -- --mutants --write');
  });

  it('has a document in which every mutant is caught, in the worlds where it is hunted now', () => {
    const rows = rowsOf(readFileSync(README, 'utf8'), 'mutants');
    const listed = rows.map(([number, , worlds, seeds]) => [number, worlds, Number(seeds) > 0]);
    const expected = MUTANTS.map((mutant) => [numberOf(mutant), worldsFor(mutant), true]);
    assert.deepEqual(listed, expected, 'npm run simulate -- --mutants --write');
  });

  it('has a document that lists every defect which a kept seed found', () => {
    const defects = KEPT_SEEDS.filter(({ fix }) => fix !== undefined).map(({ seed }) => String(seed));
    const listed = rowsOf(readFileSync(README, 'utf8'), 'defects').map(([seed]) => seed);
    assert.deepEqual(listed, defects, 'npm run simulate -- --seeds 100000 --coverage --write');
  });
});
