/** How to see a run again: the command for it, the commit that it belongs to, and what a commit's own run tries. */
import { execFileSync } from 'node:child_process';
import type { Draw } from '../draw.ts';
import { describeWorld, type WorldOptions } from '../options.ts';
import type { Share } from './share.ts';

export interface Run {
  readonly seed: number;
  readonly draw: Draw;
  readonly world: WorldOptions | undefined;
  readonly mutant: string | undefined;
}

/** The command that tells the run's story. */
export function replayCommand({ seed, draw, world, mutant }: Run): string {
  const words = ['npm run simulate --', `--seed ${seed}`];
  if (world !== undefined) words.push(`--world '${JSON.stringify(describeWorld(world))}'`);
  else if (draw === 'small') words.push('--small');
  else if (draw !== 'usual') words.push(`--kind ${draw}`);
  if (mutant !== undefined) words.push(`--mutant '${mutant.replaceAll("'", "'\\''")}'`);
  return [...words, '--trace'].join(' ');
}

const CHANGED = ' + changes';
const UNKNOWN = 'unknown';

/** The commit of these sources, with a word if they were changed since. */
export function commitOfSources(): string {
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain') === '' ? '' : CHANGED);
  } catch {
    return UNKNOWN;
  }
}

/** Does `commitOfSources` not tell which sources they were? */
export function isChanged(commit: string): boolean {
  return commit === UNKNOWN || commit.endsWith(CHANGED);
}

/**
 * Where the fresh seeds of a commit begin: what is committed decides, so every change tries others, and what goes wrong does so
 * on every machine. 1 where git does not know.
 */
export function firstFreshSeed(): number {
  try {
    return Number.parseInt(git('rev-parse', 'HEAD^{tree}').slice(0, 10), 16);
  } catch {
    return 1;
  }
}

/** The part of the mutants whose turn it is: as many commits one after another try all. */
export function shareOfCommit(of: number): Share {
  try {
    return { number: (Number(git('rev-list', '--count', 'HEAD')) % of) + 1, of };
  } catch {
    return { number: 1, of };
  }
}

function git(...words: string[]): string {
  return execFileSync('git', words, { encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** The invariant of a violation, to compare it with another one; an assertion is named by its first line. */
export function invariantOf(violation: string): string {
  const [first = ''] = violation.split('\n');
  return /^invariant \d+/.exec(first)?.[0] ?? first.replaceAll(/\d+/g, '#');
}
