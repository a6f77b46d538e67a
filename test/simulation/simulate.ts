/**
 * Runs seeds of the simulator:
 *   npm run simulate -- [--seeds N] [--from S] [--keep]   until a violation, or all of them with --keep
 *   npm run simulate -- --seeds N --coverage              and what they reached; fails if something never happened
 *   npm run simulate -- --seed S [--trace [--frames]]     one seed and its story
 *   npm run simulate -- --mutants [--only TEXT]           how many seeds, of at most --seeds, catch each mistake
 * Exits with 1 on a violation, and names the command that shows its story.
 */
import { parseArgs } from 'node:util';
import { MUST_BE_REACHED } from './coverage.ts';
import { MUTANTS } from './mutants.ts';
import { buildSimulator, hunt } from './mutate.ts';
import { runSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    frames: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is a whole number, not '${text}'`);
  return value;
}

async function runOne(seed: number): Promise<boolean> {
  const outcome = await runSeed(seed, values.trace ? (line) => console.log(line) : undefined, values.frames);
  console.log(`seed ${seed}: ${outcome.steps} steps, ${outcome.simulatedMs.toFixed(0)} ms, hash ${outcome.hash}`);
  if (outcome.violation) console.log(`VIOLATION ${outcome.violation}`);
  return outcome.violation === undefined;
}

async function runMany(first: number, count: number): Promise<boolean> {
  const started = performance.now();
  const coverage = new Map<string, number>();
  let simulated = 0;
  let failures = 0;
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await runSeed(seed);
    simulated += outcome.simulatedMs;
    for (const [what, times] of outcome.coverage) coverage.set(what, (coverage.get(what) ?? 0) + times);
    if (outcome.violation !== undefined) {
      failures++;
      console.log(`seed ${seed}: VIOLATION ${outcome.violation}`);
      console.log(`  npm run simulate -- --seed ${seed} --trace`);
      if (!values.keep) break;
    }
    const done = seed - first + 1;
    if (process.stderr.isTTY && done % 10 === 0) process.stderr.write(`\r${done} seeds`);
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${seconds.toFixed(1)} s, ${(simulated / 1000 / seconds).toFixed(0)} times real time, ${failures} violations`,
  );
  return showCoverage(coverage) && failures === 0;
}

/** What a run reached, and whether that is everything. */
function showCoverage(coverage: ReadonlyMap<string, number>): boolean {
  if (!values.coverage) return true;
  for (const [what, times] of [...coverage].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(times).padStart(9)}  ${what}`);
  }
  const missed = MUST_BE_REACHED.filter((what) => !coverage.has(what));
  for (const what of missed) console.log(`    never  ${what}`);
  return missed.length === 0;
}

async function runMutants(first: number, limit: number): Promise<boolean> {
  let survivors = 0;
  for (const mutant of MUTANTS.filter(({ name }) => name.includes(values.only))) {
    const { seeds, violation } = await hunt(await buildSimulator(mutant), first, limit);
    if (seeds === undefined) survivors++;
    const [reason = ''] = violation.split('\n');
    console.log(
      `${(seeds === undefined ? 'SURVIVES' : String(seeds)).padStart(8)}  ${mutant.name.padEnd(78)}  ${reason.slice(0, 120)}`,
    );
  }
  console.log(`${survivors} of ${MUTANTS.length} mutants survived ${limit} seeds`);
  return survivors === 0;
}

const first = wholeNumber('from', values.from ?? String(Date.now()));
let good: boolean;
if (values.mutants) good = await runMutants(first, wholeNumber('seeds', values.seeds ?? '5000'));
else if (values.seed === undefined) good = await runMany(first, wholeNumber('seeds', values.seeds ?? '1000000000'));
else good = await runOne(wholeNumber('seed', values.seed));
process.exitCode = good ? 0 : 1;
