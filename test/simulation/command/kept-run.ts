/** A run that is done in slices: what is done of it is in a file, and the next slice goes on from there. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Reached } from '../coverage/index.ts';
import type { Draw } from '../draw.ts';
import { isChanged } from './replay.ts';
import type { Summary } from './run-many.ts';

/** What makes two slices parts of one run. */
export interface Plan {
  readonly commit: string;
  readonly first: number;
  readonly seeds: number;
  readonly draw: Draw;
  readonly mutant: string | undefined;
  readonly keep: boolean;
  readonly coverage: boolean;
}

/** The file is not of this run; the text says what to do. */
export class UnfitRunError extends Error {}

export interface Violated {
  readonly seed: number;
  readonly text: string;
}

/** What is done of a run: its first `summary.seeds` seeds. */
export interface Done {
  readonly summary: Summary;
  readonly found: readonly Violated[];
  readonly reached: readonly Reached[];
}

/** The file's content: JSON has no maps, and leaves out what is undefined. */
interface Kept {
  readonly plan: Plan;
  readonly summary: Omit<Summary, 'coverage'> & { readonly coverage: readonly (readonly [string, number])[] };
  readonly found: readonly Violated[];
  readonly reached: readonly Reached[];
}

/**
 * @param plan of which `first` is undefined where the file is to say it
 * @returns what the file says is done, undefined when there is none yet
 * @throws UnfitRunError when the file is of another run, or of none
 */
export async function readDone(
  file: string,
  plan: Omit<Plan, 'first'> & { readonly first: number | undefined },
): Promise<Done | undefined> {
  // Two slices of different sources would be no run of either.
  if (isChanged(plan.commit)) {
    throw new UnfitRunError(
      `a run in slices is of one commit, and these sources are of '${plan.commit}': commit them, and keep '${file}' outside of the repository`,
    );
  }
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const kept = parse(file, text);
  for (const key of ['commit', 'first', 'seeds', 'draw', 'mutant', 'keep', 'coverage'] as const) {
    if (key === 'first' && plan.first === undefined) continue;
    if (kept.plan[key] === plan[key]) continue;
    throw new UnfitRunError(
      `'${file}' holds a run whose '${key}' is ${String(kept.plan[key])}, and this one's is ${String(plan[key])}: give what it began with, or another file`,
    );
  }
  const { summary, found, reached } = kept;
  return { summary: { ...summary, coverage: new Map(summary.coverage), branches: undefined }, found, reached };
}

function parse(file: string, text: string): Kept {
  try {
    const kept = JSON.parse(text) as Partial<Kept> | null;
    if (kept?.plan !== undefined && kept.summary !== undefined) return kept as Kept;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new UnfitRunError(`'${file}' holds no run that could go on: give another file, or remove it`);
}

/** The file always holds a whole slice, whenever this process is killed. */
export async function writeDone(file: string, plan: Plan, { summary, found, reached }: Done): Promise<void> {
  const kept: Kept = { plan, summary: { ...summary, coverage: [...summary.coverage] }, found, reached };
  await writeFile(`${file}.tmp`, JSON.stringify(kept));
  await rename(`${file}.tmp`, file);
}
