/** Commands on keys, whatever they hold. */
import { type Arguments, type CommandBatch, CommandError, type DataCommand, numberOf, syntaxError } from '@dpr/resp';
import { ASIDE, KINDS, OPTIONS } from '../operations.ts';
import { ALL_KEYS, ONE_KEY, reads, TWO_KEYS, writes } from './data-command.ts';
import { checkKey, writeOperation, writeValueOperation } from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { countDone, okIfThere, oneOrZero, renamed, sumOfDone } from './steps.ts';
import { typeName } from './type-names.ts';

const KEY = 1;

export const KEY_COMMANDS: readonly DataCommand[] = [
  writes('del', -2, ALL_KEYS, 'Removes keys.', (words, batch) => onEach(words, batch, KINDS.delete, 0)),
  writes('unlink', -2, ALL_KEYS, 'Removes keys.', (words, batch) => onEach(words, batch, KINDS.delete, 0)),
  reads('exists', -2, ALL_KEYS, 'How many of these keys are there.', (words, batch) =>
    onEach(words, batch, KINDS.head, ASIDE),
  ),
  reads('touch', -2, ALL_KEYS, 'Uses keys, and tells how many of them are there.', (words, batch) =>
    onEach(words, batch, KINDS.head, 0),
  ),
  reads('type', 2, ONE_KEY, 'What a key holds.', (words, batch) =>
    writeOperation(batch, KINDS.head, ASIDE, words, KEY, (reply) =>
      reply.simple(results.isDone ? typeName(results.type) : 'none'),
    ),
  ),
  writes('rename', 3, TWO_KEYS, 'Gives a key another name.', (words, batch) =>
    toOther(words, batch, OPTIONS.move, okIfThere),
  ),
  writes('renamenx', 3, TWO_KEYS, 'Gives a key another name that no key has.', (words, batch) =>
    toOther(words, batch, OPTIONS.move | OPTIONS.ifAbsent, renamed),
  ),
  writes('copy', -3, TWO_KEYS, 'Makes another key what this one is.', copy),
];

function onEach(words: Arguments, batch: CommandBatch, kind: number, options: number): void {
  const last = words.count - 1;
  for (let key = KEY; key <= last; key++) {
    writeOperation(batch, kind, options, words, key, key === last ? sumOfDone : countDone);
  }
}

function toOther(words: Arguments, batch: CommandBatch, options: number, step: typeof oneOrZero): void {
  checkKey(words, 2);
  writeValueOperation(batch, KINDS.copy, options, words, KEY, 2, step);
}

function copy(words: Arguments, batch: CommandBatch): void {
  let options: number = OPTIONS.ifAbsent;
  for (let at = 3; at < words.count; at++) {
    const word = words.word(at);
    if (word === 'REPLACE') options = 0;
    else if (word !== 'DB' || at + 1 === words.count) throw syntaxError();
    else if (numberOf(words, ++at) !== 0)
      throw new CommandError('ERR DB index is out of range: there is one database, 0');
  }
  if (words.slice(1).equals(words.slice(2))) {
    throw new CommandError('ERR source and destination objects are the same');
  }
  toOther(words, batch, options, oneOrZero);
}
