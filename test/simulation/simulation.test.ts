import { transformSync } from 'esbuild';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readExcuses } from './coverage/index.ts';
import { README, rowsOf } from './command/write-tables.ts';
import { MUTANTS, mutantNamed, numberOf, worldsFor } from './mutants/index.ts';
import { buildSimulator, hunt } from './mutate.ts';
import { assertReplays } from './replays.ts';
import { KEPT_SEEDS } from './seeds.ts';
import { SPECIAL_WORLDS } from './special-worlds.ts';

/** Of the seeds, for each kind of world. */
const LEAST_SHARE = 0.02;
/** More of them are in replays.simulation.ts. */
const REPLAYED_SEEDS = 2;
/** Seeds that the mutant which is tried here may take: every one of them catches it. */
const MUTANT_SEEDS = 50;

describe('simulation', () => {
  it('draws worlds of every kind, and usual ones', () => {
    const shares = Object.values(SPECIAL_WORLDS).map(({ share }) => share);
    assert.ok(shares.every((share) => share >= LEAST_SHARE));
    const special = shares.reduce((sum, share) => sum + share, 0);
    assert.ok(special <= 1 - LEAST_SHARE, `special worlds have ${special} of the seeds`);
  });

  it('replays a seed exactly', () => assertReplays(REPLAYED_SEEDS));

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

  it('has a list of blocks that no seed reaches, whose texts are each in one place', () => {
    assert.deepEqual(readExcuses().wrong, []);
    const unknown = { because: 'of a test', blocks: { 'core/cut.ts': ['no such line', 'const'] } };
    assert.match(
      readExcuses([unknown]).wrong.join('\n'),
      /has 0 places with: no such line\n.*has \d+ places with: const/,
    );
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
