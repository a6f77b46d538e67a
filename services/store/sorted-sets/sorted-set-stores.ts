/** Operations on several keys that are sorted sets, or sets. */
import type { BatchReader } from '../batch-reader.ts';
import { PACKED_BYTES, PACKED_ELEMENTS } from '../collections/marks.ts';
import { type Keyspace, TYPES } from '../engine/index.ts';
import { COMBINE, NUMBER_BYTES, SORTED_SET_KINDS, STATUS, WITH_SCORES } from '../operations.ts';
import { Outcome } from '../outcome.ts';
import type { ResultWriter } from '../result-writer.ts';
import { Scratch } from '../scratch.ts';
import { Combiner } from './combiner.ts';
import { type LooseElement, looseMember } from './loose-elements.ts';
import { Range } from './sorted-range.ts';
import { SortedSet } from './sorted-set.ts';

const KINDS = SORTED_SET_KINDS;
const KEY_LENGTH_BYTES = 2;

export class SortedSetStores {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #outcome: Outcome;
  readonly #combiner: Combiner;
  readonly #set: SortedSet;
  readonly #range = new Range();
  readonly #scratch = new Scratch();

  constructor(reader: BatchReader, results: ResultWriter, nodeBytes?: number) {
    this.#reader = reader;
    this.#results = results;
    this.#outcome = new Outcome(reader, results);
    this.#combiner = new Combiner(nodeBytes);
    this.#set = new SortedSet(nodeBytes);
  }

  has(kind: number): boolean {
    return kind >= KINDS.combine;
  }

  /** @returns whether the result fits */
  perform(keyspace: Keyspace): boolean {
    switch (this.#reader.kind) {
      case KINDS.combine:
        return this.#combine(keyspace);
      case KINDS.combineStore:
        return this.#combineStore(keyspace);
      case KINDS.intersectionCount:
        return this.#intersectionCount(keyspace);
      default:
        return this.#rangeStore(keyspace);
    }
  }

  #combined(keyspace: Keyspace, options: number): number {
    return this.#combiner.combine(keyspace, this.#reader, options);
  }

  #combine(keyspace: Keyspace): boolean {
    const status = this.#combined(keyspace, this.#reader.options);
    if (status !== STATUS.done) return this.#outcome.end(status);
    this.#results.beginItems(KINDS.combine);
    const fit = this.#combiner.take().every((element) => this.#addElement(element));
    return this.#outcome.endItems(fit);
  }

  /** @returns whether there is room for it */
  #addElement([member, score]: LooseElement): boolean {
    const { length } = member;
    this.#scratch.begin(length + NUMBER_BYTES);
    this.#scratch.text(member);
    this.#scratch.float(score);
    const { memory } = this.#scratch;
    if (!this.#results.item(memory, 0, length)) return false;
    return (this.#reader.options & WITH_SCORES) === 0 || this.#results.item(memory, length, NUMBER_BYTES);
  }

  #combineStore(keyspace: Keyspace): boolean {
    const status = this.#combined(keyspace, this.#reader.options);
    if (status !== STATUS.done) return this.#outcome.end(status);
    const elements = this.#combiner.take();
    const hasLong = elements.some(([member]) => member.length > PACKED_BYTES);
    return this.#store(keyspace, elements, hasLong);
  }

  #intersectionCount(keyspace: Keyspace): boolean {
    const { first: limit } = this.#reader;
    const status = this.#combined(keyspace, COMBINE.intersection);
    if (status !== STATUS.done) return this.#outcome.end(status);
    const { count } = this.#combiner;
    return this.#outcome.endWith(limit === 0 ? count : Math.min(limit, count));
  }

  #rangeStore(keyspace: Keyspace): boolean {
    const { memory, value, valueLength } = this.#reader;
    const keyLength = memory.getUint16(value, true);
    const head = KEY_LENGTH_BYTES + keyLength;
    const isThere = keyspace.seek(memory, value + KEY_LENGTH_BYTES, keyLength);
    if (isThere && keyspace.type !== TYPES.sortedSet) return this.#outcome.end(STATUS.wrongType);
    this.#set.open(keyspace);
    this.#range.read(memory, value + head, valueLength - head);
    this.#range.locate(this.#set);
    const { from, end } = this.#range;
    if (this.#set.areTooMany(from, end - from)) return this.#outcome.end(STATUS.tooMuch);
    return this.#store(keyspace, this.#elements(from, end), false);
  }

  #elements(from: number, end: number): LooseElement[] {
    const elements: LooseElement[] = [];
    const { position, element } = this.#set;
    for (let isThere = position.seekRank(from); isThere && elements.length < end - from; isThere = position.next()) {
      elements.push([looseMember(element), element.order]);
    }
    return elements;
  }

  /**
   * The operation's key becomes a sorted set of these, or is removed where there are none.
   * @param isLarge whether it is no packed one to Redis from the beginning; it is none in any case where they are many
   */
  #store(keyspace: Keyspace, elements: readonly LooseElement[], isLarge: boolean): true {
    const { memory, key, keyLength } = this.#reader;
    let bytes = 0;
    for (const [member] of elements) bytes += member.length;
    this.#set.begin(keyspace);
    if (elements.length > 0 && !this.#set.hasRoom(elements.length, bytes, 1)) return this.#outcome.end(STATUS.full);
    if (isLarge || elements.length > PACKED_ELEMENTS) this.#set.markLarge();
    for (const [member, score] of elements) {
      this.#scratch.begin(member.length);
      this.#scratch.text(member);
      this.#set.put(score, this.#scratch.memory, 0, member.length, undefined);
    }
    keyspace.seek(memory, key, keyLength);
    this.#set.save(0);
    return this.#outcome.endWith(elements.length);
  }
}
