/** How a key is kept, in Redis' words. */
import { type Arguments, type CommandBatch, CommandError, type DataCommand, type ResultStep } from '@dpr/resp';
import { MARKS } from '../collections/marks.ts';
import { DECIMAL_BYTES, parseDecimal } from '../decimal.ts';
import { ASIDE, KINDS, OPTIONS, VALUE_TYPES } from '../operations.ts';
import { reads } from './data-command.ts';
import { writeOperation } from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { encodingOf } from './type-names.ts';

const KEY = 2;
/** A longer string is a raw one. */
const EMBEDDED_BYTES = 44;

export const OBJECT_COMMAND: DataCommand = reads('object', -2, [2, 2, 1], 'How a key is kept.', (words, batch) => {
  const subcommand = words.word(1);
  if (words.count === 3 && subcommand === 'ENCODING') writeEncoding(words, batch);
  else if (words.count === 3 && subcommand === 'REFCOUNT') {
    writeOperation(batch, KINDS.head, ASIDE, words, KEY, (reply) => {
      if (results.isDone) reply.integer(1);
      else reply.null();
    });
  } else throw new CommandError(`ERR unknown subcommand '${words.text(1)}': there are ENCODING and REFCOUNT`);
});

/** Of a string the beginning is looked at too: whether it is a number. */
function writeEncoding(words: Arguments, batch: CommandBatch): void {
  writeOperation(batch, KINDS.head, ASIDE, words, KEY, encoding);
  writeOperation(batch, KINDS.range, OPTIONS.inOrder | ASIDE, words, KEY, stringEncoding, 0, DECIMAL_BYTES);
}

const encoding: ResultStep = (reply, batch) => {
  if (!results.isDone) reply.null();
  else if (results.type === VALUE_TYPES.string) batch.tally = 1 + results.length;
  else reply.bulk(encodingOf(results.type, (results.marks & MARKS.large) !== 0));
};

const stringEncoding: ResultStep = (reply, batch) => {
  if (batch.tally === 0 || !results.isDone) return;
  const length = batch.tally - 1;
  const { bytes, data } = results;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (length <= DECIMAL_BYTES && parseDecimal(view, data, length) !== undefined) reply.bulk('int');
  else reply.bulk(length <= EMBEDDED_BYTES ? 'embstr' : 'raw');
};
