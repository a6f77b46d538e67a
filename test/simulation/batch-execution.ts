/** How the worker type of the simulation executes a batch, whichever way its state is kept. */
import type { Worker } from '../../services/core/index.ts';
import { addTo, isHostile, resultsOfCounter, type Pieces } from './operations.ts';
import type { State } from './state-object.ts';
import type { World } from './world.ts';

/**
 * @param became is told of each state, in order
 * @returns the results of the batch
 */
export function execute(
  { states, checker }: World,
  worker: Worker,
  before: State,
  pieces: Pieces,
  became: (state: State) => void,
): Buffer {
  const [first] = pieces;
  if (isHostile(first)) return states.resultsOf(before);
  let state = before;
  for (const piece of pieces) {
    const applied = states.apply(state, piece);
    state = applied.state;
    became(state);
    checker.applied(worker, piece.call, applied);
  }
  if (first.amounts === undefined) return states.resultsOf(state);
  const sums = addTo(
    before.value,
    pieces.flatMap(({ amounts = [] }) => amounts),
  );
  return resultsOfCounter(sums.values, sums.overflowed);
}

/** A batch begins. */
export function begin({ checker }: World, worker: Worker, state: State, pieces: Pieces): void {
  if (isHostile(pieces[0])) checker.executedHostile(worker, state);
  else checker.executed(worker, pieces);
}
