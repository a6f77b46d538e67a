/** Writes operations of a store with keys and values that lie in the words of a command. */
import { type Arguments, type CommandBatch, CommandError, type ResultStep } from '@dpr/resp';
import {
  KINDS,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  NUMBER_BYTES,
  OPERATION_HEAD_BYTES,
  VALUE_LENGTH_BYTES,
} from '../operations.ts';
import { FIRST_OF_KEYS } from './counts.ts';

/** In place of the index of a key's word: the operation is on no key, or on all. */
export const NO_KEY = 0;

/** An operation without a value. */
export function writeOperation(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  key: number,
  step: ResultStep,
  first?: number,
  second?: number,
): void {
  const keyBytes = key === NO_KEY ? 0 : keyLength(words, key);
  const size = OPERATION_HEAD_BYTES + bytesOf(first, second) + keyBytes;
  let at = writeHead(batch, batch.operation(size, step), kind, options, keyBytes);
  at = writeNumbers(batch, at, first, second);
  if (keyBytes > 0) words.copyTo(key, batch.bytes, at);
}

/** An operation with a value, which is the word with index `value`. */
export function writeValueOperation(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  key: number,
  value: number,
  step: ResultStep,
  first?: number,
  second?: number,
  third?: number,
): void {
  const bytes = valueLength(words, value);
  const at = writeBeforeValue(batch, kind, options, words, key, bytes, step, first, second, third);
  words.copyTo(value, batch.bytes, at);
}

/** An operation with a value of so many bytes, which the caller writes then. @returns where */
export function writeBeforeValue(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  key: number,
  valueBytes: number,
  step: ResultStep,
  first?: number,
  second?: number,
  third?: number,
): number {
  const keyBytes = key === NO_KEY ? 0 : keyLength(words, key);
  const size = OPERATION_HEAD_BYTES + VALUE_LENGTH_BYTES + bytesOf(first, second, third) + keyBytes + valueBytes;
  let at = writeHead(batch, batch.operation(size, step), kind, options, keyBytes);
  at = batch.bytes.writeUInt32LE(valueBytes, at);
  at = writeNumbers(batch, at, first, second, third);
  if (keyBytes > 0) words.copyTo(key, batch.bytes, at);
  return at + keyBytes;
}

/** An operation whose value is words, from that with index `from` to that before `end`: of each u32 bytes, bytes. */
export function writeItems(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  key: number,
  from: number,
  end: number,
  step: ResultStep,
  first?: number,
): void {
  let bytes = 0;
  for (let word = from; word < end; word++) bytes += VALUE_LENGTH_BYTES + valueLength(words, word);
  let at = writeBeforeValue(batch, kind, options, words, key, bytes, step, first);
  for (let word = from; word < end; word++) {
    at = batch.bytes.writeUInt32LE(words.length(word), at);
    words.copyTo(word, batch.bytes, at);
    at += words.length(word);
  }
}

/** An operation on the first of the keys in the words up to `end` that is there. @see firstPopOf */
export function writeFirstPop(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  end: number,
  step: ResultStep,
  count: number,
): void {
  const others = FIRST_OF_KEYS + 1;
  for (let key = others; key < end; key++) checkKey(words, key);
  writeItems(batch, kind, options, words, FIRST_OF_KEYS, others, end, step, count);
}

/** One of several words that have a number each, in the value of an operation: f64 number, u32 bytes, bytes. @returns where it ends */
export function writeScoredItem(
  batch: CommandBatch,
  at: number,
  score: number,
  words: Arguments,
  word: number,
): number {
  const length = words.length(word);
  const to = batch.bytes.writeUInt32LE(length, batch.bytes.writeDoubleLE(score, at));
  words.copyTo(word, batch.bytes, to);
  return to + length;
}

/** An operation whose value is a pattern, on all keys or on the elements of one. @param key 0: on all */
export function writePatternOperation(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  key: number,
  pattern: Uint8Array,
  position: number,
  count: number,
  step: ResultStep,
): void {
  const keyBytes = key === NO_KEY ? 0 : keyLength(words, key);
  const size = OPERATION_HEAD_BYTES + VALUE_LENGTH_BYTES + 2 * NUMBER_BYTES + keyBytes + pattern.length;
  let at = writeHead(batch, batch.operation(size, step), kind, options, keyBytes);
  at = batch.bytes.writeUInt32LE(pattern.length, at);
  at = writeNumbers(batch, at, position, count);
  if (keyBytes > 0) words.copyTo(key, batch.bytes, at);
  batch.bytes.set(pattern, at + keyBytes);
}

