/**
 * Mistakes that implementations of this protocol have made, each as a change of the source text that the simulator must notice.
 * The first ones carry their numbers in the protocol's list of known mistakes. A text that is not found exactly once is an error, so
 * that no mutant turns harmless unseen when the code changes.
 */
import { FINDER_MUTANTS } from './finder.ts';
import type { Mutant } from './mutant.ts';
import { RUNTIME_MUTANTS } from './runtime.ts';
import { SESSION_MUTANTS } from './session.ts';
import { STORAGE_MUTANTS } from './storage.ts';
import { WORKER_MUTANTS } from './worker.ts';

export type { Mutant } from './mutant.ts';

const byNumber = new Intl.Collator('en', { numeric: true });

/** In the order of their numbers. */
export const MUTANTS: readonly Mutant[] = [
  ...FINDER_MUTANTS,
  ...WORKER_MUTANTS,
  ...SESSION_MUTANTS,
  ...STORAGE_MUTANTS,
  ...RUNTIME_MUTANTS,
].sort((a, b) => byNumber.compare(a.name, b.name));

/** The mutant whose name begins with `text`. @throws Error when there is none, or several */
export function mutantNamed(text: string): Mutant {
  const [found, another] = MUTANTS.filter(({ name }) => name.startsWith(text));
  if (found === undefined || another !== undefined) {
    throw new Error(`'${text}' begins the names of ${found === undefined ? 'no' : 'several'} mutants`);
  }
  return found;
}
