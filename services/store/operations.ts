/**
 * How a store's operations and results look in a batch, for the worker and for clients alike; everything little-endian.
 *
 *     u8 kind, u8 options, u16 bytes of the key, then, where the kind and the options say so:
 *     u32 bytes of the value · numbers, 8 bytes each · key, value
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
 * A result is u8 status, with its shape in the high half; then, of an operation that was done: `found`: f64 revision, f64 deadline (0:
 * none), u32 bytes of the value, value; `revision`: f64; `integer`: i64; `head`: f64 revision, f64 deadline, f64 the store's clock, u32 bytes
 * of the value, or elements of a collection, u8 type, u8 marks of a collection; `data`: u32 bytes, bytes. A page of `scan` is, in these bytes, f64 position of the next page (0: there is none)
 * and of each key u16 bytes, bytes.
 *
 * Several members in one operation or result are items: of each u32 bytes, bytes. In a result their number, u32, stands before them.
 */
import { Buffer } from 'node:buffer';
import { MAX_BATCH_BYTES } from '@dpr/protocol';
import { LIST_KINDS } from './operations/lists.ts';
import { SET_KINDS } from './operations/sets.ts';

export { eachItem, MISSING } from './operations/items.ts';
export * from './operations/sets.ts';

/** The type's name in a stack's config. */
export const STORE_TYPE = 'store';

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

/** Bits of an operation's options. */
export const OPTIONS = {
  /** `set`, `copy`: only if the key that is written is not there. */
  ifAbsent: 1,
  /** `set`: only if the key is there. */
  ifPresent: 2,
  ifRevision: 4,
  /** There is a time, in ms from now. */
  timeToLive: 8,
  /** There is a time, in ms since 1970. */
  deadline: 16,
  /** `set`: the key's time stays as it is. */
  keepDeadline: 32,
  /** Where the result does not fit with those of the operations before, nothing after it is done either. */
  inOrder: 64,
  /** `copy`: the key is not there afterwards. */
  move: 128,
} as const;

/** Bits of the options of `expire`, besides that of a time to live. */
export const EXPIRE_OPTIONS = {
  /** Only if the key has no deadline, or only if it has one. */
  ifNone: 1,
  ifSome: 2,
  /** Only if it becomes later, or only if it becomes earlier; no deadline is the latest of all. */
  ifLater: 4,
  ifEarlier: 16,
} as const;

/** Bits of the options of `get`, besides `inOrder`: where the key is no string, the operation after it is not done either. */
export const GET_GUARD = 1;
/** Bits of the options of `scan`, besides `inOrder`: only keys of this type; 0: of any. */
export const SCAN_TYPE_MASK = 7;
/** Bits of the options of `flush` and `size`. */
export const FLUSH_WHOLE = 1;
export const SIZE_OF_DEADLINES = 1;

/** Why an operation was not done, or that it was. */
export const STATUS = {
  done: 0,
  /** `get`, `delete`: the key is not there. */
  absent: 1,
  /** A condition was not met. */
  unmet: 2,
  /** `increment`: the value is no whole number of 64 bits, written in decimal. */
  notNumber: 3,
  /** `increment`: the sum does not fit into 64 bits. */
  overflow: 4,
  /** The worker has no memory for it. */
  full: 5,
  /** The results of the batch would be too large with this one. Alone in a batch a value fits. */
  tooLarge: 6,
  /** Not done, because an `expect` before it was not met, or a `get` that guards it found no string. */
  skipped: 7,
  /** `patch`: the value would have more than `MAX_VALUE_BYTES`. `flush`: there are more than `MAX_FLUSHED_KEYS`. */
  tooMuch: 8,
  /** Not done, because the result of one before it was too large, and they were to be done in order. */
  notReached: 9,
  /** The key holds a value of another type. */
  wrongType: 10,
} as const;

/** What follows the status of an operation that was done. */
export const SHAPES = { found: 1, revision: 2, nothing: 3, integer: 4, head: 5, data: 6 } as const;