/** An operation on all keys, or on none. */
export function writeKeyless(
  batch: CommandBatch,
  kind: number,
  options: number,
  step: ResultStep,
  first?: number,
  second?: number,
): void {
  const size = OPERATION_HEAD_BYTES + bytesOf(first, second);
  writeNumbers(batch, writeHead(batch, batch.operation(size, step), kind, options, 0), first, second);
}

export function writeIncrement(batch: CommandBatch, words: Arguments, amount: bigint, step: ResultStep): void {
  const keyBytes = keyLength(words, 1);
  const at = batch.operation(OPERATION_HEAD_BYTES + NUMBER_BYTES + keyBytes, step);
  const to = writeHead(batch, at, KINDS.increment, 0, keyBytes);
  batch.view.setBigInt64(to, amount, true);
  words.copyTo(1, batch.bytes, to + NUMBER_BYTES);
}

/** An increment of the member of a collection, which is the word with index `member`. */
export function writeMemberIncrement(
  batch: CommandBatch,
  kind: number,
  words: Arguments,
  member: number,
  amount: bigint,
  step: ResultStep,
): void {
  const keyBytes = keyLength(words, 1);
  const bytes = valueLength(words, member);
  const size = OPERATION_HEAD_BYTES + VALUE_LENGTH_BYTES + NUMBER_BYTES + keyBytes + bytes;
  const at = writeHead(batch, batch.operation(size, step), kind, 0, keyBytes);
  batch.view.setUint32(at, bytes, true);
  batch.view.setBigInt64(at + VALUE_LENGTH_BYTES, amount, true);
  const key = at + VALUE_LENGTH_BYTES + NUMBER_BYTES;
  words.copyTo(1, batch.bytes, key);
  words.copyTo(member, batch.bytes, key + keyBytes);
}

/** `expect` for a key that was copied. */
export function writeExpect(
  batch: CommandBatch,
  key: Uint8Array,
  revision: number,
  operations: number,
  step: ResultStep,
): void {
  const size = OPERATION_HEAD_BYTES + 2 * NUMBER_BYTES + key.length;
  const at = writeHead(batch, batch.operation(size, step), KINDS.expect, 0, key.length);
  batch.bytes.set(key, writeNumbers(batch, at, revision, operations));
}

/** `expect` that a key is not there. */
export function writeExpectAbsent(
  batch: CommandBatch,
  words: Arguments,
  key: number,
  operations: number,
  step: ResultStep,
): void {
  writeOperation(batch, KINDS.expect, 0, words, key, step, 0, operations);
}

/** @throws CommandError when the key is too long */
export function checkKey(words: Arguments, key: number): void {
  const length = words.length(key);
  if (length <= MAX_KEY_BYTES) return;
  throw new CommandError(`ERR a key has at most ${MAX_KEY_BYTES} bytes, and this has ${length}`);
}

function keyLength(words: Arguments, key: number): number {
  checkKey(words, key);
  return words.length(key);
}

/** @throws CommandError when the value is too long */
export function valueLength(words: Arguments, value: number): number {
  const length = words.length(value);
  if (length <= MAX_VALUE_BYTES) return length;
  throw new CommandError(`ERR a value has at most ${MAX_VALUE_BYTES} bytes, and this has ${length}`);
}

function writeHead(batch: CommandBatch, at: number, kind: number, options: number, keyBytes: number): number {
  const { view } = batch;
  view.setUint16(at, kind | (options << 8), true);
  view.setUint16(at + 2, keyBytes, true);
  return at + OPERATION_HEAD_BYTES;
}

function bytesOf(first?: number, second?: number, third?: number): number {
  const numbers = third === undefined ? (second === undefined ? (first === undefined ? 0 : 1) : 2) : 3;
  return numbers * NUMBER_BYTES;
}

function writeNumbers(batch: CommandBatch, at: number, first?: number, second?: number, third?: number): number {
  if (first === undefined) return at;
  batch.view.setFloat64(at, first, true);
  if (second === undefined) return at + NUMBER_BYTES;
  batch.view.setFloat64(at + NUMBER_BYTES, second, true);
  if (third === undefined) return at + 2 * NUMBER_BYTES;
  batch.view.setFloat64(at + 2 * NUMBER_BYTES, third, true);
  return at + 3 * NUMBER_BYTES;
}
