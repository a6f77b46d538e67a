/** Which processes have a fault when: a pure function of the seed, so that a run can be repeated. */
import { seededRandom } from '@dpr/local/measurements';
import { TargetError, type Victim } from './target.ts';

/** Chooses victims, by `all`, `workers`, `finder` or a name. */
export type Selector = string;

export type Schedule = {
  readonly seed: number;
  /** How long after the start the first fault is due, and how long after each the next, ms. */
  readonly firstMs: number;
  readonly intervalMs: number;
  /** How long all serve, after they recovered from a fault, before the next: without it nothing might ever get done, ms. */
  readonly restMs: number;
  /** The end, if any: faults, and ms after which none is injected. */
  readonly count: number;
  readonly durationMs: number;
  readonly choice: Choice;
};

export type Choice =
  /** So many of these at once, at random. */
  | { readonly kind: 'random'; readonly among: readonly Selector[]; readonly atOnce: number }
  /** All that an entry selects at once, then the next entry, from the start again at the end. */
  | { readonly kind: 'sequence'; readonly entries: readonly (readonly Selector[])[] };

/** Keeps the random choices of consecutive faults apart. */
const INDEX_STRIDE = 0x9e3779b9;

/**
 * The victims of a fault.
 * @param index counts faults from 0
 * @param victims who there is; the same index, seed and victims give the same choice
 * @throws TargetError when no process is selected
 */
export function victimsOf({ seed, choice }: Schedule, index: number, victims: readonly Victim[]): readonly Victim[] {
  if (choice.kind === 'sequence') {
    return select(choice.entries[index % choice.entries.length] ?? [], victims);
  }
  const random = seededRandom((seed + Math.imul(index, INDEX_STRIDE)) | 0);
  const pool = [...select(choice.among, victims)];
  const chosen: Victim[] = [];
  while (chosen.length < choice.atOnce && pool.length > 0) {
    const [drawn] = pool.splice(Math.floor(random() * pool.length), 1);
    if (drawn !== undefined) chosen.push(drawn);
  }
  return chosen;
}

function select(selectors: readonly Selector[], victims: readonly Victim[]): readonly Victim[] {
  for (const selector of selectors) {
    if (victims.some((victim) => matches(selector, victim))) continue;
    const names = victims.map(({ name }) => name).join(', ');
    throw new TargetError(
      `there is no "${selector}" here: choose from all, workers, finder, ${names === '' ? '(nothing runs)' : names}`,
    );
  }
  return victims.filter((victim) => selectors.some((selector) => matches(selector, victim)));
}

function matches(selector: Selector, { name, role }: Victim): boolean {
  if (selector === 'all' || selector === name) return true;
  return role === 'finder' ? selector === 'finder' : selector === 'workers';
}

/**
 * When the next fault is due, ms after the start; undefined: never.
 * @param index counts faults from 0
 * @param lastMs when the fault before it was injected
 * @param recoveredMs when all its victims served again
 */
export function dueAt(schedule: Schedule, index: number, lastMs: number, recoveredMs: number): number | undefined {
  const due = index === 0 ? schedule.firstMs : Math.max(lastMs + schedule.intervalMs, recoveredMs + schedule.restMs);
  return index < schedule.count && due < schedule.durationMs ? due : undefined;
}
