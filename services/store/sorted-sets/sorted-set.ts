/**
 * A sorted set: a tree of its elements by score and member, and, once these take more than one leaf, one by member that tells the scores. In
 * a single leaf a member is looked for by going through it.
 */
import { Collection } from '../collections/collection.ts';
import { MARKS, PACKED_BYTES, PACKED_ELEMENTS } from '../collections/marks.ts';
import { type Element, FORMS, memberOrder } from '../collections/node.ts';
import type { Position } from '../collections/position.ts';
import type { Tree } from '../collections/tree.ts';
import { compareBytes, sameBytes } from '../engine/bytes.ts';
import { type Keyspace, TYPES } from '../engine/index.ts';
import { MAX_BYTES_AT_ONCE, MAX_ELEMENTS_AT_ONCE } from '../operations.ts';

const SCORE_BYTES = 8;

export class SortedSet {
  readonly #collection: Collection;
  readonly #scores: Tree;
  /** Without elements, as long as those of `#scores` are in one leaf. */
  readonly #members: Tree;
  readonly #score = new DataView(new ArrayBuffer(SCORE_BYTES));

  /** @param nodeBytes of a node of its trees */
  constructor(nodeBytes?: number) {
    this.#collection = new Collection([FORMS.scores, FORMS.hash], nodeBytes);
    const [scores, members] = this.#collection.trees;
    if (scores === undefined || members === undefined) throw new TypeError('a sorted set has two trees');
    this.#scores = scores;
    this.#members = members;
  }

  /** Take what the key holds that was sought last: a sorted set, or nothing. */
  open(keyspace: Keyspace): void {
    this.#collection.open(keyspace);
  }

  /** Begin with no elements: what is saved takes the place of whatever the key holds that the keyspace is at then. */
  begin(keyspace: Keyspace): void {
    this.#collection.begin(keyspace);
  }

  /** Write what it is now; the keyspace is at the same key, if it was opened. @param deadline without it, the key's one stays */
  save(deadline?: number): void {
    this.#collection.save(TYPES.sortedSet, deadline);
  }

  get count(): number {
    return this.#scores.count;
  }

  /** Of all elements, by score. */
  get tree(): Tree {
    return this.#scores;
  }

  get position(): Position {
    return this.#scores.position;
  }

  /** At the position. */
  get element(): Element {
    return this.position.element;
  }

  /** By the hash of members, with the scores as values; undefined: all are in one leaf. */
  get byHash(): Tree | undefined {
    return this.#hasMembers ? this.#members : undefined;
  }

