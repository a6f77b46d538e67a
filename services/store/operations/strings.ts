/**
 * Operations on keys, and on values of bytes.
 *
 * | kind            | value           | numbers                              | does                                              | result   |
 * | --------------- | --------------- | ------------------------------------ | ------------------------------------------------- | -------- |
 * | get             |                 |                                      |                                                   | found    |
 * | set             | the value       | f64 time, as options say; f64 revision | writes the key                                  | revision |
 * | delete          |                 | f64 revision, as options say         |                                                   | nothing  |
 * | increment       |                 | i64 amount                           | adds to a whole number in decimal                 | integer  |
 * | head            |                 |                                      | tells of the key, and not its value               | head     |
 * | range           |                 | f64 first, f64 last                  | a part of the value, negative: from its end       | data     |
 * | patch           | the bytes       | f64 offset, -1: the end              | writes into the value; what is new before is 0    | integer  |
 * | expire          |                 | f64 time, 0: never                   | changes when the key is gone; past: it is removed | nothing  |
 * | copy            | another key     |                                      | the other key becomes what this one is            | nothing  |
 * | scan            | a pattern       | f64 position, f64 keys               | keys from a position on                           | data     |
 * | flush           |                 | f64 position, f64 keys               | removes keys from a position on                   | integer  |
 * | incrementFloat  | the amount      |                                      | adds to a number in decimal                       | data     |
 * | expect          |                 | f64 revision, f64 operations         | unless the key has it, so many after it are skipped | nothing |
 * | size            |                 |                                      | how many keys there are, or have a deadline       | integer  |
 *
 * A page of `scan` is f64 position of the next page (0: there is none), and of each key u16 bytes, bytes.
 */
import type { Buffer } from 'node:buffer';
import {
  MAX_TIME_TO_LIVE_MS,
  NUMBER_BYTES,
  OPERATION_HEAD_BYTES,
  OPTIONS,
  SHAPES,
  VALUE_LENGTH_BYTES,
} from './format.ts';
import { checkWhole, type Data, dataBytes, keyBytes, valueBytes, writeData, writeHead } from './writing.ts';

export const KINDS = {
  get: 1,
  set: 2,
  delete: 3,
  increment: 4,
  head: 5,
  range: 6,
  patch: 7,
  expire: 8,
  copy: 9,
  scan: 10,
  flush: 11,
  incrementFloat: 12,
  expect: 13,
  size: 14,
} as const;

export const STRING_SHAPES: Readonly<Record<number, number>> = {
  [KINDS.get]: SHAPES.found,
  [KINDS.set]: SHAPES.revision,
  [KINDS.delete]: SHAPES.nothing,
  [KINDS.increment]: SHAPES.integer,
  [KINDS.head]: SHAPES.head,
  [KINDS.range]: SHAPES.data,
  [KINDS.patch]: SHAPES.integer,
  [KINDS.expire]: SHAPES.nothing,
  [KINDS.copy]: SHAPES.nothing,
  [KINDS.scan]: SHAPES.data,
  [KINDS.flush]: SHAPES.integer,
  [KINDS.incrementFloat]: SHAPES.data,
  [KINDS.expect]: SHAPES.nothing,
  [KINDS.size]: SHAPES.integer,
};

export interface SetOperation {
  readonly key: Data;
  readonly value: Data;
  /** Only if the key is not there, or only if it is. */
  readonly ifAbsent?: boolean | undefined;
  readonly ifPresent?: boolean | undefined;
  /** Only if the key was not written since it had this revision. */
  readonly ifRevision?: number | undefined;
  /** The key is gone after so many ms; without this it stays. */
  readonly timeToLiveMs?: number | undefined;
}

export interface DeleteOperation {
  readonly key: Data;
  readonly ifRevision?: number | undefined;
}

export interface IncrementOperation {
  readonly key: Data;
  readonly amount: bigint;
}

export interface ScanOperation {
  /** What is looked for: `*` any letters, `?` one, `[a-z]` one of these, `\\` the next one as it is. */
  readonly pattern: Data;
  /** Where it begins: 0, or what the page before says. */
  readonly position: number;
  /** About so many are looked at. */
  readonly count: number;
  /** Only keys of this type; 0: of any. */
  readonly type: number;
}

