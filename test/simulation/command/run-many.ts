/** Runs seed after seed on every core, until one is violated, all are done, or it is told to stop. */
import { addReached, judge, type Branches, type Reached } from '../branches/index.ts';
import { MUST_BE_REACHED } from '../coverage.ts';
import type { Figures } from '../checker/index.ts';
import type { RunAnswer } from './job.ts';
import type { Options } from './options.ts';
import { createPool } from './pool.ts';
import { commitOfSources, invariantOf, replayCommand } from './replay.ts';

/** Seeds that a process is given at a time. */
const SEEDS_PER_REQUEST = 20;
/** How often progress is shown where it is not a terminal, in seeds. */
const SEEDS_PER_LINE = 1_000;

export interface Summary {
  readonly first: number;
  readonly commit: string;
  readonly jobs: number;
  seeds: number;
  violations: number;
  steps: number;
  simulatedMs: number;
  wallMs: number;
  readonly figures: Figures;
  readonly coverage: Map<string, number>;
  /** Known once the run is over, if it counts them. */
  branches: Branches | undefined;
}

/** @returns what happened, and whether all is well */
export async function runMany(options: Options): Promise<{ summary: Summary; good: boolean }> {
  const { keep, draw, mutant, json, seconds = Infinity } = options;
  // Where a mistake is in the code, its blocks are others.
  const branches = options.coverage && mutant === undefined;
  const first = options.from ?? Date.now();
  const summary: Summary = {
    first,
    commit: commitOfSources(),
    jobs: options.jobs,
    seeds: 0,
    violations: 0,
    steps: 0,
    simulatedMs: 0,
    wallMs: 0,
    figures: { executions: 0, tokens: 0, seals: 0, cuts: 0, decisions: 0 },
    coverage: new Map(),
    branches: undefined,
  };
  const end = first + (options.seeds ?? Infinity);
  const started = performance.now();
  const found: { seed: number; text: string }[] = [];
  let at = first;
  let stopped = false;
  const show = ({ seed, text }: { seed: number; text: string }): void => {
    if (!json) clearProgress();
    showViolation(text, seed, summary.commit, replayCommand({ seed, draw, mutant, world: undefined }), json);
  };
  const pool = createPool(options.jobs);
  // Seeds at work are finished, which takes a moment; a second Ctrl-C, or the same one twice by way of npm, changes nothing.
  const stop = (): void => {
    stopped = true;
  };
  process.on('SIGINT', stop);
  if (json) print({ event: 'started', first, seeds: options.seeds, jobs: options.jobs, commit: summary.commit });
  else console.log(`Seeds from ${first} on, in ${options.jobs} processes, commit ${summary.commit}`);
  try {
    await pool.work(
      () => {
        if (stopped || at >= end || performance.now() - started >= 1000 * seconds || (found.length > 0 && !keep))
          return undefined;
        const count = Math.min(SEEDS_PER_REQUEST, end - at);
        at += count;
        return { kind: 'run', first: at - count, count, keep, mutant, draw, branches };
      },
      (_, answer) => {
        add(summary, answer);
        found.push(...answer.violations);
        if (keep) answer.violations.forEach(show); // whoever goes on may have hours to go
        summary.wallMs = performance.now() - started;
        showProgress(summary, answer.seeds, json);
      },
    );
    if (branches) summary.branches = judge((await pool.branches()).reduce<Reached[]>(addReached, []));
  } finally {
    pool.close();
    process.off('SIGINT', stop);
  }
  clearProgress();
  const [least] = found.sort((a, b) => a.seed - b.seed);
  if (least !== undefined && !keep) show(least);
  const missed = options.coverage ? showCoverage(summary, json) : [];
  showSummary(summary, missed, json);
  return { summary, good: found.length === 0 && missed.length === 0 };
}

function add(summary: Summary, answer: RunAnswer): void {
  summary.seeds += answer.seeds;
  summary.violations += answer.violations.length;
  summary.steps += answer.steps;
  summary.simulatedMs += answer.simulatedMs;
  for (const key of Object.keys(summary.figures) as (keyof Figures)[]) summary.figures[key] += answer.figures[key];
  for (const [what, times] of answer.coverage) summary.coverage.set(what, (summary.coverage.get(what) ?? 0) + times);
}

function print(value: object): void {
  console.log(JSON.stringify(value));
}

function progress({ seeds, violations, wallMs }: Summary): string {
  const perMinute = Math.round((seeds / wallMs) * 60_000);
  return `${seeds} seeds, ${perMinute} a minute, ${violations} violations`;
}

function showProgress(summary: Summary, added: number, json: boolean): void {
  if (json) return;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${progress(summary)}`);
  else if (Math.floor(summary.seeds / SEEDS_PER_LINE) > Math.floor((summary.seeds - added) / SEEDS_PER_LINE)) {
    console.log(progress(summary));
  }
}

function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

export function showViolation(text: string, seed: number, commit: string, replay: string, json: boolean): void {
  if (json) return print({ event: 'violation', seed, invariant: invariantOf(text), text, commit, replay });
  console.log(`VIOLATION of ${text}\n  seed ${seed}, commit ${commit}\n  ${replay}`);
}

/** What a run reached. @returns what it must have reached and did not */
function showCoverage({ coverage, branches }: Summary, json: boolean): string[] {
  const missed = MUST_BE_REACHED.filter((what) => !coverage.has(what));
  const wrong = branches?.wrong ?? [];
  if (json) {
    print({ event: 'coverage', reached: Object.fromEntries(sortedCoverage(coverage)), missed, branches });
    return [...missed, ...wrong];
  }
  for (const [what, times] of sortedCoverage(coverage)) console.log(`${String(times).padStart(10)}  ${what}`);
  for (const what of missed) console.log(`     NEVER  ${what}`);
  for (const { place, text, times } of branches?.rarest ?? []) console.log(`${times} times ${place}  ${text}`);
  for (const what of wrong) console.log(what);
  if (branches) {
    const { blocks, reached, excused } = branches;
    console.log(`${reached} of ${blocks} blocks of the core and of storage reached, ${excused} cannot be`);
  }
  return [...missed, ...wrong];
}

export function sortedCoverage(coverage: ReadonlyMap<string, number>): [string, number][] {
  return [...coverage].sort(([a], [b]) => (a < b ? -1 : 1));
}

function showSummary(summary: Summary, missed: readonly string[], json: boolean): void {
  const { coverage: _, branches: __, ...figures } = summary;
  if (json) return print({ event: 'finished', ...figures, missed });
  const seconds = summary.wallMs / 1000;
  const { executions, decisions, cuts } = summary.figures;
  console.log(`${progress(summary)}, ${seconds.toFixed(1)} s`);
  console.log(
    `${(summary.simulatedMs / 3_600_000).toFixed(2)} simulated hours, ${(summary.simulatedMs / summary.wallMs).toFixed(0)} times real time; ` +
      `${summary.steps} events, ${executions} executions, ${cuts} cuts, ${decisions} rollbacks`,
  );
  if (missed.length > 0) console.log(`${missed.length} things that must be reached were not, or the other way around`);
}
