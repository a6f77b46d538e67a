/** Commands on values of bytes. */
import {
  type Arguments,
  type CommandBatch,
  CommandError,
  type DataCommand,
  integerOf,
  numberOf,
  syntaxError,
} from '@dpr/resp';
import { MAX_FRACTION_TEXT_BYTES } from '../fraction.ts';
import { EXPIRE_OPTIONS, GET_GUARD, KINDS, MAX_VALUE_BYTES, OPTIONS, VALUE_TYPES } from '../operations.ts';
import { nearestExact } from './counts.ts';
import { ALL_KEYS, ONE_KEY, PAIRS, reads, writes } from './data-command.ts';
import { writeExpectAbsent, writeIncrement, writeOperation, writeValueOperation } from './operation-writer.ts';
import {
  bulk,
  bulkBefore,
  bulkOrNull,
  data,
  float,
  integer,
  lengthOf,
  noteError,
  okOrNull,
  okUnlessNoted,
  oneOrZero,
  oneUnlessNoted,
  silentUnlessFailed,
} from './steps.ts';
import { timeOf, TIME_WORDS } from './time-options.ts';

const KEY = 1;
const MAX_AMOUNT = 2n ** 63n;
const stringLength = lengthOf(VALUE_TYPES.string);
const INFINITE = /^[+-]?inf(inity)?$/i;

export const STRING_COMMANDS: readonly DataCommand[] = [
  reads('get', 2, ONE_KEY, 'The value of a key.', (words, batch) => writeGet(batch, words, KEY)),
  writes('set', -3, ONE_KEY, 'Writes a key.', set),
  writes('setnx', 3, ONE_KEY, 'Writes a key that is not there.', (words, batch) =>
    writeValueOperation(batch, KINDS.set, OPTIONS.ifAbsent, words, KEY, 2, oneOrZero),
  ),
  writes('setex', 4, ONE_KEY, 'Writes a key for some seconds.', (words, batch) => setFor(words, batch, 'EX', 'setex')),
  writes('psetex', 4, ONE_KEY, 'Writes a key for some ms.', (words, batch) => setFor(words, batch, 'PX', 'psetex')),
  writes('getset', 3, ONE_KEY, 'Writes a key, and tells what it was.', (words, batch) => {
    writeGetBefore(batch, words);
    writeValueOperation(batch, KINDS.set, 0, words, KEY, 2, silentUnlessFailed);
  }),
  writes('getdel', 2, ONE_KEY, 'Removes a key, and tells what it was.', (words, batch) => {
    writeGetBefore(batch, words);
    writeOperation(batch, KINDS.delete, 0, words, KEY, silentUnlessFailed);
  }),
  writes('getex', -2, ONE_KEY, 'The value of a key, and when it will be gone.', getEx),
  writes('append', 3, ONE_KEY, 'Adds to the end of a value.', (words, batch) =>
    writeValueOperation(batch, KINDS.patch, 0, words, KEY, 2, integer, -1),
  ),
  reads('strlen', 2, ONE_KEY, 'The length of a value.', (words, batch) =>
    writeOperation(batch, KINDS.head, 0, words, KEY, stringLength),
  ),
  reads('getrange', 4, ONE_KEY, 'A part of a value.', getRange),
  reads('substr', 4, ONE_KEY, 'A part of a value.', getRange),
  writes('setrange', 4, ONE_KEY, 'Writes a part of a value.', setRange),
  writes('incr', 2, ONE_KEY, 'Adds 1.', (words, batch) => writeIncrement(batch, words, 1n, integer)),
  writes('decr', 2, ONE_KEY, 'Subtracts 1.', (words, batch) => writeIncrement(batch, words, -1n, integer)),
  writes('incrby', 3, ONE_KEY, 'Adds a whole number.', (words, batch) =>
    writeIncrement(batch, words, integerOf(words, 2), integer),
  ),
  writes('decrby', 3, ONE_KEY, 'Subtracts a whole number.', (words, batch) => {
    const amount = -integerOf(words, 2);
    if (amount === MAX_AMOUNT) throw new CommandError('ERR decrement would overflow');
    writeIncrement(batch, words, amount, integer);
  }),
  writes('incrbyfloat', 3, ONE_KEY, 'Adds a number with a fraction.', (words, batch) => {
    if (words.length(2) > MAX_FRACTION_TEXT_BYTES) throw new CommandError('ERR value is not a valid float');
    if (INFINITE.test(words.text(2))) throw new CommandError('ERR increment would produce NaN or Infinity');
    writeValueOperation(batch, KINDS.incrementFloat, OPTIONS.inOrder, words, KEY, 2, float);
  }),
  reads('mget', -2, ALL_KEYS, 'The values of keys.', (words, batch) => {
    batch.literal(Buffer.from(`*${words.count - 1}\r\n`));
    for (let key = KEY; key < words.count; key++) writeGet(batch, words, key, bulkOrNull);
  }),
  writes('mset', -3, PAIRS, 'Writes keys.', (words, batch) => {
    checkPairs(words, 'mset');
    writePairs(words, batch, okUnlessNoted);
  }),
  writes('msetnx', -3, PAIRS, 'Writes keys of which none is there.', (words, batch) => {
    checkPairs(words, 'msetnx');
    const pairs = (words.count - 1) / 2;
    for (let pair = 0; pair < pairs; pair++) {
      writeExpectAbsent(batch, words, KEY + 2 * pair, 2 * pairs - 1 - pair, noteError);
    }
    writePairs(words, batch, oneUnlessNoted);
  }),
];

