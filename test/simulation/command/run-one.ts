/** One seed: its outcome, its story, or the smallest world in which the same goes wrong. */
import { buildSimulator, type Simulator } from '../mutate.ts';
import { mutantNamed } from '../mutants/index.ts';
import { runSeed, type Outcome, type Told } from '../run.ts';
import { minimize } from './minimize.ts';
import type { Options } from './options.ts';
import { commitOfSources, replayCommand } from './replay.ts';
import { showViolation } from './run-many.ts';
import { createTracer, LEGEND } from './trace.ts';

/** @returns whether all is well */
export async function runOne(seed: number, options: Options): Promise<boolean> {
  const { world, draw, trace, frames, json, mutant } = options;
  const simulator = mutant === undefined ? { runSeed } : await buildSimulator(mutantNamed(mutant));
  const tell = trace ? (json ? (told: Told) => console.log(JSON.stringify(told)) : story()) : undefined;
  const outcome = await simulator.runSeed(seed, { world, draw, tell, withFrames: frames });
  showOutcome(outcome, json);
  if (outcome.violation === undefined) return true;
  const run = { seed, draw, world, mutant };
  showViolation(outcome.violation, seed, commitOfSources(), replayCommand(run), json);
  if (options.minimize) await showMinimal(simulator, outcome, options);
  return false;
}

function story(): (told: Told) => void {
  console.log(LEGEND);
  const trace = createTracer();
  return (told) => {
    for (const line of trace(told)) console.log(line);
  };
}

function showOutcome({ violation: _, coverage, ...outcome }: Outcome, json: boolean): void {
  const { seed, steps, simulatedMs, hash } = outcome;
  if (json) console.log(JSON.stringify({ event: 'seed', ...outcome, coverage: Object.fromEntries(coverage) }));
  else console.log(`seed ${seed}: ${steps} events, ${simulatedMs.toFixed(0)} simulated ms, hash ${hash}`);
}

async function showMinimal(
  simulator: Simulator,
  outcome: Outcome,
  { world, draw, mutant, json }: Options,
): Promise<void> {
  const say = json ? () => undefined : (text: string) => console.log(text);
  const smallest = await minimize(simulator, outcome, { world, draw }, say);
  const replay = replayCommand({ seed: smallest.seed, draw, world: smallest.world, mutant });
  showViolation(smallest.violation, smallest.seed, commitOfSources(), replay, json);
}
