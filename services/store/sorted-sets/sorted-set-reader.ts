/** Operations that tell of a sorted set, and change nothing. */
import type { BatchReader } from '../batch-reader.ts';
import { addDrawn, addPage } from '../collections/walks.ts';
import { Glob } from '../glob.ts';
import { Items, itemsIn } from '../items.ts';
import { FROM_LAST, MAX_VALUE_BYTES, NUMBER_BYTES, SORTED_SET_KINDS, STATUS, WITH_SCORES } from '../operations.ts';
import { Outcome } from '../outcome.ts';
import type { ResultWriter } from '../result-writer.ts';
import { Scratch } from '../scratch.ts';
import { Range } from './sorted-range.ts';
import type { SortedSet } from './sorted-set.ts';

const KINDS = SORTED_SET_KINDS;

/** Elements by their ranks, in either direction. */
export type Ranks = { readonly from: number; readonly end: number; readonly isReverse: boolean };

export class SortedSetReader {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #outcome: Outcome;
  readonly #set: SortedSet;
  readonly #members = new Items();
  readonly #range = new Range();
  readonly #scores = new Scratch();
  readonly #score = new DataView(new ArrayBuffer(NUMBER_BYTES));
  readonly #addMember = (): boolean => {
    const { memory, member, memberLength } = this.#set.element;
    return this.#results.item(memory, member, memberLength);
  };
  readonly #addElement = (): boolean => {
    this.#score.setFloat64(0, this.#set.element.order, true);
    return this.#addMember() && this.#results.item(this.#score, 0, NUMBER_BYTES);
  };

  /** @param set where the key's one is opened before an operation is performed */
  constructor(reader: BatchReader, results: ResultWriter, set: SortedSet) {
    this.#reader = reader;
    this.#results = results;
    this.#outcome = new Outcome(reader, results);
    this.#set = set;
  }

  /** @returns whether the result fits */
  perform(): boolean {
    switch (this.#reader.kind) {
      case KINDS.scores:
        return this.#tellScores();
      case KINDS.rank:
        return this.#rank();
      case KINDS.count:
        return this.#outcome.endWith(this.#located.end - this.#range.from);
      case KINDS.range:
        return this.#items((add) => this.#addRanks(this.#located, add));
      case KINDS.random:
        return this.#random();
      default:
        return this.#scan();
    }
  }

  get #located(): Range {
    const { memory, value, valueLength } = this.#reader;
    this.#range.read(memory, value, valueLength);
    this.#range.locate(this.#set);
    return this.#range;
  }

  #tellScores(): boolean {
    const { kind, memory, value, valueLength } = this.#reader;
    const members = this.#members;
    const bytes = itemsIn(this.#reader, MAX_VALUE_BYTES) * NUMBER_BYTES;
    this.#scores.begin(bytes);
    members.begin(memory, value, valueLength);
    while (members.next()) {
      this.#scores.float(this.#set.scoreOf(memory, members.from, members.length) ?? NaN);
    }
    return this.#results.data(kind, this.#scores.memory, 0, bytes);
  }

  #rank(): boolean {
    const { memory, value, valueLength, options } = this.#reader;
    const score = this.#set.scoreOf(memory, value, valueLength);
    if (score === undefined) return this.#outcome.end(STATUS.absent);
    const rank = this.#set.rankOf(score, memory, value, valueLength);
    return this.#outcome.endWith((options & FROM_LAST) === 0 ? rank : this.#set.count - 1 - rank);
  }

  /** The result is what is added, as far as there is room. @returns whether there is */
  #items(addAll: (add: () => boolean) => boolean): boolean {
    const { kind, options } = this.#reader;
    this.#results.beginItems(kind);
    return this.#outcome.endItems(addAll((options & WITH_SCORES) === 0 ? this.#addMember : this.#addElement));
  }

  /** Tell a key, and elements with their scores that it has. @returns whether they fit */
  tellOf(memory: DataView, key: number, keyLength: number, ranks: Ranks): boolean {
    this.#results.beginItems(this.#reader.kind);
    return this.#outcome.endItems(
      this.#results.item(memory, key, keyLength) && this.#addRanks(ranks, this.#addElement),
    );
  }

  #addRanks({ from, end, isReverse }: Ranks, add: () => boolean): boolean {
    const { position } = this.#set;
    if (from < end) position.seekRank(isReverse ? end - 1 : from);
    for (let left = end - from; left > 0; left--) {
      if (!add()) return false;
      if (left === 1) break;
      if (isReverse) position.previous();
      else position.next();
    }
    return true;
  }

  #random(): boolean {
    const { first: count, second: seed } = this.#reader;
    if (this.#set.count === 0) return this.#outcome.end(STATUS.absent);
    return this.#items((add) => addDrawn(this.#set.tree, count, seed, add));
  }

  /** A set that is one leaf is told as a whole; of others, positions are hashes of members. */
  #scan(): boolean {
    const { byHash } = this.#set;
    if (byHash === undefined) return this.#scanLeaf();
    const { element } = byHash.position;
    return addPage(byHash, this.#reader, this.#results, () => {
      const { memory, member, memberLength, value, valueLength } = element;
      return this.#results.item(memory, member, memberLength) && this.#results.item(memory, value, valueLength);
    });
  }

  #scanLeaf(): boolean {
    const { kind, memory, value, valueLength } = this.#reader;
    const glob = new Glob(memory, value, valueLength);
    const { position, element } = this.#set;
    this.#results.beginItems(kind, true);
    let fit = true;
    for (let isThere = position.seekRank(0); isThere && fit; isThere = position.next()) {
      const isTold = glob.isAll || glob.fits(element.memory, element.member, element.memberLength);
      if (isTold) fit = this.#addElement();
    }
    return this.#outcome.endItems(fit, 0);
  }
}
