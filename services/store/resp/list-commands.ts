/** Commands on lists. */
import {
  type Arguments,
  type CommandBatch,
  CommandError,
  type DataCommand,
  integerOf,
  NO_KEYS,
  type ResultStep,
  syntaxError,
} from '@dpr/resp';
import { eachItem, KINDS, NUMBER_BYTES, OPTIONS, STATUS } from '../operations.ts';
import { LIST_KINDS, LIST_OPTIONS, MAX_COMPARED_ELEMENTS } from '../operations/lists.ts';
import { TYPES } from '../engine/index.ts';
import { countOf, firstPopOf, placeOf, popCountOf } from './counts.ts';
import { ONE_KEY, reads, TWO_KEYS, writes } from './data-command.ts';
import { item, items } from './item-steps.ts';
import { checkKey, writeFirstPop, writeItems, writeOperation, writeValueOperation } from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { integer, isError, lengthOf, okIfThere } from './steps.ts';

const KEY = 1;

export const LIST_COMMANDS: readonly DataCommand[] = [
  pushes('lpush', 'Adds elements before the first one.', LIST_OPTIONS.atFirst),
  pushes('rpush', 'Adds elements behind the last one.', 0),
  pushes(
    'lpushx',
    'Adds elements before the first one, if there is a list.',
    LIST_OPTIONS.atFirst | LIST_OPTIONS.ifPresent,
  ),
  pushes('rpushx', 'Adds elements behind the last one, if there is a list.', LIST_OPTIONS.ifPresent),
  pops('lpop', 'Removes the first elements.', LIST_OPTIONS.atFirst),
  pops('rpop', 'Removes the last elements.', 0),
  reads('llen', 2, ONE_KEY, 'How many elements there are.', (words, batch) =>
    writeOperation(batch, KINDS.head, 0, words, KEY, lengthOf(TYPES.list)),
  ),
  reads('lindex', 3, ONE_KEY, 'The element at a place.', (words, batch) =>
    writeOperation(batch, LIST_KINDS.listIndex, OPTIONS.inOrder, words, KEY, elementOrNull, placeOf(words, 2)),
  ),
  reads('lrange', 4, ONE_KEY, 'The elements from a place to another.', (words, batch) =>
    writeRange(batch, LIST_KINDS.listRange, OPTIONS.inOrder, words, items),
  ),
  reads('lpos', -3, ONE_KEY, 'Where elements like this are.', positions),
  writes('lset', 4, ONE_KEY, 'Puts an element in the place of another.', (words, batch) =>
    writeValueOperation(batch, LIST_KINDS.listSet, 0, words, KEY, 3, setReply, placeOf(words, 2)),
  ),
  writes('linsert', 5, ONE_KEY, 'Puts an element beside another.', insert),
  writes('lrem', 4, ONE_KEY, 'Removes elements like this.', (words, batch) =>
    writeValueOperation(batch, LIST_KINDS.listRemove, 0, words, KEY, 3, compared(integer), placeOf(words, 2)),
  ),
  writes('ltrim', 4, ONE_KEY, 'Removes all but the elements from a place to another.', (words, batch) =>
    writeRange(batch, LIST_KINDS.listTrim, 0, words, okOrError),
  ),
  writes('lmove', 5, TWO_KEYS, 'Moves an element to another list.', (words, batch) =>
    move(words, batch, sideOf(words, 3, LIST_OPTIONS.atFirst) | sideOf(words, 4, LIST_OPTIONS.toFirst)),
  ),
  writes(
    'rpoplpush',
    3,
    TWO_KEYS,
    'Moves the last element of a list before the first one of another.',
    (words, batch) => move(words, batch, LIST_OPTIONS.toFirst),
  ),
  writes('lmpop', -4, NO_KEYS, 'Removes elements of the first list of several that is there.', popOfFirst),
];

function pushes(name: string, summary: string, options: number): DataCommand {
  return writes(name, -3, ONE_KEY, summary, (words, batch) =>
    writeItems(batch, LIST_KINDS.listPush, options, words, KEY, 2, words.count, integer),
  );
}

function pops(name: string, summary: string, options: number): DataCommand {
  return writes(name, -2, ONE_KEY, summary, (words, batch) => {
    if (words.count > 3) throw new CommandError(`ERR wrong number of arguments for '${name}' command`);
    const count = words.count === 3 ? popCountOf(words, 2) : 1;
    const step = words.count === 3 ? elementsOrNull : item;
    writeOperation(batch, LIST_KINDS.listPop, options | OPTIONS.inOrder, words, KEY, step, count);
  });
}

/** An operation on the elements from a place to another. */
function writeRange(batch: CommandBatch, kind: number, options: number, words: Arguments, step: ResultStep): void {
  writeOperation(batch, kind, options, words, KEY, step, placeOf(words, 2), placeOf(words, 3));
}

