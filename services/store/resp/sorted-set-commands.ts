/** Commands on sorted sets. */
import { type Arguments, type CommandBatch, CommandError, type DataCommand, syntaxError } from '@dpr/resp';
import { TYPES } from '../engine/index.ts';
import { ADD_OPTIONS, FROM_LAST, KINDS as KEY_KINDS, OPTIONS, SORTED_SET_KINDS, WITH_SCORES } from '../operations.ts';
import { SCORED_HEAD_BYTES } from '../sorted-sets/scored-items.ts';
import { BY } from '../sorted-sets/sorted-range.ts';
import { popCountOf } from './counts.ts';
import { ONE_KEY, reads, TWO_KEYS, writes } from './data-command.ts';
import { drawCountOf, drawSeed } from './draw-options.ts';
import { item } from './item-steps.ts';
import {
  checkKey,
  valueLength,
  writeBeforeValue,
  writeItems,
  writeOperation,
  writePatternOperation,
  writeScoredItem,
  writeValueOperation,
} from './operation-writer.ts';
import { scanOptionsOf } from './scan-options.ts';
import { SORTED_SET_COMBINATIONS } from './sorted-set-combinations.ts';
import {
  count,
  incremented,
  members,
  pairs,
  popped,
  poppedPairs,
  rank,
  scanned,
  score,
  scores,
} from './sorted-set-steps.ts';
import { encodeRange, type RangeKind, rangeOptions, scoreOf, wholeRange } from './sorted-set-words.ts';
import { lengthOf } from './steps.ts';

const KINDS = SORTED_SET_KINDS;
const { inOrder } = OPTIONS;
const KEY = 1;
const MEMBER = 2;
const KEY_LENGTH_BYTES = 2;

const cardinality = lengthOf(TYPES.sortedSet);

export const SORTED_SET_COMMANDS: readonly DataCommand[] = [
  writes('zadd', -4, ONE_KEY, 'Gives members scores.', add),
  writes('zincrby', 4, ONE_KEY, 'Adds to the score of a member.', (words, batch) =>
    writeIncrement(words, batch, 0, 3, scoreOf(words, 2)),
  ),
  writes('zrem', -3, ONE_KEY, 'Removes members.', (words, batch) =>
    writeItems(batch, KINDS.remove, 0, words, KEY, MEMBER, words.count, count),
  ),
  reads('zcard', 2, ONE_KEY, 'How many elements there are.', (words, batch) =>
    writeOperation(batch, KEY_KINDS.head, 0, words, KEY, cardinality),
  ),
  reads('zscore', 3, ONE_KEY, 'The score of a member.', (words, batch) =>
    writeItems(batch, KINDS.scores, inOrder, words, KEY, MEMBER, words.count, score),
  ),
  reads('zmscore', -3, ONE_KEY, 'The scores of members.', (words, batch) =>
    writeItems(batch, KINDS.scores, inOrder, words, KEY, MEMBER, words.count, scores),
  ),
  reads('zrank', 3, ONE_KEY, 'How many elements are before a member.', (words, batch) =>
    writeValueOperation(batch, KINDS.rank, 0, words, KEY, MEMBER, rank),
  ),
  reads('zrevrank', 3, ONE_KEY, 'How many elements are after a member.', (words, batch) =>
    writeValueOperation(batch, KINDS.rank, FROM_LAST, words, KEY, MEMBER, rank),
  ),
  counts('zcount', 'How many elements have scores in a range.', BY.score),
  counts('zlexcount', 'How many elements are in a range of members.', BY.member),
  ranges('zrange', 'Elements in a range.', undefined),
  ranges('zrevrange', 'Elements in a range of ranks, from the last on.', { by: BY.rank, isReverse: true }),
  ranges('zrangebyscore', 'Elements in a range of scores.', { by: BY.score, isReverse: false }),
  ranges('zrevrangebyscore', 'Elements in a range of scores, from the last on.', { by: BY.score, isReverse: true }),
  ranges('zrangebylex', 'Elements in a range of members.', { by: BY.member, isReverse: false }),
  ranges('zrevrangebylex', 'Elements in a range of members, from the last on.', { by: BY.member, isReverse: true }),
  writes('zrangestore', -5, TWO_KEYS, 'Writes elements in a range to another key.', rangeStore),
  removes('zremrangebyrank', 'Removes elements in a range of ranks.', BY.rank),
  removes('zremrangebyscore', 'Removes elements in a range of scores.', BY.score),
  removes('zremrangebylex', 'Removes elements in a range of members.', BY.member),
  pops('zpopmin', 'Takes out the elements with the lowest scores.', 0),
  pops('zpopmax', 'Takes out the elements with the highest scores.', FROM_LAST),
  reads('zrandmember', -2, ONE_KEY, 'Any elements.', randomMember),
  reads('zscan', -3, ONE_KEY, 'Some elements, from a cursor on.', (words, batch) => {
    const { position, pattern, count } = scanOptionsOf(words, 2, false);
    writePatternOperation(batch, KINDS.scan, inOrder, words, KEY, pattern, position, count, scanned);
  }),
  ...SORTED_SET_COMBINATIONS,
];

const ADD_WORDS: Readonly<Record<string, number>> = {
  NX: ADD_OPTIONS.ifAbsent,
  XX: ADD_OPTIONS.ifPresent,
  GT: ADD_OPTIONS.ifGreater,
  LT: ADD_OPTIONS.ifLess,
  CH: ADD_OPTIONS.countChanged,
};

