/** What words of commands say. */
import type { Arguments } from './arguments.ts';
import { CommandError } from './command-error.ts';

export const NOT_INTEGER = 'ERR value is not an integer or out of range';
export const SYNTAX_ERROR = 'ERR syntax error';

const INTEGER = /^-?(0|[1-9]\d*)$/;
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
/** More digits than any number of 64 bits has. */
const MAX_DIGITS = 20;

/** A whole number of 64 bits. @throws CommandError */
export function integerOf(words: Arguments, index: number, error = NOT_INTEGER): bigint {
  const text = words.length(index) <= MAX_DIGITS ? words.text(index) : '';
  const number = INTEGER.test(text) && text !== '-0' ? BigInt(text) : MAX + 1n;
  if (number < MIN || number > MAX) throw new CommandError(error);
  return number;
}

/** A whole number that is exact as a JavaScript number, within a range. @throws CommandError */
export function numberOf(
  words: Arguments,
  index: number,
  least = Number.MIN_SAFE_INTEGER,
  most = Number.MAX_SAFE_INTEGER,
  error = NOT_INTEGER,
): number {
  const number = Number(integerOf(words, index, error));
  if (number < least || number > most) throw new CommandError(error);
  return number;
}

export function syntaxError(): CommandError {
  return new CommandError(SYNTAX_ERROR);
}
