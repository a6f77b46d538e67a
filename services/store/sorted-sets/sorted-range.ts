/**
 * A part of a sorted set, by ranks, scores or members:
 *
 *     u8 by what · u8 whether it is told from its end on · u8 and u8 how the lower and the upper bound are meant
 *     f64 how many elements are passed by · f64 how many there are then at most, negative: any number
 *     by rank, score:  f64 first, f64 last
 *     by member:       u32 bytes of the first, u32 bytes of the last · first · last
 *
 * Ranks below 0 are told from the end on. Of scores and members, the first is the lower one in any case.
 */
import { NOTHING } from '../engine/index.ts';
import { NUMBER_BYTES } from '../operations.ts';
import type { SortedSet } from './sorted-set.ts';

export const BY = { rank: 0, score: 1, member: 2 } as const;
/** Whether an element that is equal to a bound is within; or the bound is below all, or above all. */
export const BOUND = { within: 0, beyond: 1, lowest: 2, highest: 3 } as const;

const OFFSET = 4;
const COUNT = OFFSET + NUMBER_BYTES;
const BOUNDS = COUNT + NUMBER_BYTES;
const LENGTH_BYTES = 4;
export const RANGE_HEAD_BYTES = BOUNDS;
/** A range by rank or score. */
export const NUMBER_RANGE_BYTES = BOUNDS + 2 * NUMBER_BYTES;
/** One by member, without the members. */
export const MEMBER_RANGE_BYTES = BOUNDS + 2 * LENGTH_BYTES;

export class Range {
  #memory: DataView = NOTHING;
  #by = 0;
  isReverse = false;
  #lower = 0;
  #upper = 0;
  #offset = 0;
  #count = 0;
  /** The bounds; of members where these begin, and how long they are. */
  #first = 0;
  #last = 0;
  #firstLength = 0;
  #lastLength = 0;
  /** Where it is in a set: the rank of its first element, and the one after its last. */
  from = 0;
  end = 0;

  /** @returns false when the bytes are no range */
  read(memory: DataView, at: number, length: number): boolean {
    if (length < MEMBER_RANGE_BYTES) return false;
    this.#memory = memory;
    this.#by = memory.getUint8(at);
    const reverse = memory.getUint8(at + 1);
    this.isReverse = reverse === 1;
    this.#lower = memory.getUint8(at + 2);
    this.#upper = memory.getUint8(at + 3);
    this.#offset = memory.getFloat64(at + OFFSET, true);
    this.#count = memory.getFloat64(at + COUNT, true);
    if (reverse > 1 || !Number.isSafeInteger(this.#offset) || !Number.isSafeInteger(this.#count)) return false;
    return this.#by === BY.member ? this.#readMembers(at, length) : this.#readNumbers(at, length);
  }

  #readNumbers(at: number, length: number): boolean {
    if (length !== NUMBER_RANGE_BYTES) return false;
    this.#first = this.#memory.getFloat64(at + BOUNDS, true);
    this.#last = this.#memory.getFloat64(at + BOUNDS + NUMBER_BYTES, true);
    if (this.#by === BY.score) {
      const areBounds = this.#lower <= BOUND.beyond && this.#upper <= BOUND.beyond;
      return areBounds && !Number.isNaN(this.#first) && !Number.isNaN(this.#last);
    }
    const areRanks = Number.isSafeInteger(this.#first) && Number.isSafeInteger(this.#last);
    return this.#by === BY.rank && this.#lower === 0 && this.#upper === 0 && areRanks;
  }

  #readMembers(at: number, length: number): boolean {
    this.#firstLength = this.#memory.getUint32(at + BOUNDS, true);
    this.#lastLength = this.#memory.getUint32(at + BOUNDS + LENGTH_BYTES, true);
    this.#first = at + MEMBER_RANGE_BYTES;
    this.#last = this.#first + this.#firstLength;
    const areBounds = this.#lower <= BOUND.highest && this.#upper <= BOUND.highest;
    return areBounds && length === MEMBER_RANGE_BYTES + this.#firstLength + this.#lastLength;
  }

  /** Find it in a set: `from` and `end` say where it is, and are equal where it has no elements. */
  locate(set: SortedSet): void {
    if (this.#by === BY.rank) this.#locateRanks(set.count);
    else if (this.#by === BY.score) {
      this.from = set.rankOfScore(this.#first, this.#lower === BOUND.beyond);
      this.end = set.rankOfScore(this.#last, this.#upper === BOUND.within);
    } else {
      this.from = this.#rankOfMember(set, this.#lower, this.#first, this.#firstLength, BOUND.beyond);
      this.end = this.#rankOfMember(set, this.#upper, this.#last, this.#lastLength, BOUND.within);
    }
    this.#limit();
  }

  #locateRanks(count: number): void {
    const fromStart = (rank: number): number => (rank < 0 ? count + rank : rank);
    const first = Math.max(0, fromStart(this.#first));
    const end = Math.min(count, fromStart(this.#last) + 1);
    this.from = this.isReverse ? count - end : first;
    this.end = this.isReverse ? count - first : end;
  }

  /** @param after the kind of bound that an element which is equal to it is before */
  #rankOfMember(set: SortedSet, kind: number, member: number, length: number, after: number): number {
    if (kind === BOUND.lowest) return 0;
    if (kind === BOUND.highest) return set.count;
    return set.rankAmongMembers(this.#memory, member, length, kind === after);
  }

  #limit(): void {
    if (this.from >= this.end || this.#offset < 0) {
      this.end = this.from;
      return;
    }
    if (this.isReverse) {
      this.end = Math.max(this.from, this.end - this.#offset);
      if (this.#count >= 0) this.from = Math.max(this.from, this.end - this.#count);
    } else {
      this.from = Math.min(this.end, this.from + this.#offset);
      if (this.#count >= 0) this.end = Math.min(this.end, this.from + this.#count);
    }
  }
}