function add(words: Arguments, batch: CommandBatch): void {
  let options = 0;
  let isIncrement = false;
  let first = 2;
  for (; first < words.count; first++) {
    const word = words.word(first);
    const option = Object.hasOwn(ADD_WORDS, word) ? ADD_WORDS[word] : undefined;
    if (option !== undefined) options |= option;
    else if (word === 'INCR') isIncrement = true;
    else break;
  }
  const left = words.count - first;
  if (left === 0 || left % 2 !== 0) throw syntaxError();
  checkAdd(options, isIncrement, left / 2);
  if (isIncrement) {
    writeIncrement(words, batch, options & ~ADD_OPTIONS.countChanged, first + 1, scoreOf(words, first));
  } else writeEntries(words, batch, options, first);
}

function checkAdd(options: number, isIncrement: boolean, entries: number): void {
  const has = (option: number): boolean => (options & option) !== 0;
  const { ifAbsent, ifPresent, ifGreater, ifLess } = ADD_OPTIONS;
  if (has(ifAbsent) && has(ifPresent)) {
    throw new CommandError('ERR XX and NX options at the same time are not compatible');
  }
  if ((has(ifGreater) && has(ifLess)) || (has(ifAbsent) && has(ifGreater | ifLess))) {
    throw new CommandError('ERR GT, LT, and/or NX options at the same time are not compatible');
  }
  if (isIncrement && entries > 1) {
    throw new CommandError('ERR INCR option supports a single increment-element pair');
  }
}

function writeEntries(words: Arguments, batch: CommandBatch, options: number, first: number): void {
  let bytes = 0;
  const given: number[] = [];
  for (let at = first; at < words.count; at += 2) {
    given.push(scoreOf(words, at));
    bytes += SCORED_HEAD_BYTES + valueLength(words, at + 1);
  }
  let to = writeBeforeValue(batch, KINDS.add, options, words, KEY, bytes, count);
  for (let at = first, entry = 0; at < words.count; at += 2) {
    to = writeScoredItem(batch, to, given[entry++] ?? 0, words, at + 1);
  }
}

function writeIncrement(words: Arguments, batch: CommandBatch, options: number, member: number, amount: number): void {
  writeValueOperation(batch, KINDS.increment, options | inOrder, words, KEY, member, incremented, amount);
}

function counts(name: string, summary: string, by: number): DataCommand {
  return reads(name, 4, ONE_KEY, summary, (words, batch) => writeWholeRange(words, batch, KINDS.count, by));
}

function removes(name: string, summary: string, by: number): DataCommand {
  return writes(name, 4, ONE_KEY, summary, (words, batch) => writeWholeRange(words, batch, KINDS.removeRange, by));
}

function writeWholeRange(words: Arguments, batch: CommandBatch, kind: number, by: number): void {
  const range = wholeRange(words, 2, by);
  range.write(batch.bytes, writeBeforeValue(batch, kind, 0, words, KEY, range.bytes, count));
}

function ranges(name: string, summary: string, kind: RangeKind | undefined): DataCommand {
  return reads(name, -4, ONE_KEY, summary, (words, batch) => {
    const said = rangeOptions(words, 4, kind, true);
    const range = encodeRange(words, 2, said);
    const step = said.withScores ? pairs : members;
    const options = inOrder | (said.withScores ? WITH_SCORES : 0);
    const at = writeBeforeValue(batch, KINDS.range, options, words, KEY, range.bytes, step);
    range.write(batch.bytes, at);
  });
}

function rangeStore(words: Arguments, batch: CommandBatch): void {
  const source = 2;
  const said = rangeOptions(words, 5, undefined, false);
  const range = encodeRange(words, 3, said);
  checkKey(words, source);
  const bytes = KEY_LENGTH_BYTES + words.length(source) + range.bytes;
  let at = writeBeforeValue(batch, KINDS.rangeStore, 0, words, KEY, bytes, count);
  at = batch.bytes.writeUInt16LE(words.length(source), at);
  words.copyTo(source, batch.bytes, at);
  range.write(batch.bytes, at + words.length(source));
}

function pops(name: string, summary: string, end: number): DataCommand {
  return writes(name, -2, ONE_KEY, summary, (words, batch) => {
    if (words.count > 3) throw syntaxError();
    const isCounted = words.count === 3;
    const most = isCounted ? popCountOf(words, 2) : 1;
    const step = isCounted ? poppedPairs : popped;
    writeBeforeValue(batch, KINDS.pop, end | inOrder, words, KEY, 0, step, most);
  });
}

function randomMember(words: Arguments, batch: CommandBatch): void {
  const hasScores = words.count === 4 && words.word(3) === 'WITHSCORES';
  if (words.count === 2) {
    writeOperation(batch, KINDS.random, inOrder, words, KEY, item, 1, drawSeed());
    return;
  }
  const drawn = drawCountOf(words, 2, hasScores);
  if (words.count > 4 || (words.count === 4 && !hasScores)) throw syntaxError();
  const options = inOrder | (hasScores ? WITH_SCORES : 0);
  writeOperation(batch, KINDS.random, options, words, KEY, hasScores ? pairs : members, drawn, drawSeed());
}
