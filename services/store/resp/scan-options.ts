/** Where SCAN, HSCAN and the like begin, what they look for, and how much they look at. */
import { type Arguments, CommandError, numberOf, syntaxError } from '@dpr/resp';
import { END_POSITION } from '../operations.ts';

export const ALL = Buffer.from('*');
const USUAL_COUNT = 10;
/** No more is looked at for one command, so that others have their turn. */
const MAX_COUNT = 100_000;
const CURSOR = /^(|[+-]?\d+)$/;
const MAX_CURSOR_BYTES = 64;
/** Patterns are compared with many keys. */
const MAX_PATTERN_BYTES = 1_024;

export interface ScanOptions {
  readonly position: number;
  readonly pattern: Uint8Array;
  readonly count: number;
  /** What `TYPE` says, in lower case. */
  readonly type: string | undefined;
}

/** @param cursor the word with the cursor; the options follow it @param hasType whether `TYPE` is one of them */
export function scanOptionsOf(words: Arguments, cursor: number, hasType: boolean): ScanOptions {
  const position = positionOf(words, cursor);
  let pattern: Uint8Array = ALL;
  let count = USUAL_COUNT;
  let type: string | undefined;
  for (let at = cursor + 1; at < words.count; at += 2) {
    const word = words.word(at);
    if (at + 1 === words.count) throw syntaxError();
    if (word === 'MATCH') pattern = patternOf(words, at + 1);
    else if (word === 'COUNT') count = numberOf(words, at + 1);
    else if (word === 'TYPE' && hasType) type = words.text(at + 1).toLowerCase();
    else throw syntaxError();
  }
  if (count < 1) throw syntaxError();
  return { position, pattern, count: Math.min(count, MAX_COUNT), type };
}

/** A cursor that no scan gave begins anew, as long as it is a number of 64 bits to Redis. */
function positionOf(words: Arguments, index: number): number {
  const text = words.length(index) <= MAX_CURSOR_BYTES ? words.text(index) : 'none';
  const cursor = CURSOR.test(text) ? Number(text) : Infinity;
  if (Math.abs(cursor) >= 2 ** 64) throw new CommandError('ERR invalid cursor');
  return cursor >= 0 && cursor < END_POSITION ? cursor : 0;
}

/** @throws CommandError when it is too long */
export function patternOf(words: Arguments, index: number): Uint8Array {
  const pattern = words.slice(index);
  if (pattern.length > MAX_PATTERN_BYTES) {
    throw new CommandError(`ERR a pattern has at most ${MAX_PATTERN_BYTES} bytes, and this has ${pattern.length}`);
  }
  return pattern;
}
