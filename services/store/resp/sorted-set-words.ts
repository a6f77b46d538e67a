/** What words of commands on sorted sets say. */
import { type Arguments, CommandError, syntaxError } from '@dpr/resp';
import { isInRange, MAX_SCORE_TEXT_BYTES, parseScore } from '../sorted-sets/score.ts';
import { BOUND, BY, MEMBER_RANGE_BYTES, NUMBER_RANGE_BYTES } from '../sorted-sets/sorted-range.ts';
import { NUMBER_BYTES } from '../operations.ts';
import { placeOf } from './counts.ts';

const NOT_FLOAT = 'ERR value is not a valid float';
const EXCLUSIVE = 40;
const INCLUSIVE = 91;

/** A score or an amount. @throws CommandError */
export function scoreOf(words: Arguments, index: number, error = NOT_FLOAT): number {
  if (words.length(index) > MAX_SCORE_TEXT_BYTES) throw new CommandError(error);
  const text = words.text(index);
  const score = parseScore(text);
  if (Number.isNaN(score) || !isInRange(text, score)) throw new CommandError(error);
  return score;
}

/** How a command says a range, and which part of it is meant. */
export interface RangeWords {
  by: number;
  isReverse: boolean;
  withScores: boolean;
  offset: number;
  count: number;
  /** There is a LIMIT. */
  isLimited: boolean;
}

export type RangeKind = Pick<RangeWords, 'by' | 'isReverse'>;

/**
 * Read the options from word `from` on.
 * @param kind what the command's name says already; undefined: options say it
 * @throws CommandError
 */
export function rangeOptions(
  words: Arguments,
  from: number,
  kind: RangeKind | undefined,
  mayHaveScores: boolean,
): RangeWords {
  const said: RangeWords = {
    by: kind?.by ?? BY.rank,
    isReverse: kind?.isReverse ?? false,
    withScores: false,
    offset: 0,
    count: -1,
    isLimited: false,
  };
  let isOpen = kind === undefined;
  for (let at = from; at < words.count; at++) {
    const word = words.word(at);
    if (mayHaveScores && word === 'WITHSCORES') said.withScores = true;
    else if (word === 'LIMIT' && at + 2 < words.count) {
      said.isLimited = true;
      said.offset = placeOf(words, ++at);
      said.count = placeOf(words, ++at);
    } else if (kind === undefined && word === 'REV' && !said.isReverse) said.isReverse = true;
    else if (isOpen && (word === 'BYSCORE' || word === 'BYLEX')) {
      said.by = word === 'BYSCORE' ? BY.score : BY.member;
      isOpen = false;
    } else throw syntaxError();
  }
  checkOptions(said);
  return said;
}

function checkOptions({ by, withScores, isLimited }: RangeWords): void {
  if (isLimited && by === BY.rank) {
    throw new CommandError('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX');
  }
  if (withScores && by === BY.member) {
    throw new CommandError('ERR syntax error, WITHSCORES not supported in combination with BYLEX');
  }
}

/** A range as it is in an operation. */
export interface EncodedRange {
  readonly bytes: number;
  write(to: Buffer, at: number): void;
}

/** All of the range that two words say. */
export function wholeRange(words: Arguments, from: number, by: number): EncodedRange {
  const whole = { by, isReverse: false, withScores: false, offset: 0, count: -1, isLimited: false };
  return encodeRange(words, from, whole);
}

/** @param from the first of the two words that say it @throws CommandError where these are no range */
export function encodeRange(words: Arguments, from: number, said: RangeWords): EncodedRange {
  if (said.by === BY.rank) return encodeNumbers(said, 0, 0, placeOf(words, from), placeOf(words, from + 1));
  const [lower, upper] = said.isReverse ? [from + 1, from] : [from, from + 1];
  if (said.by === BY.member) return encodeMembers(words, said, lower, upper);
  const [min, max] = [scoreBound(words, lower), scoreBound(words, upper)];
  return encodeNumbers(said, min.kind, max.kind, min.score, max.score);
}

function scoreBound(words: Arguments, index: number): { kind: number; score: number } {
  const isExclusive = words.bytes[words.start(index)] === EXCLUSIVE && words.length(index) > 0;
  const isShort = words.length(index) <= MAX_SCORE_TEXT_BYTES;
  const text = isShort
    ? words
        .text(index)
        .slice(isExclusive ? 1 : 0)
        .trimStart()
    : 'too long';
  const score = text === '' ? 0 : parseScore(text);
  if (Number.isNaN(score)) throw new CommandError('ERR min or max is not a float');
  return { kind: isExclusive ? BOUND.beyond : BOUND.within, score };
}

function writeHead(to: Buffer, at: number, said: RangeWords, lower: number, upper: number): number {
  to[at] = said.by;
  to[at + 1] = said.isReverse ? 1 : 0;
  to[at + 2] = lower;
  to[at + 3] = upper;
  return to.writeDoubleLE(said.count, to.writeDoubleLE(said.offset, at + 4));
}

function encodeNumbers(said: RangeWords, lower: number, upper: number, first: number, last: number): EncodedRange {
  return {
    bytes: NUMBER_RANGE_BYTES,
    write(to, at) {
      const bounds = writeHead(to, at, said, lower, upper);
      to.writeDoubleLE(first, bounds);
      to.writeDoubleLE(last, bounds + NUMBER_BYTES);
    },
  };
}

function encodeMembers(words: Arguments, said: RangeWords, lower: number, upper: number): EncodedRange {
  const [min, max] = [memberBound(words, lower), memberBound(words, upper)];
  return {
    bytes: MEMBER_RANGE_BYTES + min.length + max.length,
    write(to, at) {
      let next = writeHead(to, at, said, min.kind, max.kind);
      next = to.writeUInt32LE(max.length, to.writeUInt32LE(min.length, next));
      next += words.bytes.copy(to, next, words.end(lower) - min.length, words.end(lower));
      words.bytes.copy(to, next, words.end(upper) - max.length, words.end(upper));
    },
  };
}

/** How a bound is meant, and how long the member is that its word ends with. */
function memberBound(words: Arguments, index: number): { kind: number; length: number } {
  const length = words.length(index);
  const first = length === 0 ? 0 : words.bytes[words.start(index)];
  if (first === EXCLUSIVE) return { kind: BOUND.beyond, length: length - 1 };
  if (first === INCLUSIVE) return { kind: BOUND.within, length: length - 1 };
  const text = length === 1 ? words.text(index) : '';
  if (text === '-') return { kind: BOUND.lowest, length: 0 };
  if (text === '+') return { kind: BOUND.highest, length: 0 };
  throw new CommandError('ERR min or max not valid string range item');
}

/** How many keys follow the word that says it. @throws CommandError */
export function sourceCountOf(words: Arguments, index: number, command: string): number {
  const count = placeOf(words, index);
  if (count < 1) throw new CommandError(`ERR at least 1 input key is needed for '${command}' command`);
  if (count > words.count - index - 1) throw syntaxError();
  return count;
}
