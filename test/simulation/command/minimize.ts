/** Makes a world smaller while the same invariant is violated in it. */
import type { Simulator } from '../mutate.ts';
import { describeWorld, FAULTS, QUIET_WORLD, type WorldOptions } from '../options.ts';
import type { Outcome, RunOptions } from '../run.ts';
import { invariantOf } from './replay.ts';

/** A smaller world has chances of its own: as many seeds as this are tried in it. */
const TRIES = 60;

export interface Minimal {
  readonly seed: number;
  readonly world: WorldOptions;
  readonly violation: string;
  readonly steps: number;
}

/** @param say is told of each world that is smaller and still fails; @param tries how many seeds each world gets */
export async function minimize(
  { runSeed }: Simulator,
  outcome: Outcome,
  how: Pick<RunOptions, 'world' | 'draw'>,
  say: (text: string) => void,
  tries = TRIES,
): Promise<Minimal> {
  const { seed, violation = '', steps } = outcome;
  const invariant = invariantOf(violation);
  let smallest: Minimal = { seed, world: outcome.world, violation, steps };

  async function holds(world: WorldOptions): Promise<boolean> {
    let best: Minimal | undefined;
    for (let next = seed; next < seed + tries; next++) {
      const tried = await runSeed(next, { ...how, world });
      if (tried.violation === undefined || invariantOf(tried.violation) !== invariant) continue;
      if (best === undefined || tried.steps < best.steps) {
        best = { seed: next, world, violation: tried.violation, steps: tried.steps };
      }
    }
    if (best === undefined) return false;
    smallest = best;
    return true;
  }

  for (let again = true; again;) {
    again = false;
    for (const shrink of SHRINKS) {
      for (let world = shrink.apply(smallest.world); world !== undefined; world = shrink.apply(smallest.world)) {
        if (!(await holds(world))) break;
        again = true;
        say(`${shrink.name}: seed ${smallest.seed}, ${smallest.steps} events`);
      }
    }
  }
  say(`What is left: ${JSON.stringify(describeWorld(smallest.world))}`);
  return smallest;
}

/** One way to make a world smaller; undefined when it is as small as it gets in this respect. */
interface Shrink {
  readonly name: string;
  readonly apply: (world: WorldOptions) => WorldOptions | undefined;
}

const COUNTS = ['clients', 'sessionsPerClient', 'workers', 'callsPerSession', 'faultsForMs'] as const;

/** Large steps first: without a fault, fewer processes of each kind; then each other option as in a quiet world. None undoes another. */
const SHRINKS: readonly Shrink[] = [
  ...FAULTS.map((fault) => ({
    name: `without ${fault}`,
    apply: (world: WorldOptions) =>
      world.rates[fault] === 0 ? undefined : { ...world, rates: { ...world.rates, [fault]: 0 } },
  })),
  ...COUNTS.flatMap((name) => [
    { name: `half of ${name}`, apply: (world: WorldOptions) => fewer(world, name, Math.floor(world[name] / 2)) },
    { name: `less of ${name}`, apply: (world: WorldOptions) => fewer(world, name, Math.floor(world[name]) - 1) },
  ]),
  ...(Object.keys(QUIET_WORLD) as (keyof WorldOptions)[])
    .filter((name) => name !== 'rates' && !COUNTS.some((count) => count === name))
    .map((name) => ({
      name: `quiet ${name}`,
      apply: (world: WorldOptions) =>
        world[name] === QUIET_WORLD[name] ? undefined : { ...world, [name]: QUIET_WORLD[name] },
    })),
];

function fewer(world: WorldOptions, name: (typeof COUNTS)[number], to: number): WorldOptions | undefined {
  return to < 1 || to >= world[name] ? undefined : { ...world, [name]: to };
}
