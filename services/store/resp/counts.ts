/** Numbers of elements and places among them, as commands say them: any of 64 bits. */
import { type Arguments, CommandError, integerOf, NOT_INTEGER, syntaxError } from '@dpr/resp';

/** The nearest number that is exact: no value has so many bytes, no collection so many elements, and no clock comes so far. */
export function nearestExact(number: bigint): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(number)));
}

/** A place, or a number of elements that may be negative. @throws CommandError */
export function placeOf(words: Arguments, index: number, error = NOT_INTEGER): number {
  return nearestExact(integerOf(words, index, error));
}

/** A number of at least so many. @throws CommandError */
export function countOf(words: Arguments, index: number, least: number, error: string): number {
  const count = placeOf(words, index, error);
  if (count < least) throw new CommandError(error);
  return count;
}

/** How many keys follow, where one has to. @throws CommandError */
export function keyCountOf(words: Arguments, index: number): number {
  return countOf(words, index, 1, 'ERR numkeys should be greater than 0');
}

/** How many elements are taken out of one key. @throws CommandError */
export function popCountOf(words: Arguments, index: number): number {
  return countOf(words, index, 0, 'ERR value is out of range, must be positive');
}

/** The first of several keys that has elements loses some: the keys are in the words from `FIRST_OF_KEYS` up to `end`. */
export interface FirstPop {
  /** Where it says from which end. */
  readonly end: number;
  readonly count: number;
}

export const FIRST_OF_KEYS = 2;

/** `LMPOP` and `ZMPOP`: numkeys key … end [COUNT count]. @param ends what may stand for an end @throws CommandError */
export function firstPopOf(words: Arguments, ends: readonly string[]): FirstPop {
  const end = FIRST_OF_KEYS + keyCountOf(words, 1);
  if (end >= words.count || !ends.includes(words.word(end))) throw syntaxError();
  let count: number | undefined;
  for (let at = end + 1; at < words.count; at += 2) {
    if (words.word(at) !== 'COUNT' || count !== undefined || at + 1 === words.count) throw syntaxError();
    count = countOf(words, at + 1, 1, 'ERR count should be greater than 0');
  }
  return { end, count: count ?? 1 };
}
