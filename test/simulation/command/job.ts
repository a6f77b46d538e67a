/** A process that runs seeds for the command: what it is asked for, one request after another, until the command asks no more. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildCountingSimulator, type CountingSimulator, type Reached } from '../coverage/index.ts';
import { buildSimulator, hunt, type Catch, type Simulator } from '../mutate.ts';
import { mutantNamed, worldsFor } from '../mutants/index.ts';
import type { Figures } from '../checker/index.ts';
import type { RunOptions } from '../run.ts';

export type Request =
  /** Run `count` seeds from `first` on; up to the first violation unless told to `keep` on. */
  | {
      readonly kind: 'run';
      readonly first: number;
      readonly count: number;
      readonly keep: boolean;
      readonly mutant: string | undefined;
      readonly draw: RunOptions['draw'];
      /** Count how often each block runs. */
      readonly branches: boolean;
    }
  | { readonly kind: 'hunt'; readonly mutant: string; readonly first: number; readonly limit: number }
  /** How often did each block run here? */
  | { readonly kind: 'branches' };

export interface RunAnswer {
  readonly seeds: number;
  readonly violations: readonly { readonly seed: number; readonly text: string }[];
  readonly simulatedMs: number;
  readonly steps: number;
  readonly figures: Figures;
  readonly coverage: readonly (readonly [string, number])[];
}

export type HuntAnswer = Catch;
export type BranchesAnswer = readonly Reached[];

const simulators = new Map<string, Promise<Simulator>>();
let counting: Promise<CountingSimulator> | undefined;

function simulatorOf(mutant: string | undefined, branches: boolean): Promise<Simulator> {
  if (branches) return (counting ??= buildCountingSimulator());
  const name = mutant ?? '';
  let simulator = simulators.get(name);
  if (simulator === undefined) {
    simulator = buildSimulator(mutant === undefined ? undefined : mutantNamed(mutant));
    simulators.set(name, simulator);
  }
  return simulator;
}

async function run(request: Extract<Request, { kind: 'run' }>): Promise<RunAnswer> {
  const { first, count, keep, mutant, draw, branches } = request;
  const { runSeed } = await simulatorOf(mutant, branches);
  const coverage = new Map<string, number>();
  const figures: Figures = { executions: 0, tokens: 0, seals: 0, cuts: 0, decisions: 0 };
  const violations: { seed: number; text: string }[] = [];
  let simulatedMs = 0;
  let steps = 0;
  let seeds = 0;
  while (seeds < count && (keep || violations.length === 0)) {
    const seed = first + seeds++;
    const outcome = await runSeed(seed, { draw });
    simulatedMs += outcome.simulatedMs;
    steps += outcome.steps;
    for (const [what, times] of outcome.coverage) coverage.set(what, (coverage.get(what) ?? 0) + times);
    for (const key of Object.keys(figures) as (keyof Figures)[]) figures[key] += outcome.figures[key];
    if (outcome.violation !== undefined) violations.push({ seed, text: outcome.violation });
    await nextTurn(); // so that the process hears when its command has ended
  }
  return { seeds, violations, simulatedMs, steps, figures, coverage: [...coverage] };
}

async function answer(request: Request): Promise<RunAnswer | HuntAnswer | BranchesAnswer> {
  if (request.kind === 'run') return run(request);
  if (request.kind === 'branches') return (await counting)?.reached() ?? [];
  const mutant = mutantNamed(request.mutant);
  return hunt(await buildSimulator(mutant), worldsFor(mutant), request.first, request.limit);
}

process.on('SIGINT', () => undefined); // the command decides when to end
process.on('disconnect', () => process.exit());
process.on('message', (request: Request) => {
  void answer(request).then(
    (result) => process.send?.({ result }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