function writeGet(batch: CommandBatch, words: Arguments, key: number, step = bulk): void {
  writeOperation(batch, KINDS.get, OPTIONS.inOrder, words, key, step);
}

/** The value, before the one operation that follows: that is not done where the key holds no string. */
function writeGetBefore(batch: CommandBatch, words: Arguments): void {
  writeOperation(batch, KINDS.get, OPTIONS.inOrder | GET_GUARD, words, KEY, bulkBefore);
}

/** What the options of SET, or GETEX, say. */
interface SetOptions {
  options: number;
  time: number | undefined;
  isGet: boolean;
  isPersist: boolean;
}

function set(words: Arguments, batch: CommandBatch): void {
  const { options, time, isGet, isPersist } = optionsOf(words, 3, 'set');
  if (isPersist) throw syntaxError();
  if (isGet) writeGetBefore(batch, words);
  writeValueOperation(batch, KINDS.set, options, words, KEY, 2, isGet ? silentUnlessFailed : okOrNull, time);
}

function optionsOf(words: Arguments, from: number, command: string): SetOptions {
  const said: SetOptions = { options: 0, time: undefined, isGet: false, isPersist: false };
  const say = (option: number, excludes: number): void => {
    if ((said.options & (option | excludes)) !== 0) throw syntaxError();
    said.options |= option;
  };
  const times = OPTIONS.timeToLive | OPTIONS.deadline | OPTIONS.keepDeadline;
  for (let at = from; at < words.count; at++) {
    const word = words.word(at);
    const time = Object.hasOwn(TIME_WORDS, word) ? TIME_WORDS[word] : undefined;
    if (word === 'NX') say(OPTIONS.ifAbsent, OPTIONS.ifPresent);
    else if (word === 'XX') say(OPTIONS.ifPresent, OPTIONS.ifAbsent);
    else if (word === 'KEEPTTL') say(OPTIONS.keepDeadline, times);
    else if (word === 'GET') said.isGet = true;
    else if (word === 'PERSIST' && said.options === 0) said.isPersist = true;
    else if (time !== undefined && at + 1 < words.count && !said.isPersist) {
      say(time.isRelative ? OPTIONS.timeToLive : OPTIONS.deadline, times);
      said.time = timeOf(words, ++at, time, command);
    } else throw syntaxError();
  }
  return said;
}

function setFor(words: Arguments, batch: CommandBatch, unit: 'EX' | 'PX', command: string): void {
  const time = timeOf(words, 2, { isRelative: true, unitMs: unit === 'EX' ? 1000n : 1n }, command);
  writeValueOperation(batch, KINDS.set, OPTIONS.timeToLive, words, KEY, 3, okOrNull, time);
}

function getEx(words: Arguments, batch: CommandBatch): void {
  const { options, time, isGet, isPersist } = optionsOf(words, 2, 'getex');
  if (isGet || (options & ~(OPTIONS.timeToLive | OPTIONS.deadline)) !== 0) throw syntaxError();
  if (time === undefined && !isPersist) return writeGet(batch, words, KEY);
  writeGetBefore(batch, words);
  const how = isPersist ? EXPIRE_OPTIONS.ifSome : options & OPTIONS.timeToLive;
  writeOperation(batch, KINDS.expire, how, words, KEY, silentUnlessFailed, time ?? 0);
}

function getRange(words: Arguments, batch: CommandBatch): void {
  const [first, last] = [integerOf(words, 2), integerOf(words, 3)];
  // Which is nothing, wherever the value begins.
  const isReversed = first < 0n && last < 0n && first > last;
  const ends = isReversed ? [-1, -2] : [nearestExact(first), nearestExact(last)];
  writeOperation(batch, KINDS.range, OPTIONS.inOrder, words, KEY, data, ends[0], ends[1]);
}

function setRange(words: Arguments, batch: CommandBatch): void {
  const offset = numberOf(words, 2);
  if (offset < 0) throw new CommandError('ERR offset is out of range');
  writeValueOperation(batch, KINDS.patch, 0, words, KEY, 3, integer, Math.min(offset, MAX_VALUE_BYTES));
}

function checkPairs(words: Arguments, command: string): void {
  if (words.count % 2 === 0) throw new CommandError(`ERR wrong number of arguments for '${command}' command`);
}

function writePairs(words: Arguments, batch: CommandBatch, last: typeof okUnlessNoted): void {
  for (let key = KEY; key < words.count; key += 2) {
    writeValueOperation(batch, KINDS.set, 0, words, key, key + 1, key + 2 < words.count ? noteError : last);
  }
}
