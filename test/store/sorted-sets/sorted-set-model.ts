/** Sorted sets as plain maps. */
import { ADD_OPTIONS, AGGREGATE, AGGREGATE_MASK, COMBINE, COMBINE_MASK } from '@dpr/store/operations';
import { BOUND, BY } from '../../../services/store/sorted-sets/sorted-range.ts';
import type { Entry, RangeSpec, SourceSpec } from './sorted-set-calls.ts';

export type SortedSets = Map<string, Map<string, number>>;

export class SortedSetModel {
  readonly sets: SortedSets = new Map();

  elements(key: string): Entry[] {
    return sorted(this.sets.get(key) ?? new Map<string, number>());
  }

  #change<T>(key: string, change: (set: Map<string, number>) => T): T {
    const set = this.sets.get(key) ?? new Map<string, number>();
    this.sets.set(key, set);
    const result = change(set);
    if (set.size === 0) this.sets.delete(key);
    return result;
  }

  add(key: string, entries: readonly Entry[], options: number): number {
    return this.#change(key, (set) => {
      let added = 0;
      let changed = 0;
      for (const [member, score] of entries) {
        const before = set.get(member);
        if (!isAllowed(options, before, score)) continue;
        set.set(member, score);
        if (before === undefined) added++;
        else if (before !== score) changed++;
      }
      return (options & ADD_OPTIONS.countChanged) === 0 ? added : added + changed;
    });
  }

  increment(key: string, member: string, amount: number, options: number): number | string {
    return this.#change(key, (set) => {
      const before = set.get(member);
      const score = (before ?? 0) + amount;
      if (before !== undefined && (options & ADD_OPTIONS.ifAbsent) !== 0) return 'unmet';
      if (Number.isNaN(score)) return 'notNumber';
      if (!isAllowed(options, before, score)) return 'unmet';
      set.set(member, score);
      return score;
    });
  }

  remove(key: string, members: readonly string[]): number {
    return this.#change(key, (set) => members.filter((member) => set.delete(member)).length);
  }

  scores(key: string, members: readonly string[]): number[] {
    return members.map((member) => this.sets.get(key)?.get(member) ?? NaN);
  }

  rank(key: string, member: string, isFromLast: boolean): number | string {
    const elements = this.elements(key);
    const rank = elements.findIndex(([one]) => one === member);
    if (rank < 0) return 'absent';
    return isFromLast ? elements.length - 1 - rank : rank;
  }

  range(key: string, spec: RangeSpec): Entry[] {
    const { isReverse = false, offset = 0, count = -1 } = spec;
    const elements = this.elements(key);
    if (isReverse) elements.reverse();
    const found = elements.filter((element, place) => isWithin(spec, element, place, elements.length));
    if (offset < 0) return [];
    return found.slice(offset, count < 0 ? undefined : offset + count);
  }

  removeRange(key: string, spec: RangeSpec): number {
    return this.remove(
      key,
      this.range(key, spec).map(([member]) => member),
    );
  }

  pop(keys: readonly string[], count: number, isFromLast: boolean): [string, Entry[]] | string {
    const key = keys.find((one) => this.sets.has(one));
    if (key === undefined) return 'absent';
    const elements = this.elements(key);
    const taken = (isFromLast ? elements.toReversed() : elements).slice(0, count);
    for (const [member] of taken) this.#change(key, (set) => set.delete(member));
    return [key, taken];
  }

  combined(sources: readonly SourceSpec[], options: number): Entry[] {
    const how = options & COMBINE_MASK;
    const sets = sources.map(([key, weight]) => ({ set: this.sets.get(key) ?? new Map<string, number>(), weight }));
    if (how === COMBINE.difference) {
      const [first, ...others] = sets;
      return this.#sortedOf([...(first?.set ?? [])].filter(([member]) => others.every(({ set }) => !set.has(member))));
    }
    sets.sort((a, b) => a.set.size - b.set.size);
    const aggregate = AGGREGATES[options & AGGREGATE_MASK] ?? sum;
    const members = new Set(sets.flatMap(({ set }) => [...set.keys()]));
    const found: Entry[] = [];
    for (const member of members) {
      const scores = sets.flatMap(({ set, weight }) => {
        const score = set.get(member);
        return score === undefined ? [] : [score * weight];
      });
      if (how === COMBINE.intersection && scores.length < sets.length) continue;
      found.push([member, scores.reduce(aggregate)]);
    }
    return this.#sortedOf(found);
  }

  #sortedOf(entries: readonly Entry[]): Entry[] {
    return sorted(new Map(entries));
  }

  store(key: string, elements: readonly Entry[]): number {
    this.sets.delete(key);
    if (elements.length > 0) this.sets.set(key, new Map(elements));
    return elements.length;
  }

  copy(key: string, other: string, isMove: boolean): string {
    const set = this.sets.get(key);
    if (set === undefined) return 'absent';
    if (key === other) return 'done';
    this.sets.set(other, new Map(set));
    if (isMove) this.sets.delete(key);
    return 'done';
  }
}

const AGGREGATES: Readonly<Record<number, (a: number, b: number) => number>> = {
  [AGGREGATE.min]: (a, b) => Math.min(a, b),
  [AGGREGATE.max]: (a, b) => Math.max(a, b),
};

/** Infinities of both signs together are 0. */
function sum(a: number, b: number): number {
  return Number.isNaN(a + b) ? 0 : a + b;
}

function isAllowed(options: number, before: number | undefined, score: number): boolean {
  const has = (option: number): boolean => (options & option) !== 0;
  if (before === undefined) return !has(ADD_OPTIONS.ifPresent);
  if (has(ADD_OPTIONS.ifAbsent)) return false;
  return !(has(ADD_OPTIONS.ifGreater) && score <= before) && !(has(ADD_OPTIONS.ifLess) && score >= before);
}

export function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function sorted(set: ReadonlyMap<string, number>): Entry[] {
  return [...set].sort(([a, one], [b, other]) => (one === other ? compareTexts(a, b) : one < other ? -1 : 1));
}

function isWithin({ by, lower, upper, first, last }: RangeSpec, element: Entry, place: number, count: number): boolean {
  const [member, score] = element;
  if (by === BY.rank) {
    const from = Number(first) < 0 ? count + Number(first) : Number(first);
    const to = Number(last) < 0 ? count + Number(last) : Number(last);
    return place >= from && place <= to;
  }
  const compare = (bound: number | string): number =>
    by === BY.score ? score - Number(bound) || 0 : compareTexts(member, String(bound));
  return isAbove(lower, compare(first)) && isAbove(upper, -compare(last), BOUND.highest, BOUND.lowest);
}

/** @param difference of an element from a bound below it @param nothing, all: bounds below which all are, or none */
function isAbove(
  bound: number = BOUND.within,
  difference: number,
  all: number = BOUND.lowest,
  nothing: number = BOUND.highest,
): boolean {
  if (bound === all) return true;
  if (bound === nothing) return false;
  return bound === BOUND.beyond ? difference > 0 : difference >= 0;
}
