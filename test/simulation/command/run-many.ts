/** Runs seed after seed on every core, until one is violated, all are done, or it is told to stop. */
import { addReached, judge, type Branches, type Reached } from '../coverage/index.ts';
import { MUST_BE_REACHED } from '../must-be-reached.ts';
import type { Figures } from '../checker/index.ts';
import type { RunAnswer } from './job.ts';
import { readDone, writeDone, type Plan, type Violated } from './kept-run.ts';
import type { Options } from './options.ts';
import { createPool } from './pool.ts';
import { commitOfSources, invariantOf, replayCommand } from './replay.ts';
import { writeReports } from './violation-reports.ts';

/** Seeds that a process is given at a time. */
const SEEDS_PER_REQUEST = 20;
/** How often progress is shown where it is not a terminal, in seeds. */
const SEEDS_PER_LINE = 1_000;
/** How often what is done is kept, in seeds. */
const SEEDS_PER_ROUND = 1_000;
/** So many violations end a run that goes on after one: what is wrong with every seed needs no list of all. */
export const MAX_VIOLATIONS = 100;

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

/** What a run came to. */
export interface Run {
  readonly summary: Summary;
  /** Every seed that was asked for has run. */
  readonly isWhole: boolean;
  /** Nothing is wrong with what has run. */
  readonly good: boolean;
}

/** @throws UnfitRunError when the file to go on from is of another run */
export async function runMany(options: Options, commit = commitOfSources()): Promise<Run> {
  const { keep, draw, mutant, json, jobs, resume, seconds = Infinity, seeds = Infinity } = options;
  const asked = { commit, first: options.from, seeds, draw, mutant, keep, coverage: options.coverage };
  const before = resume === undefined ? undefined : await readDone(resume, asked);
  const first = before?.summary.first ?? options.from ?? Date.now();
  const plan: Plan = { ...asked, first };
  const summary = before === undefined ? emptySummary(plan, jobs) : { ...before.summary, jobs };
  const found: Violated[] = [...(before?.found ?? [])];
  let reached: readonly Reached[] = before?.reached ?? [];
  // Where a mistake is in the code, its blocks are others.
  const branches = options.coverage && mutant === undefined;
  const end = first + seeds;
  const begun = performance.now();
  const earlierMs = summary.wallMs;
  let at = first + summary.seeds;
  let stopped = false;
  const show = ({ seed, text }: Violated): void => {
    if (!json) clearProgress();
    showViolation(text, seed, commit, replayCommand({ seed, draw, mutant, world: undefined }), json);
  };
  // Seeds at work are finished, which takes a moment; a second Ctrl-C, or the same one twice by way of npm, changes nothing.
  const stop = (): void => {
    stopped = true;
  };
  const isOver = (): boolean =>
    stopped || at >= end || performance.now() - begun >= 1000 * seconds || found.length >= (keep ? MAX_VIOLATIONS : 1);
  const pool = createPool(jobs);
  process.on('SIGINT', stop);
  if (json) print({ event: 'started', first, seeds: options.seeds, done: summary.seeds, jobs, commit });
  else console.log(`Seeds from ${at} on, in ${jobs} processes, commit ${commit}`);
  try {
    while (!isOver()) {
      const roundEnd = resume === undefined ? end : Math.min(end, at + SEEDS_PER_ROUND);
      await pool.work(
        () => {
          if (isOver() || at >= roundEnd) return undefined;
          const count = Math.min(SEEDS_PER_REQUEST, roundEnd - at);
          at += count;
          return { kind: 'run', first: at - count, count, keep, mutant, draw, branches };
        },
        (_, answer) => {
          add(summary, answer);
          for (const one of answer.violations) {
            found.push(one);
            if (keep) show(one); // a run that goes on may have hours to go
          }
          summary.wallMs = earlierMs + performance.now() - begun;
          showProgress(summary, answer.seeds, seeds, json);
        },
      );
      // Each process counts from its beginning on.
      if (branches) reached = (await pool.branches()).reduce(addReached, before?.reached ?? []);
      if (resume !== undefined) await writeDone(resume, plan, { summary, found, reached });
    }
  } finally {
    pool.close();
    process.off('SIGINT', stop);
  }
  clearProgress();
  found.sort((a, b) => a.seed - b.seed);
  if (found[0] !== undefined && !keep) show(found[0]);
  if (options.report !== undefined) await writeReports(options.report, found, { commit, draw, mutant });
  const isWhole = seeds === Infinity || at >= end;
  if (isWhole && branches) summary.branches = judge(reached);
  const missed = isWhole && options.coverage ? showCoverage(summary, json) : [];
  showSummary(summary, missed, json);
  if (!isWhole && !json) console.log(`${summary.seeds} of ${seeds} seeds are done`);
  return { summary, isWhole, good: found.length === 0 && missed.length === 0 };
}

function emptySummary({ first, commit }: Plan, jobs: number): Summary {
  return {
    first,
    commit,
    jobs,
    seeds: 0,
    violations: 0,
    steps: 0,
    simulatedMs: 0,
    wallMs: 0,
    figures: { executions: 0, tokens: 0, seals: 0, cuts: 0, decisions: 0 },
    coverage: new Map(),
    branches: undefined,
  };
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

function showProgress(summary: Summary, added: number, seeds: number, json: boolean): void {
  if (json) return;
  const text = progress(summary) + remaining(summary, seeds);
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
  else if (Math.floor(summary.seeds / SEEDS_PER_LINE) > Math.floor((summary.seeds - added) / SEEDS_PER_LINE)) {
    console.log(text);
  }
}

function remaining({ seeds: done, wallMs }: Summary, seeds: number): string {
  return seeds === Infinity ? '' : `, ${(((seeds - done) * wallMs) / done / 60_000).toFixed(1)} min to go`;
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
