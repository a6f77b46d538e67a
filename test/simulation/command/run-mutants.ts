/** Hunts every mutant until a seed catches it. */
import type { Draw } from '../draw.ts';
import { MUTANTS } from '../mutants/index.ts';
import { MUTANT_SEEDS, type Options } from './options.ts';
import { createPool } from './pool.ts';
import { invariantOf } from './replay.ts';
import { shareOf } from './share.ts';

export interface Hunted {
  readonly name: string;
  /** Of which worlds the seeds are. */
  readonly draw: Draw;
  /** How many seeds it took; undefined: it survived. */
  readonly seeds: number | undefined;
  readonly invariant: string;
}

const LONGEST_INVARIANT = 60;

/** @returns what became of each mutant, in their order */
export async function runMutants({
  from = 1,
  seeds = MUTANT_SEEDS,
  only,
  share,
  jobs,
  json,
}: Options): Promise<Hunted[]> {
  const mutants = shareOf(MUTANTS, share).filter(({ name }) => name.includes(only));
  const waiting = mutants.map(({ name }) => name);
  const hunted = new Map<string, Hunted>();
  const pool = createPool(Math.max(1, Math.min(jobs, mutants.length)));
  try {
    await pool.work(
      () => {
        const mutant = waiting.shift();
        return mutant === undefined ? undefined : { kind: 'hunt', mutant, first: from, limit: seeds };
      },
      ({ mutant: name }, answer) => {
        const { draw, seeds: taken, violation } = answer;
        const one = { name, draw, seeds: taken, invariant: invariantOf(violation).slice(0, LONGEST_INVARIANT) };
        hunted.set(name, one);
        if (json) console.log(JSON.stringify({ event: 'mutant', ...one, violation }));
        else
          console.log(
            `${(taken?.toString() ?? 'SURVIVES').padStart(8)}  ${draw.padEnd(10)}  ${name}: ${one.invariant}`,
          );
      },
    );
  } finally {
    pool.close();
  }
  const survivors = [...hunted.values()].filter((one) => one.seeds === undefined).length;
  if (json) console.log(JSON.stringify({ event: 'finished', mutants: mutants.length, survivors, from, limit: seeds }));
  else console.log(`${survivors} of ${mutants.length} mutants survived ${seeds} seeds`);
  return mutants.flatMap(({ name }) => hunted.get(name) ?? []);
}
