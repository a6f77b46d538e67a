/** Commands on sets. */
import {
  type Arguments,
  type CommandBatch,
  CommandError,
  type DataCommand,
  type ReplyWriter,
  type ResultStep,
  syntaxError,
} from '@dpr/resp';
import { TYPES } from '../engine/index.ts';
import { KINDS, OPTIONS, STATUS } from '../operations.ts';
import { MAX_COMBINED_MEMBERS, SET_KINDS, SET_RULES } from '../operations/sets.ts';
import { countOf, keyCountOf, popCountOf } from './counts.ts';
import { ALL_KEYS, ONE_KEY, reads, readsCounted, TWO_KEYS, writes } from './data-command.ts';
import { drawCountOf, drawSeed } from './draw-options.ts';
import { item, itemPage, items, itemSet } from './item-steps.ts';
import { checkKey, NO_KEY, writeItems, writeOperation, writePatternOperation } from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { scanOptionsOf } from './scan-options.ts';
import { integer, isError, lengthOf } from './steps.ts';

const KEY = 1;
const MEMBER = 2;
const { inOrder } = OPTIONS;
const TOO_MANY = `ERR a command looks at no more than ${MAX_COMBINED_MEMBERS} members of sets`;

const cardinality = lengthOf(TYPES.set);

export const SET_COMMANDS: readonly DataCommand[] = [
  writes('sadd', -3, ONE_KEY, 'Puts members into a set.', (words, batch) =>
    writeItems(batch, SET_KINDS.setAdd, 0, words, KEY, MEMBER, words.count, integer),
  ),
  writes('srem', -3, ONE_KEY, 'Takes members out of a set.', (words, batch) =>
    writeItems(batch, SET_KINDS.setRemove, 0, words, KEY, MEMBER, words.count, integer),
  ),
  reads('scard', 2, ONE_KEY, 'How many members a set has.', (words, batch) =>
    writeOperation(batch, KINDS.head, 0, words, KEY, cardinality),
  ),
  reads('sismember', 3, ONE_KEY, 'Whether a set has a member.', (words, batch) =>
    writeItems(batch, SET_KINDS.setHas, inOrder, words, KEY, MEMBER, words.count, firstFlag),
  ),
  reads('smismember', -3, ONE_KEY, 'Which of these members a set has.', (words, batch) =>
    writeItems(batch, SET_KINDS.setHas, inOrder, words, KEY, MEMBER, words.count, flags),
  ),
  reads('smembers', 2, ONE_KEY, 'The members of a set.', (words, batch) =>
    writeOperation(batch, SET_KINDS.setAll, inOrder, words, KEY, itemSet),
  ),
  writes('spop', -2, ONE_KEY, 'Takes any members out of a set.', pop),
  reads('srandmember', -2, ONE_KEY, 'Any members of a set.', random),
  writes('smove', 4, TWO_KEYS, 'Takes a member out of a set, and puts it into another one.', (words, batch) => {
    checkKey(words, MEMBER);
    writeItems(batch, SET_KINDS.setMove, 0, words, KEY, MEMBER, words.count, integer);
  }),
  reads('sscan', -3, ONE_KEY, 'Some members of a set, from a cursor on.', (words, batch) => {
    const { position, pattern, count } = scanOptionsOf(words, MEMBER, false);
    writePatternOperation(batch, SET_KINDS.setScan, inOrder, words, KEY, pattern, position, count, itemPage);
  }),
  combines('sinter', 'What sets have in common.', SET_RULES.common),
  combines('sunion', 'All members of several sets.', SET_RULES.all),
  combines('sdiff', 'What a set has, and other sets have not.', SET_RULES.first),
  stores('sinterstore', 'Makes a key what sets have in common.', SET_RULES.common),
  stores('sunionstore', 'Makes a key the set of all members of several sets.', SET_RULES.all),
  stores('sdiffstore', 'Makes a key what a set has, and other sets have not.', SET_RULES.first),
  readsCounted('sintercard', -3, 'How many members sets have in common.', countCommon),
];

function combines(name: string, summary: string, rule: number): DataCommand {
  return reads(name, -2, ALL_KEYS, summary, (words, batch) =>
    writeKeys(batch, SET_KINDS.setCombine, inOrder | rule, words, NO_KEY, 1, words.count, combined),
  );
}

function stores(name: string, summary: string, rule: number): DataCommand {
  return writes(name, -3, ALL_KEYS, summary, (words, batch) =>
    writeKeys(batch, SET_KINDS.setStore, rule, words, KEY, 2, words.count, counted),
  );
}

/** An operation whose items are the keys from word `from` on, up to `end`. */
function writeKeys(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  key: number,
  from: number,
  end: number,
  step: ResultStep,
  most?: number,
): void {
  for (let word = from; word < end; word++) checkKey(words, word);
  writeItems(batch, kind, options, words, key, from, end, step, most);
}

function countCommon(words: Arguments, batch: CommandBatch): void {
  const keys = keyCountOf(words, 1);
  if (keys > words.count - 2) throw new CommandError("ERR Number of keys can't be greater than number of args");
  const end = 2 + keys;
  let most = 0;
  for (let at = end; at < words.count; at += 2) {
    if (words.word(at) !== 'LIMIT' || at + 1 === words.count) throw syntaxError();
    most = countOf(words, at + 1, 0, "ERR LIMIT can't be negative");
  }
  writeKeys(batch, SET_KINDS.setCount, 0, words, NO_KEY, 2, end, counted, most);
}

function pop(words: Arguments, batch: CommandBatch): void {
  if (words.count > 3) throw syntaxError();
  const hasCount = words.count === 3;
  const count = hasCount ? popCountOf(words, 2) : 1;
  const step = hasCount ? itemSet : item;
  writeOperation(batch, SET_KINDS.setPop, inOrder, words, KEY, step, count, drawSeed());
}

function random(words: Arguments, batch: CommandBatch): void {
  if (words.count > 3) throw syntaxError();
  const hasCount = words.count === 3;
  const count = hasCount ? drawCountOf(words, 2, false) : 1;
  const step = hasCount ? items : item;
  writeOperation(batch, SET_KINDS.setRandom, inOrder, words, KEY, step, count, drawSeed());
}

/** Whether the set has the only member that was asked for. */
const firstFlag: ResultStep = (reply) => {
  if (results.isDone) reply.integer(results.bytes[results.data] ?? 0);
  else isError(reply);
};

const flags: ResultStep = (reply) => {
  const { isDone, bytes, data, end } = results;
  if (!isDone) {
    isError(reply);
    return;
  }
  reply.array(end - data);
  for (let at = data; at < end; at++) reply.integer(bytes[at] ?? 0);
};

const combined: ResultStep = (reply, batch) => {
  if (!isTooMany(reply)) itemSet(reply, batch);
};

const counted: ResultStep = (reply, batch) => {
  if (!isTooMany(reply)) integer(reply, batch);
};

/** Write an error if more members would have to be looked at than may be. @returns whether it is so */
function isTooMany(reply: ReplyWriter): boolean {
  const isSo = results.status === STATUS.tooMuch;
  if (isSo) reply.error(TOO_MANY);
  return isSo;
}
