/** What the simulator's command does with the seeds that it runs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readDone, writeDone, type Plan } from './command/kept-run.ts';
import { parseOptions, type Options } from './command/options.ts';
import { MAX_VIOLATIONS, runMany, type Summary } from './command/run-many.ts';
import { MAX_STORIES, writeReports } from './command/violation-reports.ts';
import { ROOT } from './mutate.ts';

const COMMIT = '0123456789ab';
const SEEDS = 22;
/** Every seed catches it, at its first record. */
const MUTANT = '122 a record is announced before it is synced';
const MINIMIZER_TRIES = 1;

function optionsOf(...words: string[]): Options {
  return parseOptions(['--json', '--jobs', '1', ...words]);
}

/** What a run comes to, without what it prints. */
async function runQuietly(options: Options, commit: string): ReturnType<typeof runMany> {
  const { log } = console;
  console.log = () => undefined;
  try {
    return await runMany(options, commit);
  } finally {
    console.log = log;
  }
}

describe("the simulator's command", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'simulate-'));
  });
  after(() => rm(directory, { recursive: true }));

  describe('a run in slices', () => {
    const words = ['--from', '5', '--seeds', String(SEEDS), '--kind', 'short'];

    it('comes to the same as in one go', async () => {
      const file = path.join(directory, 'slices');
      const options = optionsOf(...words, '--resume', file);
      const first = await runQuietly(optionsOf('--from', '5', '--seeds', '10', '--kind', 'short'), COMMIT);
      const plan: Plan = { ...planOf(options), commit: COMMIT, first: 5 };
      await writeDone(file, plan, { summary: first.summary, found: [], reached: [] });
      const sliced = await runQuietly(optionsOf('--seeds', String(SEEDS), '--kind', 'short', '--resume', file), COMMIT);
      const whole = await runQuietly(optionsOf(...words), COMMIT);
      assert.ok(sliced.isWhole && sliced.good && whole.isWhole);
      assert.ok(sliced.summary.wallMs > first.summary.wallMs);
      assert.deepEqual(figuresOf(sliced.summary), figuresOf(whole.summary));
      // What is whole is not run again.
      const again = await runQuietly(options, COMMIT);
      assert.deepEqual(again.summary, sliced.summary);
    });

    it('says so where seeds are left, and then nothing is missing yet', async () => {
      const file = path.join(directory, 'left');
      const left = await runQuietly(
        optionsOf('--seeds', '1', '--coverage', '--seconds', '0', '--resume', file),
        COMMIT,
      );
      assert.deepEqual([left.isWhole, left.good, left.summary.seeds], [false, true, 0]);
    });

    it('stays violated once it is', async () => {
      const file = path.join(directory, 'violated');
      const options = optionsOf(...words, '--mutant', MUTANT, '--resume', file);
      const violated = await runQuietly(options, COMMIT);
      assert.deepEqual([violated.good, violated.isWhole], [false, false]);
      const again = await runQuietly(options, COMMIT);
      assert.deepEqual([again.good, again.summary.seeds], [false, violated.summary.seeds]);
    });

    it('is of one commit, one range and one kind', async () => {
      const file = path.join(directory, 'unlike');
      const plan: Plan = { ...planOf(optionsOf(...words)), commit: COMMIT, first: 5 };
      const { summary } = await runQuietly(optionsOf('--from', '5', '--seeds', '1'), COMMIT);
      await writeDone(file, plan, { summary, found: [], reached: [] });
      assert.equal((await readDone(file, { ...plan, first: undefined }))?.summary.seeds, 1);
      for (const other of [
        { commit: 'fedcba987654' },
        { first: 6 },
        { seeds: SEEDS + 1 },
        { draw: 'steady' as const },
      ]) {
        const [name = ''] = Object.keys(other);
        const wrong = {
          name: 'Error',
          message: new RegExp(`holds a run whose '${name}' is .*: give what it began with`),
        };
        await assert.rejects(readDone(file, { ...plan, ...other }), wrong);
      }
      await assert.rejects(readDone(file, { ...plan, commit: `${COMMIT} + changes` }), /commit them, and keep/);
      await writeFile(file, '{"plan":');
      await assert.rejects(readDone(file, plan), /holds no run that could go on/);
    });
  });

  it('ends a run that goes on after violations once it has many', async () => {
    const words = ['--from', '1', '--seeds', '1000', '--keep', '--mutant', MUTANT];
    const { summary, good } = await runQuietly(optionsOf(...words), COMMIT);
    assert.equal(good, false);
    assert.ok(summary.violations >= MAX_VIOLATIONS && summary.seeds < 1000, `${summary.violations}, ${summary.seeds}`);
  });

  it('ends its processes with itself, in the midst of a hunt', async () => {
    const pool = new URL('command/pool.ts', import.meta.url).href;
    const work = `
      import { createPool } from '${pool}';
      const seeds = { kind: 'run', first: 1, count: 1_000_000, keep: true, mutant: undefined, draw: 'usual', branches: false };
      const requests = [{ ...seeds, count: 1 }, seeds];
      void createPool(1).work(() => requests.shift(), () => console.log('one seed'));`;
    const directory = await mkdtemp(path.join(os.tmpdir(), 'dpr-'));
    const file = path.join(directory, 'command.ts');
    await writeFile(file, work);
    const command = spawn(process.execPath, ['--import', 'tsx', file], { cwd: ROOT });
    try {
      const ended = once(command.stdout, 'close'); // its process has the same output
      await once(command.stdout, 'data');
      command.kill('SIGKILL');
      await ended;
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('reports what violates: every seed, and of some the smallest world and the story', async () => {
    const reports = path.join(directory, 'reports');
    const how = { commit: COMMIT, draw: 'usual', mutant: MUTANT } as const;
    await writeReports(reports, [], how);
    await assert.rejects(readdir(reports), { code: 'ENOENT' });
    const found = [1, 2, 3, 4].map((seed) => ({ seed, text: `invariant 12: of seed ${seed}\n    at a line` }));
    await writeReports(reports, found, how, MINIMIZER_TRIES);
    const seeds = found.slice(0, MAX_STORIES).map(({ seed }) => `seed-${seed}.txt`);
    assert.deepEqual((await readdir(reports)).sort(), [...seeds, 'violations.md']);
    const list = await readFile(path.join(reports, 'violations.md'), 'utf8');
    for (const { seed } of found) {
      const command = `npm run simulate -- --seed ${seed} --mutant '${MUTANT}' --trace`;
      assert.ok(list.includes(`- seed ${seed}: invariant 12: of seed ${seed}\n  \`${command}\`\n`), list);
    }
    const story = await readFile(path.join(reports, 'seed-1.txt'), 'utf8');
    assert.match(story, /^VIOLATION of invariant 2/);
    assert.match(story, /\nIn a smaller world:\nnpm run simulate -- --seed \d+ --world '\{/);
    assert.equal(story.split('truth          VIOLATION invariant 2').length, 3, 'both stories end with the violation');
  });
});

/** What is the same each time: sums of fractions depend on their order. */
function figuresOf({ wallMs: _, simulatedMs, ...summary }: Summary): object {
  return { ...summary, simulatedMs: Math.round(simulatedMs) };
}

function planOf({ seeds = Infinity, draw, mutant, keep, coverage }: Options): Omit<Plan, 'commit' | 'first'> {
  return { seeds, draw, mutant, keep, coverage };
}
