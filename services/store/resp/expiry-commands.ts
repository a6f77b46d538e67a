/** Commands on when keys will be gone. */
import { type Arguments, type CommandBatch, CommandError, type DataCommand, type ResultStep } from '@dpr/resp';
import { ASIDE, EXPIRE_OPTIONS, KINDS, OPTIONS } from '../operations.ts';
import { ONE_KEY, reads, writes } from './data-command.ts';
import { writeOperation } from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { oneOrZero } from './steps.ts';
import { anyTimeOf, type TimeWord } from './time-options.ts';

const KEY = 1;
const NO_KEY = -2;
const NEVER = -1;
const SECOND_MS = 1000;
/** A time that has passed; 0 would say: never. */
const PASSED = -1;

const CONDITIONS: Readonly<Record<string, number>> = {
  NX: EXPIRE_OPTIONS.ifNone,
  XX: EXPIRE_OPTIONS.ifSome,
  GT: EXPIRE_OPTIONS.ifLater,
  LT: EXPIRE_OPTIONS.ifEarlier,
};

export const EXPIRY_COMMANDS: readonly DataCommand[] = [
  expires('expire', 'In so many seconds the key is gone.', { isRelative: true, unitMs: 1000n }),
  expires('pexpire', 'In so many ms the key is gone.', { isRelative: true, unitMs: 1n }),
  expires('expireat', 'At this second the key is gone.', { isRelative: false, unitMs: 1000n }),
  expires('pexpireat', 'At this ms the key is gone.', { isRelative: false, unitMs: 1n }),
  tells('ttl', 'In how many seconds the key is gone.', () => toSeconds(results.deadline - results.clock)),
  tells('pttl', 'In how many ms the key is gone.', () => results.deadline - results.clock),
  tells('expiretime', 'At which second the key is gone.', () => toSeconds(results.deadline)),
  tells('pexpiretime', 'At which ms the key is gone.', () => results.deadline),
  writes('persist', 2, ONE_KEY, 'The key stays.', (words, batch) =>
    writeOperation(batch, KINDS.expire, EXPIRE_OPTIONS.ifSome, words, KEY, oneOrZero, 0),
  ),
];

function expires(name: string, summary: string, unit: TimeWord): DataCommand {
  return writes(name, -3, ONE_KEY, summary, (words, batch) => expire(words, batch, name, unit));
}

function expire(words: Arguments, batch: CommandBatch, name: string, unit: TimeWord): void {
  const time = anyTimeOf(words, 2, unit, name);
  const options = conditionsOf(words) | (unit.isRelative ? OPTIONS.timeToLive : 0);
  const isNever = !unit.isRelative && time === 0;
  writeOperation(batch, KINDS.expire, options, words, KEY, oneOrZero, isNever ? PASSED : time);
}

function conditionsOf(words: Arguments): number {
  let options = 0;
  for (let at = 3; at < words.count; at++) {
    const word = words.word(at);
    const condition = Object.hasOwn(CONDITIONS, word) ? CONDITIONS[word] : undefined;
    if (condition === undefined) throw new CommandError(`ERR Unsupported option ${words.text(at)}`);
    options |= condition;
  }
  const has = (condition: number): boolean => (options & condition) !== 0;
  if (has(EXPIRE_OPTIONS.ifNone) && options !== EXPIRE_OPTIONS.ifNone) {
    throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (has(EXPIRE_OPTIONS.ifLater) && has(EXPIRE_OPTIONS.ifEarlier)) {
    throw new CommandError('ERR GT and LT options at the same time are not compatible');
  }
  return options;
}

function tells(name: string, summary: string, time: () => number): DataCommand {
  const step: ResultStep = (reply) => {
    if (!results.isDone) reply.integer(NO_KEY);
    else reply.integer(results.deadline === 0 ? NEVER : time());
  };
  return reads(name, 2, ONE_KEY, summary, (words, batch) => writeOperation(batch, KINDS.head, ASIDE, words, KEY, step));
}

function toSeconds(ms: number): number {
  return Math.round(ms / SECOND_MS);
}
