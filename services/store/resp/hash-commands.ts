/** Commands on hashes. */
import {
  type Arguments,
  type CommandBatch,
  CommandError,
  type DataCommand,
  integerOf,
  type ResultStep,
  syntaxError,
} from '@dpr/resp';
import { isFraction, MAX_FRACTION_TEXT_BYTES } from '../fraction.ts';
import { HASH_KINDS, HASH_OPTIONS, OPTIONS, STATUS } from '../operations.ts';
import { drawCountOf, drawSeed } from './draw-options.ts';
import { ONE_KEY, reads, writes } from './data-command.ts';
import { item, itemMap, itemPage, itemPairs, items } from './item-steps.ts';
import {
  writeItems,
  writeMemberIncrement,
  writeOperation,
  writePatternOperation,
  writeValueOperation,
} from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { scanOptionsOf } from './scan-options.ts';
import { float, integer, okUnlessFailed, oneOrZero } from './steps.ts';

const KEY = 1;
const FIELD = 2;
const { inOrder } = OPTIONS;
const { fields, values } = HASH_OPTIONS;

const INFINITE = /^[+-]?inf(inity)?$/i;

export const HASH_COMMANDS: readonly DataCommand[] = [
  writes('hset', -4, ONE_KEY, 'Writes fields of a hash.', (words, batch) => setFields(words, batch, 'hset', integer)),
  writes('hmset', -4, ONE_KEY, 'Writes fields of a hash.', (words, batch) =>
    setFields(words, batch, 'hmset', okUnlessFailed),
  ),
  writes('hsetnx', 4, ONE_KEY, 'Writes a field that is not there.', (words, batch) =>
    writeItems(batch, HASH_KINDS.hashSet, HASH_OPTIONS.ifAbsent, words, KEY, FIELD, words.count, integer),
  ),
  reads('hget', 3, ONE_KEY, 'The value of a field.', (words, batch) =>
    writeItems(batch, HASH_KINDS.hashGet, inOrder, words, KEY, FIELD, words.count, item),
  ),
  reads('hmget', -3, ONE_KEY, 'The values of fields.', (words, batch) =>
    writeItems(batch, HASH_KINDS.hashGet, inOrder, words, KEY, FIELD, words.count, items),
  ),
  tellsAll('hgetall', 'All fields with their values.', fields | values, itemMap),
  tellsAll('hkeys', 'All fields.', fields, items),
  tellsAll('hvals', 'The values of all fields.', values, items),
  reads('hlen', 2, ONE_KEY, 'How many fields there are.', (words, batch) =>
    writeOperation(batch, HASH_KINDS.hashSize, 0, words, KEY, integer),
  ),
  reads('hexists', 3, ONE_KEY, 'Whether a field is there.', (words, batch) =>
    writeValueOperation(batch, HASH_KINDS.hashLength, 0, words, KEY, FIELD, oneOrZero),
  ),
  reads('hstrlen', 3, ONE_KEY, 'The length of the value of a field.', (words, batch) =>
    writeValueOperation(batch, HASH_KINDS.hashLength, 0, words, KEY, FIELD, integer),
  ),
  writes('hdel', -3, ONE_KEY, 'Removes fields.', (words, batch) =>
    writeItems(batch, HASH_KINDS.hashDelete, 0, words, KEY, FIELD, words.count, integer),
  ),
  writes('hincrby', 4, ONE_KEY, 'Adds a whole number to a field.', (words, batch) =>
    writeMemberIncrement(batch, HASH_KINDS.hashIncrement, words, FIELD, integerOf(words, 3), sum),
  ),
  writes('hincrbyfloat', 4, ONE_KEY, 'Adds a number with a fraction to a field.', incrementFloat),
  reads('hrandfield', -2, ONE_KEY, 'Any fields.', randomFields),
  reads('hscan', -3, ONE_KEY, 'Some fields, from a cursor on.', (words, batch) => {
    const { position, pattern, count } = scanOptionsOf(words, 2, false);
    const options = inOrder | fields | values;
    writePatternOperation(batch, HASH_KINDS.hashScan, options, words, KEY, pattern, position, count, itemPage);
  }),
];

function setFields(words: Arguments, batch: CommandBatch, command: string, step: ResultStep): void {
  if (words.count % 2 !== 0) throw new CommandError(`ERR wrong number of arguments for '${command}' command`);
  writeItems(batch, HASH_KINDS.hashSet, 0, words, KEY, FIELD, words.count, step);
}

function tellsAll(name: string, summary: string, what: number, step: ResultStep): DataCommand {
  return reads(name, 2, ONE_KEY, summary, (words, batch) =>
    writeOperation(batch, HASH_KINDS.hashAll, inOrder | what, words, KEY, step),
  );
}

/** The number of a field, after it was added to. */
const sum: ResultStep = (reply, batch) => {
  if (results.status === STATUS.notNumber) reply.error('ERR hash value is not an integer');
  else integer(reply, batch);
};

const fractionSum: ResultStep = (reply, batch) => {
  if (results.status === STATUS.notNumber) reply.error('ERR hash value is not a float');
  else float(reply, batch);
};

function incrementFloat(words: Arguments, batch: CommandBatch): void {
  if (INFINITE.test(words.text(3))) throw new CommandError('ERR value is NaN or Infinity');
  if (words.length(3) > MAX_FRACTION_TEXT_BYTES || !isFraction(words.text(3))) {
    throw new CommandError('ERR value is not a valid float');
  }
  writeItems(batch, HASH_KINDS.hashIncrementFloat, inOrder, words, KEY, FIELD, words.count, fractionSum);
}

function randomFields(words: Arguments, batch: CommandBatch): void {
  if (words.count === 2) {
    writeOperation(batch, HASH_KINDS.hashRandom, inOrder | fields, words, KEY, item, 1, drawSeed());
    return;
  }
  const hasValues = words.count === 4 && words.word(3) === 'WITHVALUES';
  if (words.count > 3 && !hasValues) throw syntaxError();
  const count = drawCountOf(words, 2, hasValues);
  const options = inOrder | fields | (hasValues ? values : 0);
  writeOperation(batch, HASH_KINDS.hashRandom, options, words, KEY, hasValues ? itemPairs : items, count, drawSeed());
}
