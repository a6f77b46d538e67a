/**
 * Mistakes that implementations of this protocol have made, each as a change of the source text that the simulator must notice.
 * The first ones carry their numbers in the protocol's list of known mistakes. A text that is not found exactly once is an error, so
 * that no mutant turns harmless unseen when the code changes.
 */
import type { Draw } from '../draw.ts';
import type { SpecialWorldName } from '../special-worlds.ts';
import { CLIENT_MUTANTS } from './client.ts';
import { FINDER_MUTANTS } from './finder.ts';
import { INCREMENTAL_MUTANTS } from './incremental.ts';
import type { Mutant } from './mutant.ts';
import { RUNTIME_MUTANTS } from './runtime.ts';
import { SESSION_MUTANTS } from './session.ts';
import { STORAGE_MUTANTS } from './storage.ts';
import { STORE_MUTANTS } from './store.ts';
import { WORKER_MUTANTS } from './worker.ts';

export type { Mutant } from './mutant.ts';

const TURNOVER = Object.fromEntries(['197', '198', '198b'].map((number) => [number, 'turnover' as const]));

const SWEEPING = Object.fromEntries(Array.from({ length: 15 }, (_, place) => [280 + place, 'sweeping' as const]));

const STORES = Object.fromEntries(Array.from({ length: 20 }, (_, place) => [320 + place, 'stores' as const]));

/** By number: the special worlds that make frequent what the mutant breaks. Seeds of all kinds would take hundreds to catch it. */
export const HUNTED_IN: Readonly<Record<string, SpecialWorldName>> = {
  10: 'remote',
  35: 'steady',
  '36b': 'powerless',
  63: 'young',
  67: 'clogs',
  90: 'hectic',
  132: 'rotten',
  '134b': 'powerless',
  141: 'outdated',
  142: 'outdated',
  143: 'outdated',
  144: 'outdated',
  145: 'remote',
  151: 'clogs',
  152: 'forgetful',
  154: 'forgetful',
  158: 'resets',
  180: 'undone',
  181: 'undone',
  182: 'undone',
  183: 'undone',
  184: 'undone',
  190: 'cramped',
  191: 'cramped',
  192: 'cramped',
  193: 'cramped',
  194: 'cramped',
  195: 'cramped',
  196: 'cramped',
  ...TURNOVER,
  210: 'hostile',
  211: 'hostile',
  212: 'hostile',
  213: 'hostile',
  214: 'hostile',
  215: 'hostile',
  216: 'hostile',
  218: 'hostile',
  219: 'hostile',
  220: 'hostile',
  221: 'hostile',
  222: 'hostile',
  223: 'hostile',
  225: 'hostile',
  226: 'hostile',
  ...SWEEPING,
  300: 'crowded',
  301: 'crowded',
  302: 'crowded',
  303: 'crowded',
  304: 'crowded',
  ...STORES,
};

export function numberOf({ name }: Mutant): string {
  return name.slice(0, name.indexOf(' '));
}

/** The worlds whose seeds are to catch it. */
export function worldsFor(mutant: Mutant): Draw {
  return HUNTED_IN[numberOf(mutant)] ?? 'usual';
}

const byNumber = new Intl.Collator('en', { numeric: true });

/** In the order of their numbers. */
export const MUTANTS: readonly Mutant[] = [
  ...FINDER_MUTANTS,
  ...WORKER_MUTANTS,
  ...SESSION_MUTANTS,
  ...CLIENT_MUTANTS,
  ...STORAGE_MUTANTS,
  ...RUNTIME_MUTANTS,
  ...INCREMENTAL_MUTANTS,
  ...STORE_MUTANTS,
].sort((a, b) => byNumber.compare(a.name, b.name));

/** The mutant whose name begins with `text`. @throws Error when there is none, or several */
export function mutantNamed(text: string): Mutant {
  const [found, another] = MUTANTS.filter(({ name }) => name.startsWith(text));
  if (found === undefined || another !== undefined) {
    throw new Error(`'${text}' begins the names of ${found === undefined ? 'no' : 'several'} mutants`);
  }
  return found;
}
