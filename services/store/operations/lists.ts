/**
 * Operations on lists, in the format that `../operations.ts` tells. Elements of one operation are items: of each u32
 * bytes, bytes; those of one result have u32 their number before them.
 *
 * | kind          | value             | numbers                        | does                                             | result                    |
 * | ------------- | ----------------- | ------------------------------ | ------------------------------------------------ | ------------------------- |
 * | listPush      | elements          |                                | adds one after another at an end                 | integer: elements         |
 * | listPop       |                   | f64 count                      | removes up to so many at an end                  | data: these               |
 * | listIndex     |                   | f64 place                      | tells an element, negative: from the end         | data: its bytes           |
 * | listSet       | an element        | f64 place                      | puts it in the place of another one              | nothing                   |
 * | listRange     |                   | f64 first, f64 last            | tells elements                                   | data: these               |
 * | listInsert    | elements: the one that is sought, another | | puts the other one beside the first such one     | integer: elements         |
 * | listRemove    | an element        | f64 count                      | removes so many like it, negative: from the end; 0: all | integer: how many  |
 * | listTrim      |                   | f64 first, f64 last            | removes all others                               | nothing                   |
 * | listPositions | an element        | f64 rank, f64 count, f64 most  | tells where elements like it are, from that with a rank on, negative: from the end; looks at `most` elements; count, most: 0: all | data: f64 each |
 * | listMove      | another key       |                                | takes one from an end, and adds it at one of the other key | data: its bytes |
 * | listPopFirst  | other keys        | f64 count                      | as listPop, of the first of all these keys that is there | data: the key, elements |
 *
 * `absent`: the key is not there, or the place. `unmet`, of listSet: there is no such place; of listInsert: no such element; of a push: no key.
 */
import { SHAPES } from './format.ts';

export const LIST_KINDS = {
  listPush: 40,
  listPop: 41,
  listIndex: 42,
  listSet: 43,
  listRange: 44,
  listInsert: 45,
  listRemove: 46,
  listTrim: 47,
  listPositions: 48,
  listMove: 49,
  listPopFirst: 50,
} as const;

export function isListKind(kind: number): boolean {
  return kind >= LIST_KINDS.listPush && kind <= LIST_KINDS.listPopFirst;
}

export const LIST_SHAPES: Readonly<Record<number, number>> = {
  [LIST_KINDS.listPush]: SHAPES.integer,
  [LIST_KINDS.listPop]: SHAPES.data,
  [LIST_KINDS.listIndex]: SHAPES.data,
  [LIST_KINDS.listSet]: SHAPES.nothing,
  [LIST_KINDS.listRange]: SHAPES.data,
  [LIST_KINDS.listInsert]: SHAPES.integer,
  [LIST_KINDS.listRemove]: SHAPES.integer,
  [LIST_KINDS.listTrim]: SHAPES.nothing,
  [LIST_KINDS.listPositions]: SHAPES.data,
  [LIST_KINDS.listMove]: SHAPES.data,
  [LIST_KINDS.listPopFirst]: SHAPES.data,
};

/** Bits of their options, besides `inOrder`. */
export const LIST_OPTIONS = {
  /** The end meant is the first element's: of `listMove`, where one is taken. */
  atFirst: 1,
  /** `listMove`: it is added before the first element. */
  toFirst: 2,
  /** `listPush`: only if the key is there. */
  ifPresent: 2,
  /** `listInsert`: behind the one that is sought. */
  behind: 1,
} as const;

/** So many elements are compared by one operation. */
export const MAX_COMPARED_ELEMENTS = 10_000_000;
