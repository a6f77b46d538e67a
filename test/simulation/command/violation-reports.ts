/** Writes down what violates, for readers who were not there: a list of the seeds, and of some the smallest world and the story. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Draw } from '../draw.ts';
import { buildSimulator, type Simulator } from '../mutate.ts';
import { mutantNamed } from '../mutants/index.ts';
import type { RunOptions } from '../run.ts';
import type { Violated } from './kept-run.ts';
import { minimize } from './minimize.ts';
import { replayCommand, type Run } from './replay.ts';
import { createTracer, LEGEND } from './trace.ts';

/** Making a world smaller takes minutes: so many seeds get that; what is wrong with the others is mostly the same. */
export const MAX_STORIES = 3;
/** In the list: all of them fit into the text of an issue, which GitHub limits to 65,536 characters. */
export const MAX_LISTED = 100;
/** Of a violation's text: an assertion brings its stack, which is in the story. */
const MAX_TEXT_CHARACTERS = 300;

export interface Reported {
  readonly commit: string;
  readonly draw: Draw;
  readonly mutant: string | undefined;
}

/** Nothing where nothing is violated. @param tries how many seeds each smaller world gets */
export async function writeReports(
  directory: string,
  found: readonly Violated[],
  { commit, draw, mutant }: Reported,
  tries?: number,
): Promise<void> {
  if (found.length === 0) return;
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'violations.md'), listOf(found, { commit, draw, mutant }));
  const simulator = await buildSimulator(mutant === undefined ? undefined : mutantNamed(mutant));
  for (const { seed } of found.slice(0, MAX_STORIES)) {
    const lines = await stories(simulator, { seed, draw, mutant, world: undefined }, tries);
    await writeFile(path.join(directory, `seed-${seed}.txt`), `${lines.join('\n')}\n`);
  }
}

export function listOf(found: readonly Violated[], { commit, draw, mutant }: Reported): string {
  const lines = found
    .slice(0, MAX_LISTED)
    .flatMap(({ seed, text }) => [
      `- seed ${seed}: ${(text.split('\n')[0] ?? '').slice(0, MAX_TEXT_CHARACTERS)}`,
      `  \`${replayCommand({ seed, draw, mutant, world: undefined })}\``,
    ]);
  const more = found.length - MAX_LISTED;
  if (more > 0) lines.push('', `and ${more} more`);
  return [`Violated at commit ${commit}:`, '', ...lines, ''].join('\n');
}

/** First the smallest world's, then the seed's own. */
async function stories({ runSeed }: Simulator, run: Run, tries: number | undefined): Promise<string[]> {
  const { seed, draw } = run;
  const own: string[] = [];
  const outcome = await runSeed(seed, { draw, tell: teller(own) });
  const steps: string[] = [];
  const smallest = await minimize({ runSeed }, outcome, { draw }, (text) => steps.push(text), tries);
  const small: string[] = [];
  await runSeed(smallest.seed, { world: smallest.world, draw, tell: teller(small) });
  return [
    `VIOLATION of ${outcome.violation ?? 'nothing, when the seed ran again'}`,
    replayCommand(run),
    '',
    'In a smaller world:',
    replayCommand({ ...run, seed: smallest.seed, world: smallest.world }),
    ...steps,
    '',
    LEGEND,
    ...small,
    '',
    `Seed ${seed} itself:`,
    ...own,
  ];
}

function teller(lines: string[]): NonNullable<RunOptions['tell']> {
  const trace = createTracer();
  return (told) => {
    for (const line of trace(told)) lines.push(line);
  };
}
