/**
 * Operations on sets, in the format that `../operations.ts` tells. A member has at most `MAX_VALUE_BYTES`.
 *
 * | kind        | value                    | numbers                   | does                                                       | result         |
 * | ----------- | ------------------------ | ------------------------- | ---------------------------------------------------------- | -------------- |
 * | setAdd      | members, items           |                           | puts them into the set                                     | integer: new   |
 * | setRemove   | members, items           |                           | takes them out                                             | integer: gone  |
 * | setHas      | members, items           |                           | whether the set has them                                   | data: u8, 0 or 1, of each |
 * | setAll      |                          |                           | all members                                                | data: items    |
 * | setPop      |                          | f64 members, f64 seed     | takes any members out                                      | data: items    |
 * | setRandom   |                          | f64 members, f64 seed     | any members; fewer than none: some more than once          | data: items    |
 * | setScan     | a pattern                | f64 position, f64 members | members from a position on                                 | data           |
 * | setMove     | other key, member: items |                           | takes the member out, and puts it into the set of that key | integer: 1 if it was there, else 0 |
 * | setCombine  | keys, items              |                           | members of several sets, as options say                    | data: items    |
 * | setStore    | keys, items              |                           | the key becomes the set of these, whatever it was          | integer: how many |
 * | setCount    | keys, items              | f64 most, 0: all          | counts what the sets have in common                        | integer        |
 *
 * Where the key is not there, it is as an empty set; but `setAll`, `setPop`, `setRandom` and `setScan` are `absent`. A page of `setScan` is f64
 * position of the next page (0: there is none), and items. `setCombine`, `setStore` and `setCount` are `tooMuch` where more than
 * `MAX_COMBINED_MEMBERS` would have to be looked at.
 */
import { SHAPES } from './format.ts';

export const SET_KINDS = {
  setAdd: 64,
  setRemove: 65,
  setHas: 66,
  setAll: 67,
  setPop: 68,
  setRandom: 69,
  setScan: 70,
  setMove: 71,
  setCombine: 72,
  setStore: 73,
  setCount: 74,
} as const;

export const SET_SHAPES: Readonly<Record<number, number>> = {
  [SET_KINDS.setAdd]: SHAPES.integer,
  [SET_KINDS.setRemove]: SHAPES.integer,
  [SET_KINDS.setHas]: SHAPES.data,
  [SET_KINDS.setAll]: SHAPES.data,
  [SET_KINDS.setPop]: SHAPES.data,
  [SET_KINDS.setRandom]: SHAPES.data,
  [SET_KINDS.setScan]: SHAPES.data,
  [SET_KINDS.setMove]: SHAPES.integer,
  [SET_KINDS.setCombine]: SHAPES.data,
  [SET_KINDS.setStore]: SHAPES.integer,
  [SET_KINDS.setCount]: SHAPES.integer,
};

/** What the options of `setCombine` and `setStore` say: what the sets have in common, all of them together, or the first without the others. */
export const SET_RULES = { common: 1, all: 2, first: 3 } as const;

/** One operation looks at no more members of several sets, so that others have their turn in time. */
export const MAX_COMBINED_MEMBERS = 500_000;

/** Which numbers of kinds are those of sets. */
export function isSetKind(kind: number): boolean {
  return kind >= SET_KINDS.setAdd && kind <= SET_KINDS.setCount;
}