function sideOf(words: Arguments, index: number, first: number): number {
  const word = words.word(index);
  if (word !== 'LEFT' && word !== 'RIGHT') throw syntaxError();
  return word === 'LEFT' ? first : 0;
}

function insert(words: Arguments, batch: CommandBatch): void {
  const word = words.word(2);
  if (word !== 'BEFORE' && word !== 'AFTER') throw syntaxError();
  const options = word === 'AFTER' ? LIST_OPTIONS.behind : 0;
  writeItems(batch, LIST_KINDS.listInsert, options, words, KEY, 3, 5, compared(insertReply));
}

function move(words: Arguments, batch: CommandBatch, options: number): void {
  checkKey(words, 2);
  writeValueOperation(batch, LIST_KINDS.listMove, options | OPTIONS.inOrder, words, KEY, 2, elementOrNull);
}

function positions(words: Arguments, batch: CommandBatch): void {
  let [rank, most] = [1, 0];
  let count: number | undefined;
  for (let at = 3; at < words.count; at += 2) {
    const word = words.word(at);
    if (at + 1 === words.count) throw syntaxError();
    if (word === 'RANK') rank = rankOf(words, at + 1);
    else if (word === 'COUNT') count = countOf(words, at + 1, 0, "ERR COUNT can't be negative");
    else if (word === 'MAXLEN') most = countOf(words, at + 1, 0, "ERR MAXLEN can't be negative");
    else throw syntaxError();
  }
  const step = count === undefined ? firstPosition : allPositions;
  const { listPositions } = LIST_KINDS;
  writeValueOperation(batch, listPositions, OPTIONS.inOrder, words, KEY, 2, compared(step), rank, count ?? 1, most);
}

/** The least number of 64 bits, which has no opposite, is taken as -1 by Redis 7.0. */
const LEAST_RANK = -(2n ** 63n);

function rankOf(words: Arguments, index: number): number {
  const rank = integerOf(words, index) === LEAST_RANK ? -1 : placeOf(words, index);
  if (rank !== 0) return rank;
  throw new CommandError(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
  );
}

/** LMPOP numkeys key … LEFT | RIGHT [COUNT count] */
function popOfFirst(words: Arguments, batch: CommandBatch): void {
  const { end, count } = firstPopOf(words, ['LEFT', 'RIGHT']);
  const options = sideOf(words, end, LIST_OPTIONS.atFirst) | OPTIONS.inOrder;
  writeFirstPop(batch, LIST_KINDS.listPopFirst, options, words, end, keyAndElements, count);
}

/** The step of a command that compares elements, of which there may be too many. */
function compared(step: ResultStep): ResultStep {
  return (reply, batch) => {
    if (results.status !== STATUS.tooMuch) return step(reply, batch);
    reply.error(`ERR a list is searched through at most ${MAX_COMPARED_ELEMENTS} elements: LPOS has MAXLEN`);
  };
}

const elementOrNull: ResultStep = (reply) => {
  if (results.isDone) reply.bytesOf(results.bytes, results.data, results.end);
  else if (!isError(reply)) reply.null();
};

const elementsOrNull: ResultStep = (reply, batch) => {
  if (results.status === STATUS.absent) reply.nullArray();
  else items(reply, batch);
};

/** The first of the items is the key. */
const keyAndElements: ResultStep = (reply) => {
  if (!results.isDone) {
    if (!isError(reply)) reply.nullArray();
    return;
  }
  const count = results.bytes.readUInt32LE(results.data);
  reply.array(2);
  let index = 0;
  eachItem(results.bytes, results.data, (from, end) => {
    reply.bytesOf(results.bytes, from, end);
    if (index++ === 0) reply.array(count - 1);
  });
};

const setReply: ResultStep = (reply, batch) => {
  if (results.status === STATUS.unmet) reply.error('ERR index out of range');
  else okIfThere(reply, batch);
};

const okOrError: ResultStep = (reply) => {
  if (!isError(reply)) reply.ok();
};

const insertReply: ResultStep = (reply, batch) => {
  if (results.status === STATUS.unmet) reply.integer(-1);
  else integer(reply, batch);
};

const firstPosition: ResultStep = (reply) => {
  if (!results.isDone) {
    if (!isError(reply)) reply.null();
  } else if (results.data === results.end) reply.null();
  else reply.integer(results.bytes.readDoubleLE(results.data));
};

const allPositions: ResultStep = (reply) => {
  if (!results.isDone) {
    if (!isError(reply)) reply.array(0);
    return;
  }
  reply.array((results.end - results.data) / NUMBER_BYTES);
  for (let at = results.data; at < results.end; at += NUMBER_BYTES) reply.integer(results.bytes.readDoubleLE(at));
};