const SHAPE_OF: Readonly<Record<number, number>> = {
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
  [LIST_KINDS.listPush]: SHAPES.integer,
  [LIST_KINDS.listPop]: SHAPES.data,
  [LIST_KINDS.listIndex]: SHAPES.data,
  [LIST_KINDS.listSet]: SHAPES.nothing,
  [LIST_KINDS.listRange]: SHAPES.data,
  [LIST_KINDS.listInsert]: SHAPES.integer,
  [LIST_KINDS.listRemove]: SHAPES.integer,
  [LIST_KINDS.listTrim]: SHAPES.nothing,
  [LIST_KINDS.listPositions]: SHAPES.data,
  [LIST_KINDS.listMove]: SHAPES.data,
  [LIST_KINDS.listPopFirst]: SHAPES.data,
  [SET_KINDS.setAdd]: SHAPES.integer,
  [SET_KINDS.setRemove]: SHAPES.integer,
  [SET_KINDS.setHas]: SHAPES.data,
  [SET_KINDS.setAll]: SHAPES.data,
  [SET_KINDS.setPop]: SHAPES.data,
  [SET_KINDS.setRandom]: SHAPES.data,
  [SET_KINDS.setScan]: SHAPES.data,
  [SET_KINDS.setMove]: SHAPES.integer,
  [SET_KINDS.setCombine]: SHAPES.data,
  [SET_KINDS.setStore]: SHAPES.integer,
  [SET_KINDS.setCount]: SHAPES.integer,
};

export const MAX_KEY_BYTES = 65_535;
/** Room in a batch for a value beside the longest key, and in the results beside those of other operations. */
const RESERVED_BYTES = 128 * 1024;
export const MAX_VALUE_BYTES = MAX_BATCH_BYTES - RESERVED_BYTES;
/** A time to live; ms. */
export const MAX_TIME_TO_LIVE_MS = 2 ** 50;

export const OPERATION_HEAD_BYTES = 4;
export const VALUE_LENGTH_BYTES = 4;
export const NUMBER_BYTES = 8;
/** A position that no key comes after: where `scan` and `flush` begin is below it. */
export const END_POSITION = 2 ** 32;
/** A store with more keys is not flushed as a whole, by one operation. */
export const MAX_FLUSHED_KEYS = 100_000;
/** Of a value that was got: revision, deadline and length, after the status. */
export const FOUND_BYTES = 2 * NUMBER_BYTES + VALUE_LENGTH_BYTES;
/** Of what is told of a key: revision, deadline, clock, length, type and marks. */
export const HEAD_BYTES = 3 * NUMBER_BYTES + VALUE_LENGTH_BYTES + 2;

/** Text stands for its UTF-8 bytes. */
export type Data = string | Uint8Array;

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
  const size = dataBytes(value);
  if (size > MAX_VALUE_BYTES)
    throw new RangeError(`a value has at most ${MAX_VALUE_BYTES} bytes, and this has ${size}`);
  return OPERATION_HEAD_BYTES + VALUE_LENGTH_BYTES + numbers + keyBytes(key) + size;
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

function writeHead(bytes: Buffer, at: number, kind: number, options: number, key: Data): number {
  bytes.writeUInt8(kind, at);
  bytes.writeUInt8(options, at + 1);
  return bytes.writeUInt16LE(dataBytes(key), at + 2);
}

function writeData(bytes: Buffer, at: number, data: Data): number {
  if (typeof data === 'string') return at + bytes.write(data, at);
  bytes.set(data, at);
  return at + data.length;
}

function keyBytes(key: Data): number {
  const size = dataBytes(key);
  if (size > MAX_KEY_BYTES) throw new RangeError(`a key has at most ${MAX_KEY_BYTES} bytes, and this has ${size}`);
  return size;
}

function dataBytes(data: Data): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  if (data instanceof Uint8Array) return data.length;
  throw new TypeError(`a key or a value is text or a Uint8Array, not ${typeof data}`);
}

function checkWhole(what: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
  throw new RangeError(`${what} is a whole number from 1 to ${most}, not ${value}`);
}

