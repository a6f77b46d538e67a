/**
 * Operations on sorted sets, in the format that `../operations.ts` tells. A member has at most `MAX_VALUE_BYTES`.
 *
 * | kind              | value              | numbers                 | does                                                       | result         |
 * | ----------------- | ------------------ | ----------------------- | ---------------------------------------------------------- | -------------- |
 * | add               | members, scored    |                         | sets scores: how many members are new, or changed          | integer        |
 * | increment         | a member           | f64 amount              | adds to a score: f64 what it is now                        | data           |
 * | remove            | members, items     |                         | takes them out                                             | integer: gone  |
 * | scores            | members, items     |                         | f64 the score of each, NaN: it is not there                | data           |
 * | rank              | a member           |                         | how many elements are before it, or after it               | integer        |
 * | count             | a range            |                         | how many elements are in it                                | integer        |
 * | range             | a range            |                         | elements in it                                             | data: elements |
 * | removeRange       | a range            |                         | takes these out                                            | integer: gone  |
 * | pop               | other keys, items  | f64 count               | takes out elements at an end, of the first key that is there | data: the key, elements |
 * | random            |                    | f64 elements, f64 seed  | any elements; fewer than none: some more than once         | data: elements |
 * | scan              | a pattern          | f64 position, f64 elements | elements from a position on                             | data           |
 * | combine           | keys, weighted     |                         | elements of several sorted sets, or sets, as options say   | data: elements |
 * | combineStore      | keys, weighted     |                         | the key becomes the sorted set of these                    | integer: how many |
 * | intersectionCount | keys, weighted     | f64 most, 0: all        | counts what they have in common                            | integer        |
 * | rangeStore        | u16 bytes of another key, that key, a range |  | the key becomes a range of the other one               | integer: how many |
 *
 * Scored and weighted items have f64 the score or weight before each. Elements are items, of each the member and f64 its score, which
 * `range`, `random` and `combine` tell by an option. A page of `scan` is f64 position of the next page (0: there is none), and elements.
 * `../sorted-sets/sorted-range.ts` has the format of a range.
 *
 * Where the key is not there, it is as an empty set; but `pop` and `random` are `absent`. What reads, writes or removes more than
 * `MAX_ELEMENTS_AT_ONCE`, or `MAX_BYTES_AT_ONCE` of members, and tells no more than a number of it, is `tooMuch`; so is `combine`.
 */
import { SHAPES } from './format.ts';

export const SORTED_SET_KINDS = {
  add: 80,
  increment: 81,
  remove: 82,
  scores: 83,
  rank: 84,
  count: 85,
  range: 86,
  removeRange: 87,
  pop: 88,
  random: 89,
  scan: 90,
  combine: 91,
  combineStore: 92,
  intersectionCount: 93,
  rangeStore: 94,
} as const;

export const SORTED_SET_SHAPES: Readonly<Record<number, number>> = {
  [SORTED_SET_KINDS.add]: SHAPES.integer,
  [SORTED_SET_KINDS.increment]: SHAPES.data,
  [SORTED_SET_KINDS.remove]: SHAPES.integer,
  [SORTED_SET_KINDS.scores]: SHAPES.data,
  [SORTED_SET_KINDS.rank]: SHAPES.integer,
  [SORTED_SET_KINDS.count]: SHAPES.integer,
  [SORTED_SET_KINDS.range]: SHAPES.data,
  [SORTED_SET_KINDS.removeRange]: SHAPES.integer,
  [SORTED_SET_KINDS.pop]: SHAPES.data,
  [SORTED_SET_KINDS.random]: SHAPES.data,
  [SORTED_SET_KINDS.scan]: SHAPES.data,
  [SORTED_SET_KINDS.combine]: SHAPES.data,
  [SORTED_SET_KINDS.combineStore]: SHAPES.integer,
  [SORTED_SET_KINDS.intersectionCount]: SHAPES.integer,
  [SORTED_SET_KINDS.rangeStore]: SHAPES.integer,
};

/** Bits of the options of `add` and `increment`. */
export const ADD_OPTIONS = {
  ifAbsent: 1,
  ifPresent: 2,
  /** Only if the score becomes greater, or only if it becomes less; a member that is not there is added. */
  ifGreater: 4,
  ifLess: 8,
  /** `add`: also members whose score changes are counted. */
  countChanged: 16,
} as const;

/** Bit of the options of `rank` and `pop`: from the highest score on. */
export const FROM_LAST = 1;

/** Bit of the options of `range`, `random` and `combine`: without it, members are told alone. */
export const WITH_SCORES = 16;

/** How sets are combined: two bits of the options of `combine` and `combineStore`. */
export const COMBINE = { union: 0, intersection: 1, difference: 2 } as const;
export const COMBINE_MASK = 3;
/** What becomes of the scores that a member has in several of them: two more bits. */
export const AGGREGATE = { sum: 0, min: 4, max: 8 } as const;
export const AGGREGATE_MASK = 12;

/** An operation whose result is a number reads, or removes, no more elements; and members of no more bytes. */
export const MAX_ELEMENTS_AT_ONCE = 100_000;
export const MAX_BYTES_AT_ONCE = 64 * 1024 * 1024;

export function isSortedSetKind(kind: number): boolean {
  return kind >= SORTED_SET_KINDS.add && kind <= SORTED_SET_KINDS.rangeStore;
}
