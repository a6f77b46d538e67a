/** The checker: the ground truth, and the protocol's invariants (by their numbers), asserted as things happen. */
import type { World } from '../world.ts';
import { checkFinder } from './finder.ts';
import { checkSessions } from './sessions.ts';
import { createTruth, violated } from './truth.ts';
import { checkWorkers } from './workers.ts';

export type { Figures } from './truth.ts';
export type Checker = ReturnType<typeof createChecker>;

export function createChecker(worldOf: () => World) {
  const truth = createTruth(worldOf);
  return { figures: truth.figures, violated, ...checkWorkers(truth), ...checkFinder(truth), ...checkSessions(truth) };
}
