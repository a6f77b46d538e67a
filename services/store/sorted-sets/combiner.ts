/**
 * Unions, intersections and differences of sorted sets, and of sets, whose members have the score 1. One source is read after another, into
 * memory apart: so a key may be both a source and what the result is written to.
 */
import { Collection } from '../collections/collection.ts';
import { FORMS, memberOrder } from '../collections/node.ts';
import { type Keyspace, NOTHING, TYPES } from '../engine/index.ts';
import type { OperationFields } from '../form.ts';
import {
  AGGREGATE,
  AGGREGATE_MASK,
  COMBINE,
  COMBINE_MASK,
  MAX_BYTES_AT_ONCE,
  MAX_ELEMENTS_AT_ONCE,
  STATUS,
} from '../operations.ts';
import { Scratch } from '../scratch.ts';
import { compareLoose, type LooseElement, looseMember } from './loose-elements.ts';
import { ScoredItems } from './scored-items.ts';
import { SortedSet } from './sorted-set.ts';

const SET_SCORE = 1;

type Source = { readonly from: number; readonly length: number; readonly weight: number; readonly count: number };

export class Combiner {
  readonly #sortedSet: SortedSet;
  readonly #set: Collection;
  readonly #items = new ScoredItems();
  readonly #member = new Scratch();
  #memory: DataView = NOTHING;
  #keyspace: Keyspace | undefined;
  #isSet = false;
  #bytes = 0;
  /** The members of the result, with their scores. */
  #scores = new Map<string, number>();

  constructor(nodeBytes?: number) {
    this.#sortedSet = new SortedSet(nodeBytes);
    this.#set = new Collection([FORMS.set], nodeBytes);
  }

  /**
   * Combine the sources that an operation names.
   * @param options bits of `COMBINE` and `AGGREGATE`
   * @returns `done`, and then `take` gives the result; or why that was not done
   */
  combine(keyspace: Keyspace, operation: OperationFields, options: number): number {
    this.#keyspace = keyspace;
    this.#memory = operation.memory;
    this.#bytes = 0;
    this.#scores = new Map();
    const sources = this.#readSources(operation);
    if (sources === undefined) return STATUS.wrongType;
    const how = options & COMBINE_MASK;
    // As Redis does, since the sum of fractions depends on their order.
    if (how !== COMBINE.difference) sources.sort((a, b) => a.count - b.count);
    if (work(how, sources) > MAX_ELEMENTS_AT_ONCE) return STATUS.tooMuch;
    const aggregate = AGGREGATES[options & AGGREGATE_MASK] ?? sum;
    if (how === COMBINE.union) this.#unite(sources, aggregate);
    else if (how === COMBINE.intersection) this.#intersect(sources, aggregate);
    else this.#subtract(sources);
    return this.#bytes > MAX_BYTES_AT_ONCE ? STATUS.tooMuch : STATUS.done;
  }

  get count(): number {
    return this.#scores.size;
  }

  /** The result, in order. */
  take(): LooseElement[] {
    const elements: LooseElement[] = [...this.#scores];
    this.#scores = new Map();
    return elements.sort(compareLoose);
  }

  /** @returns undefined where one of them is neither a sorted set nor a set */
  #readSources(operation: OperationFields): Source[] | undefined {
    const sources: Source[] = [];
    const items = this.#items;
    items.begin(operation);
    while (items.next()) {
      const source = { from: items.from, length: items.length, weight: items.score };
      if (!this.#open(source)) return undefined;
      sources.push({ ...source, count: this.#count });
    }
    return sources;
  }

  /** @returns whether it is one */
  #open({ from, length }: { readonly from: number; readonly length: number }): boolean {
    const keyspace = this.#keyspace;
    if (keyspace === undefined) return false;
    const isThere = keyspace.seek(this.#memory, from, length);
    this.#isSet = isThere && keyspace.type === TYPES.set;
    if (isThere && !this.#isSet && keyspace.type !== TYPES.sortedSet) return false;
    if (this.#isSet) this.#set.open(keyspace);
    else this.#sortedSet.open(keyspace);
    return true;
  }

  get #count(): number {
    return this.#isSet ? this.#set.count : this.#sortedSet.count;
  }

  /** Go through the elements of the source that was opened last, as long as their members are not too long together. */
  #each(take: (member: string, score: number) => void): void {
    const position = this.#isSet ? this.#set.tree.position : this.#sortedSet.position;
    const { element } = position;
    for (let isThere = position.seekRank(0); isThere; isThere = position.next()) {
      if (this.#bytes > MAX_BYTES_AT_ONCE) return;
      this.#bytes += element.memberLength;
      take(looseMember(element), this.#isSet ? SET_SCORE : element.order);
    }
  }

  /** @returns undefined where the source that was opened last does not have the member */
  #scoreOf(member: string): number | undefined {
    const { length } = member;
    this.#member.begin(length);
    this.#member.text(member);
    const { memory } = this.#member;
    if (!this.#isSet) return this.#sortedSet.scoreOf(memory, 0, length);
    const order = memberOrder(memory, 0, length);
    return this.#set.tree.position.seek(order, memory, 0, length) ? SET_SCORE : undefined;
  }

  #unite(sources: readonly Source[], aggregate: Aggregate): void {
    for (const source of sources) {
      this.#open(source);
      this.#each((member, score) => {
        const weighted = weigh(score, source);
        const before = this.#scores.get(member);
        this.#scores.set(member, before === undefined ? weighted : aggregate(before, weighted));
      });
    }
  }

  #intersect([first, ...others]: readonly Source[], aggregate: Aggregate): void {
    if (first === undefined || first.count === 0) return;
    this.#open(first);
    this.#each((member, score) => this.#scores.set(member, weigh(score, first)));
    for (const source of others) {
      this.#open(source);
      for (const [member, before] of this.#scores) {
        const score = this.#scoreOf(member);
        if (score === undefined) this.#scores.delete(member);
        else this.#scores.set(member, aggregate(before, score * source.weight)); // where that is no number, a sum is 0
      }
    }
  }

  #subtract([first, ...others]: readonly Source[]): void {
    if (first === undefined) return;
    this.#open(first);
    this.#each((member, score) => this.#scores.set(member, score));
    for (const source of others) {
      this.#open(source);
      for (const member of this.#scores.keys()) if (this.#scoreOf(member) !== undefined) this.#scores.delete(member);
    }
  }
}

/** How many elements are read, at most. */
function work(how: number, sources: readonly Source[]): number {
  if (how !== COMBINE.union) return (sources[0]?.count ?? 0) * sources.length;
  let elements = 0;
  for (const { count } of sources) elements += count;
  return elements;
}

type Aggregate = (a: number, b: number) => number;

const AGGREGATES: Readonly<Record<number, Aggregate>> = {
  [AGGREGATE.min]: (a, b) => (b < a ? b : a),
  [AGGREGATE.max]: (a, b) => (b > a ? b : a),
};

function sum(a: number, b: number): number {
  return number(a + b);
}

function weigh(score: number, { weight }: Source): number {
  return number(weight * score);
}

/** Infinities that cancel each other out are 0. */
function number(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