  get #hasMembers(): boolean {
    return this.#members.count > 0;
  }

  /**
   * Whether there is memory to put so many elements, with members of so many bytes together.
   * @param times how often each tree is changed for one: a member that has another score is removed and inserted
   */
  hasRoom(elements: number, bytes: number, times = 2): boolean {
    // All that there are may be inserted into the tree of members.
    const [more, moreBytes] = this.#hasMembers ? [0, 0] : [this.count, this.#scores.rootBytes];
    return this.#collection.hasRoom(times * elements + more, times * bytes + moreBytes);
  }

  /** @returns undefined if the member is not there */
  scoreOf(member: DataView, from: number, length: number): number | undefined {
    if (this.#hasMembers) {
      const { position } = this.#members;
      if (!position.seek(memberOrder(member, from, length), member, from, length)) return undefined;
      return position.element.memory.getFloat64(position.element.value, true);
    }
    const { position, element } = this;
    for (let isThere = position.seekRank(0); isThere; isThere = position.next()) {
      if (element.memberLength !== length) continue;
      if (sameBytes(element.memory, element.member, member, from, length)) return element.order;
    }
    return undefined;
  }

  /** How many elements are before this one, which is there. */
  rankOf(score: number, member: DataView, from: number, length: number): number {
    this.position.seek(score, member, from, length);
    return this.position.rank;
  }

  /** How many elements have a lower score; or, with `isAfter`, none that is higher. */
  rankOfScore(score: number, isAfter: boolean): number {
    this.position.seekOrder(score, isAfter);
    return this.position.rank;
  }

  /**
   * How many members are lower; or, with `isAfter`, not higher. Where scores differ, members are taken to be in the same order: if they are not,
   * no more can be said than that it is somewhere.
   */
  rankAmongMembers(member: DataView, from: number, length: number, isAfter: boolean): number {
    const { position, element } = this;
    if (!position.seekRank(0)) return 0;
    const lowest = element.order;
    position.seekRank(this.count - 1);
    if (element.order !== lowest) return this.#searchRank(member, from, length, isAfter);
    const isThere = position.seek(lowest, member, from, length);
    return position.rank + (isThere && isAfter ? 1 : 0);
  }

  #searchRank(member: DataView, from: number, length: number, isAfter: boolean): number {
    const { element } = this;
    let rank = 0;
    for (let end = this.count; rank < end;) {
      const middle = Math.floor((rank + end) / 2);
      this.position.seekRank(middle);
      const order = compareBytes(element.memory, element.member, element.memberLength, member, from, length);
      if (order < 0 || (order === 0 && isAfter)) rank = middle + 1;
      else end = middle;
    }
    return rank;
  }

  /** Give a member a score. @param before the score that it has; undefined: it is not there */
  put(given: number, member: DataView, from: number, length: number, before: number | undefined): void {
    const count = this.count + (before === undefined ? 1 : 0);
    if (count > PACKED_ELEMENTS || length > PACKED_BYTES) this.markLarge();
    const score = this.#isLarge ? given : given + 0; // as in Redis, whose packed form has only one zero
    const { position } = this;
    if (before !== undefined) {
      position.seek(before, member, from, length);
      this.#scores.remove();
    }
    position.seek(score, member, from, length);
    this.#scores.insert(score, member, from, length);
    if (this.#hasMembers) this.#putMember(score, member, from, length);
    this.#arrange();
  }

  /** It is no packed one to Redis from now on. */
  markLarge(): void {
    this.#collection.marks |= MARKS.large;
  }

  get #isLarge(): boolean {
    return (this.#collection.marks & MARKS.large) !== 0;
  }

  #putMember(score: number, member: DataView, from: number, length: number): void {
    const order = memberOrder(member, from, length);
    this.#score.setFloat64(0, score, true);
    const isThere = this.#members.position.seek(order, member, from, length);
    if (isThere) this.#members.setValue(this.#score, 0, SCORE_BYTES);
    else this.#members.insert(order, member, from, length, this.#score, 0, SCORE_BYTES);
  }

  /** @returns whether the member was there */
  remove(member: DataView, from: number, length: number): boolean {
    const score = this.scoreOf(member, from, length);
    if (score === undefined) return false;
    if (this.#hasMembers) {
      this.#members.remove();
      this.position.seek(score, member, from, length);
    }
    this.#scores.remove();
    this.#arrange();
    return true;
  }

  /** Whether so many elements, from the one with this rank on, are more than one operation copies or removes. */
  areTooMany(rank: number, count: number): boolean {
    if (count > MAX_ELEMENTS_AT_ONCE) return true;
    const { position, element } = this;
    let bytes = 0;
    let left = count;
    for (let isThere = position.seekRank(rank); isThere && left > 0; isThere = position.next(), left--) {
      bytes += element.memberLength;
      if (bytes > MAX_BYTES_AT_ONCE) return true;
    }
    return false;
  }

  /** Remove so many elements, from the one with this rank on. */
  removeRange(rank: number, count: number): void {
    const { position, element } = this;
    let left = this.#hasMembers ? count : 0;
    for (let isThere = position.seekRank(rank); isThere && left > 0; isThere = position.next(), left--) {
      const { memory, member, memberLength } = element;
      this.#members.position.seek(memberOrder(memory, member, memberLength), memory, member, memberLength);
      this.#members.remove(); // which moves no node of the other tree
    }
    this.#scores.removeRange(rank, count);
    this.#arrange();
  }

  /** The tree of members is there where the one of scores has more than a leaf. */
  #arrange(): void {
    if (this.#scores.isLeaf) {
      while (this.#members.position.seekRank(0)) this.#members.remove();
    } else if (!this.#hasMembers) {
      const { position, element } = this;
      for (let isThere = position.seekRank(0); isThere; isThere = position.next()) {
        this.#putMember(element.order, element.memory, element.member, element.memberLength);
      }
    }
  }
}