/** @throws RangeError when the key is too long */
export function sizeOfGet(key: Data): number {
  return OPERATION_HEAD_BYTES + keyBytes(key);
}

export function writeGet(bytes: Buffer, at: number, key: Data): number {
  return writeData(bytes, writeHead(bytes, at, KINDS.get, 0, key), key);
}

/** @throws RangeError when key, value, revision or time to live are not within their limits */
export function sizeOfSet({ key, value, ifRevision, timeToLiveMs }: SetOperation): number {
  checkWhole('a revision', ifRevision, Number.MAX_SAFE_INTEGER);
  checkWhole('a time to live, in ms,', timeToLiveMs, MAX_TIME_TO_LIVE_MS);
  const numbers = (ifRevision === undefined ? 0 : NUMBER_BYTES) + (timeToLiveMs === undefined ? 0 : NUMBER_BYTES);
  return OPERATION_HEAD_BYTES + VALUE_LENGTH_BYTES + numbers + keyBytes(key) + valueBytes(value);
}

export function writeSet(bytes: Buffer, at: number, operation: SetOperation): number {
  const { key, value, ifAbsent = false, ifPresent = false, ifRevision, timeToLiveMs } = operation;
  const options =
    (ifAbsent ? OPTIONS.ifAbsent : 0) |
    (ifPresent ? OPTIONS.ifPresent : 0) |
    (ifRevision === undefined ? 0 : OPTIONS.ifRevision) |
    (timeToLiveMs === undefined ? 0 : OPTIONS.timeToLive);
  let to = writeHead(bytes, at, KINDS.set, options, key);
  to = bytes.writeUInt32LE(dataBytes(value), to);
  if (timeToLiveMs !== undefined) to = bytes.writeDoubleLE(timeToLiveMs, to);
  if (ifRevision !== undefined) to = bytes.writeDoubleLE(ifRevision, to);
  return writeData(bytes, writeData(bytes, to, key), value);
}

/** @throws RangeError when key or revision are not within their limits */
export function sizeOfDelete({ key, ifRevision }: DeleteOperation): number {
  checkWhole('a revision', ifRevision, Number.MAX_SAFE_INTEGER);
  return OPERATION_HEAD_BYTES + (ifRevision === undefined ? 0 : NUMBER_BYTES) + keyBytes(key);
}

export function writeDelete(bytes: Buffer, at: number, { key, ifRevision }: DeleteOperation): number {
  let to = writeHead(bytes, at, KINDS.delete, ifRevision === undefined ? 0 : OPTIONS.ifRevision, key);
  if (ifRevision !== undefined) to = bytes.writeDoubleLE(ifRevision, to);
  return writeData(bytes, to, key);
}

/** @throws RangeError when the key is too long */
export function sizeOfIncrement({ key }: IncrementOperation): number {
  return OPERATION_HEAD_BYTES + NUMBER_BYTES + keyBytes(key);
}

/** @throws RangeError when the amount does not fit into 64 bits */
export function writeIncrement(bytes: Buffer, at: number, { key, amount }: IncrementOperation): number {
  const to = bytes.writeBigInt64LE(amount, writeHead(bytes, at, KINDS.increment, 0, key));
  return writeData(bytes, to, key);
}

/** @throws RangeError when the pattern is too long, or the count no whole number above 0 */
export function sizeOfScan({ pattern, count }: ScanOperation): number {
  checkWhole('a number of keys', count, Number.MAX_SAFE_INTEGER);
  return OPERATION_HEAD_BYTES + VALUE_LENGTH_BYTES + 2 * NUMBER_BYTES + keyBytes(pattern);
}

export function writeScan(bytes: Buffer, at: number, { pattern, position, count, type }: ScanOperation): number {
  let to = bytes.writeUInt32LE(dataBytes(pattern), writeHead(bytes, at, KINDS.scan, type, ''));
  to = bytes.writeDoubleLE(count, bytes.writeDoubleLE(position, to));
  return writeData(bytes, to, pattern);
}
