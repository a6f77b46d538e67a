/** Commands on all keys. */
import {
  type Arguments,
  type CommandBatch,
  type DataCommand,
  NO_KEYS,
  type ReplyWriter,
  type ResultStep,
  syntaxError,
} from '@dpr/resp';
import { END_POSITION, FLUSH_WHOLE, KINDS, MAX_FLUSHED_KEYS, NUMBER_BYTES, OPTIONS, STATUS } from '../operations.ts';
import { reads, writes } from './data-command.ts';
import { NO_KEY, writeKeyless, writePatternOperation } from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { ALL, patternOf, scanOptionsOf } from './scan-options.ts';
import { integer, tooLarge } from './steps.ts';
import { typeNamed } from './type-names.ts';

/** Keys lie at distances that chance chose: the next one after a place is not drawn as often as others, but any of so many is. */
const DRAWN_FROM = 16;
/** Where the key that was drawn begins in the reply. */
let drawnFrom = 0;
/** So many keys are removed before others have their turn. */
const FLUSHED_TOGETHER = 10_000;
const ANY_TYPE = 0;
const LENGTH_BYTES = 2;

export const WALK_COMMANDS: readonly DataCommand[] = [
  reads('scan', -2, NO_KEYS, 'Some keys, from a cursor on.', scan),
  reads('keys', 2, NO_KEYS, 'All keys that fit a pattern.', (words, batch) =>
    walk(words, batch, patternOf(words, 1), 0, Number.MAX_SAFE_INTEGER, allKeys),
  ),
  reads('randomkey', 1, NO_KEYS, 'Any key.', (words, batch) => {
    walk(words, batch, ALL, Math.floor(Math.random() * END_POSITION), DRAWN_FROM, drawnKey);
    walk(words, batch, ALL, 0, DRAWN_FROM, drawnKeyOrNull);
  }),
  reads('dbsize', 1, NO_KEYS, 'How many keys there are.', (_words, batch) =>
    writeKeyless(batch, KINDS.size, 0, integer),
  ),
  flushes('flushdb'),
  flushes('flushall'),
];

function walk(
  words: Arguments,
  batch: CommandBatch,
  pattern: Uint8Array,
  position: number,
  keys: number,
  step: ResultStep,
): void {
  writePatternOperation(batch, KINDS.scan, OPTIONS.inOrder, words, NO_KEY, pattern, position, keys, step);
}

function scan(words: Arguments, batch: CommandBatch): void {
  const { position, pattern, count, type: name } = scanOptionsOf(words, 1, true);
  const type = name === undefined ? ANY_TYPE : typeNamed(name);
  const options = OPTIONS.inOrder | (type ?? ANY_TYPE);
  const step = type === undefined ? emptyPage : page;
  writePatternOperation(batch, KINDS.scan, options, words, NO_KEY, pattern, position, count, step);
}

/** The keys of the page that is the present result. */
function eachKey(take: (from: number, end: number) => void): void {
  const { bytes, end } = results;
  for (let at = results.data + NUMBER_BYTES; at < end;) {
    const from = at + LENGTH_BYTES;
    at = from + bytes.readUInt16LE(at);
    take(from, at);
  }
}

function writeKeys(reply: ReplyWriter): void {
  let count = 0;
  eachKey(() => count++);
  reply.array(count);
  eachKey((from, end) => reply.bytesOf(results.bytes, from, end));
}

function nextPosition(): number {
  return results.bytes.readDoubleLE(results.data);
}

const page: ResultStep = (reply) => {
  if (!results.isDone) return tooLarge(reply);
  reply.array(2);
  reply.bulk(String(nextPosition()));
  writeKeys(reply);
};

/** No key is of the type that was asked for. */
const emptyPage: ResultStep = (reply) => {
  if (!results.isDone) return tooLarge(reply);
  reply.array(2);
  reply.bulk(String(nextPosition()));
  reply.array(0);
};

const allKeys: ResultStep = (reply) => {
  if (!results.isDone || nextPosition() !== 0) return tooLarge(reply);
  writeKeys(reply);
};

/** Any of the keys that were met so far, of which `tally` tells how many: each new one takes its turn in place of the one before. */
const drawnKey: ResultStep = (reply, batch) => {
  if (!results.isDone || batch.tally >= DRAWN_FROM) return;
  eachKey((from, end) => {
    batch.tally++;
    if (Math.random() * batch.tally >= 1) return;
    if (batch.tally > 1) reply.cut(drawnFrom);
    drawnFrom = reply.bytes;
    reply.bytesOf(results.bytes, from, end);
  });
};

const drawnKeyOrNull: ResultStep = (reply, batch) => {
  drawnKey(reply, batch);
  if (batch.tally === 0) reply.null();
};

function flushes(name: string): DataCommand {
  return {
    ...writes(name, -1, NO_KEYS, 'Removes all keys.', (words, batch) => {
      checkFlush(words);
      flushFrom(0, batch);
    }),
    isAlone: true,
    writeWhole(words, batch) {
      checkFlush(words);
      writeKeyless(batch, KINDS.flush, FLUSH_WHOLE, flushedWhole, 0, 1);
    },
  };
}

function checkFlush(words: Arguments): void {
  if (words.count > 2 || (words.count === 2 && !['SYNC', 'ASYNC'].includes(words.word(1)))) throw syntaxError();
}

function flushFrom(position: number, batch: CommandBatch): void {
  const step: ResultStep = (reply) => {
    const next = Number(results.integer);
    if (next === 0) reply.ok();
    else batch.more = (more) => flushFrom(next, more);
  };
  writeKeyless(batch, KINDS.flush, 0, step, position, FLUSHED_TOGETHER);
}

const flushedWhole: ResultStep = (reply) => {
  if (results.status !== STATUS.tooMuch) return reply.ok();
  reply.error(`ERR a transaction flushes at most ${MAX_FLUSHED_KEYS} keys: flush outside of MULTI`);
};