/** What a key held. */
export interface Found {
  /** Its bytes, which share memory with other results that were received at the time. */
  readonly value: Uint8Array;
  /** Another number with each write: `ifRevision` of the next one says that nothing came between. */
  readonly revision: number;
  /** When it will be gone, in ms since 1970 by the worker's clock; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** Results of a batch, of which each is found by its index. */
export interface Results {
  readonly bytes: Buffer;
  /** Where each begins. */
  readonly starts: readonly number[];
}

/** How many bytes follow the status of an operation that was done, besides a value or data. */
const DONE_BYTES: Readonly<Record<number, number>> = {
  [SHAPES.found]: FOUND_BYTES,
  [SHAPES.revision]: NUMBER_BYTES,
  [SHAPES.nothing]: 0,
  [SHAPES.integer]: NUMBER_BYTES,
  [SHAPES.head]: HEAD_BYTES,
  [SHAPES.data]: VALUE_LENGTH_BYTES,
};
/** Results can be told apart without the operations. */
const SHAPE_SHIFT = 4;
const STATUS_MASK = 15;

export function statusByte(kind: number, status: number): number {
  return ((SHAPE_OF[kind] ?? 0) << SHAPE_SHIFT) | status;
}

export function statusIn(head: number): number {
  return head & STATUS_MASK;
}

/**
 * Find the results of `count` operations.
 * @throws RangeError when these are none
 */
export function decodeResults(results: Uint8Array, count: number): Results {
  const bytes = Buffer.from(results.buffer, results.byteOffset, results.length);
  const starts: number[] = [];
  let at = 0;
  while (at < bytes.length && starts.length < count) {
    starts.push(at);
    at += resultBytes(bytes, at);
  }
  if (starts.length === count && at === bytes.length) return { bytes, starts };
  throw new RangeError(`${results.length} bytes are not the results of ${count} operations of a store`);
}

/** Bytes of the result that begins at byte `at`; NaN where there is none. */
export function resultBytes(bytes: Buffer, at: number): number {
  const head = bytes[at] ?? 0;
  const shape = head >>> SHAPE_SHIFT;
  const done = DONE_BYTES[shape];
  if (done === undefined) return NaN;
  if ((head & STATUS_MASK) !== STATUS.done) return 1;
  const end = at + 1 + done;
  if ((shape !== SHAPES.found && shape !== SHAPES.data) || end > bytes.length) return 1 + done;
  return 1 + done + bytes.readUInt32LE(end - VALUE_LENGTH_BYTES);
}

/** The status of the operation with this index. */
export function readStatus({ bytes, starts }: Results, index: number): number {
  return (bytes[starts[index] ?? bytes.length] ?? 0) & STATUS_MASK;
}

/** @returns undefined if the key was not there */
export function readFound(results: Results, index: number): Found | undefined {
  if (readStatus(results, index) !== STATUS.done) return undefined;
  const { bytes, starts } = results;
  const at = (starts[index] ?? 0) + 1;
  const deadline = bytes.readDoubleLE(at + NUMBER_BYTES);
  const from = at + FOUND_BYTES;
  return {
    value: bytes.subarray(from, from + bytes.readUInt32LE(from - VALUE_LENGTH_BYTES)),
    revision: bytes.readDoubleLE(at),
    expiresAt: deadline === 0 ? undefined : deadline,
  };
}

/** The revision that was written; undefined if a condition was not met. */
export function readRevision(results: Results, index: number): number | undefined {
  if (readStatus(results, index) !== STATUS.done) return undefined;
  return results.bytes.readDoubleLE((results.starts[index] ?? 0) + 1);
}

export function readDone(results: Results, index: number): boolean {
  return readStatus(results, index) === STATUS.done;
}

/** The value after an increment; of one that failed 0. */
export function readSum(results: Results, index: number): bigint {
  if (readStatus(results, index) !== STATUS.done) return 0n;
  return results.bytes.readBigInt64LE((results.starts[index] ?? 0) + 1);
}
