/** Operations on sorted sets. */
import type { BatchReader } from '../batch-reader.ts';
import { type Keyspace, TYPES } from '../engine/index.ts';
import { Items } from '../items.ts';
import {
  ADD_OPTIONS,
  FROM_LAST,
  MAX_VALUE_BYTES,
  NUMBER_BYTES,
  SORTED_SET_KINDS,
  STATUS,
  VALUE_LENGTH_BYTES,
} from '../operations.ts';
import { Outcome } from '../outcome.ts';
import type { ResultWriter } from '../result-writer.ts';
import { Scratch } from '../scratch.ts';
import { SCORED_HEAD_BYTES, ScoredItems, scoredItemsIn } from './scored-items.ts';
import { Range } from './sorted-range.ts';
import { SortedSet } from './sorted-set.ts';
import { SortedSetReader } from './sorted-set-reader.ts';
import { SortedSetStores } from './sorted-set-stores.ts';

const KINDS = SORTED_SET_KINDS;

export class SortedSets {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #outcome: Outcome;
  readonly #set: SortedSet;
  readonly #entries = new ScoredItems();
  /** Members, or keys. */
  readonly #items = new Items();
  readonly #range = new Range();
  readonly #scratch = new Scratch();
  readonly #reads: SortedSetReader;
  readonly #stores: SortedSetStores;

  /** @param nodeBytes of a node of a set's trees */
  constructor(reader: BatchReader, results: ResultWriter, nodeBytes?: number) {
    this.#reader = reader;
    this.#results = results;
    this.#outcome = new Outcome(reader, results);
    this.#set = new SortedSet(nodeBytes);
    this.#reads = new SortedSetReader(reader, results, this.#set);
    this.#stores = new SortedSetStores(reader, results, nodeBytes);
  }

  /** Perform an operation that `isSortedSetKind`. @returns whether its result fits */
  perform(keyspace: Keyspace): boolean {
    const { kind } = this.#reader;
    if (this.#stores.has(kind)) return this.#stores.perform(keyspace);
    if (kind === KINDS.pop) return this.#pop(keyspace);
    if (keyspace.exists && keyspace.type !== TYPES.sortedSet) return this.#outcome.end(STATUS.wrongType);
    this.#set.open(keyspace);
    switch (kind) {
      case KINDS.add:
        return this.#add();
      case KINDS.increment:
        return this.#increment();
      case KINDS.remove:
        return this.#remove();
      case KINDS.removeRange:
        return this.#removeRange(keyspace);
      default:
        return this.#reads.perform();
    }
  }

  #add(): boolean {
    const entries = this.#entries;
    const elements = scoredItemsIn(this.#reader, MAX_VALUE_BYTES);
    const bytes = this.#reader.valueLength - elements * SCORED_HEAD_BYTES;
    if (!this.#set.hasRoom(elements, bytes)) return this.#outcome.end(STATUS.full);
    const { options } = this.#reader;
    let added = 0;
    let changed = 0;
    entries.begin(this.#reader);
    while (entries.next()) {
      const { score, memory, from, length } = entries;
      const before = this.#set.scoreOf(memory, from, length);
      if (!isAllowed(options, before, score) || before === score) continue;
      this.#set.put(score, memory, from, length, before);
      if (before === undefined) added++;
      else changed++;
    }
    if (added + changed > 0) this.#set.save();
    return this.#outcome.endWith((options & ADD_OPTIONS.countChanged) === 0 ? added : added + changed);
  }

  #increment(): boolean {
    const { memory, value, valueLength, first: amount, options } = this.#reader;
    const before = this.#set.scoreOf(memory, value, valueLength);
    const score = before === undefined ? amount : before + amount;
    if (!this.#results.hasRoom(1 + VALUE_LENGTH_BYTES + NUMBER_BYTES)) {
      this.#outcome.end(STATUS.tooLarge);
      return false;
    }
    if (before !== undefined && (options & ADD_OPTIONS.ifAbsent) !== 0) return this.#outcome.end(STATUS.unmet);
    if (Number.isNaN(score)) return this.#outcome.end(STATUS.notNumber);
    if (!isAllowed(options, before, score)) return this.#outcome.end(STATUS.unmet);
    if (score !== before) {
      if (!this.#set.hasRoom(1, valueLength)) return this.#outcome.end(STATUS.full);
      this.#set.put(score, memory, value, valueLength, before);
      this.#set.save();
    }
    this.#scratch.begin(NUMBER_BYTES);
    this.#scratch.float(score);
    return this.#results.data(KINDS.increment, this.#scratch.memory, 0, NUMBER_BYTES);
  }

  #remove(): boolean {
    const { memory, value, valueLength } = this.#reader;
    const members = this.#items;
    let removed = 0;
    members.begin(memory, value, valueLength);
    while (members.next()) if (this.#set.remove(memory, members.from, members.length)) removed++;
    if (removed > 0) this.#set.save();
    return this.#outcome.endWith(removed);
  }

  #removeRange(keyspace: Keyspace): boolean {
    const { memory, value, valueLength } = this.#reader;
    const range = this.#range;
    range.read(memory, value, valueLength);
    range.locate(this.#set);
    const elements = range.end - range.from;
    if (elements === this.#set.count) keyspace.remove();
    else if (this.#set.areTooMany(range.from, elements)) return this.#outcome.end(STATUS.tooMuch);
    else this.#removeElements(range.from, elements);
    return this.#outcome.endWith(elements);
  }

  #removeElements(rank: number, count: number): void {
    if (count === 0) return;
    this.#set.removeRange(rank, count);
    this.#set.save();
  }

  /** Tell and remove elements of the first key that is there. */
  #pop(keyspace: Keyspace): boolean {
    const { memory, value, valueLength, first: most, options } = this.#reader;
    let { key, keyLength } = this.#reader;
    const others = this.#items;
    others.begin(memory, value, valueLength);
    while (!keyspace.exists && others.next()) {
      ({ from: key, length: keyLength } = others);
      keyspace.seek(memory, key, keyLength);
    }
    if (!keyspace.exists) return this.#outcome.end(STATUS.absent);
    if (keyspace.type !== TYPES.sortedSet) return this.#outcome.end(STATUS.wrongType);
    this.#set.open(keyspace);
    const count = Math.min(most, this.#set.count);
    const isReverse = (options & FROM_LAST) !== 0;
    const from = isReverse ? this.#set.count - count : 0;
    if (!this.#reads.tellOf(memory, key, keyLength, { from, end: from + count, isReverse })) return false;
    if (count === this.#set.count) keyspace.remove();
    else this.#removeElements(from, count);
    return true;
  }
}

/** Whether a member that has the score `before` may get this one. */
function isAllowed(options: number, before: number | undefined, score: number): boolean {
  if (before === undefined) return (options & ADD_OPTIONS.ifPresent) === 0;
  if ((options & ADD_OPTIONS.ifAbsent) !== 0) return false;
  if ((options & ADD_OPTIONS.ifGreater) !== 0 && score <= before) return false;
  return (options & ADD_OPTIONS.ifLess) === 0 || score < before;
}
