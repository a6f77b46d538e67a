/** Reads results. */
import { Buffer } from 'node:buffer';
import { FOUND_BYTES, HEAD_BYTES, NUMBER_BYTES, SHAPES, STATUS, VALUE_LENGTH_BYTES } from './format.ts';
import { HASH_SHAPES } from './hashes.ts';
import { eachItem } from './items.ts';
import { LIST_SHAPES } from './lists.ts';
import { SET_SHAPES } from './sets.ts';
import { SORTED_SET_SHAPES } from './sorted-sets.ts';
import { STRING_SHAPES } from './strings.ts';

/** Of a key in a page of them. */
const KEY_LENGTH_BYTES = 2;

const SHAPE_OF: Readonly<Record<number, number>> = {
  ...STRING_SHAPES,
  ...HASH_SHAPES,
  ...LIST_SHAPES,
  ...SET_SHAPES,
  ...SORTED_SET_SHAPES,
};

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

/** A number: how many there are, or the value after an increment; of one that failed 0. */
export function readSum(results: Results, index: number): bigint {
  if (readStatus(results, index) !== STATUS.done) return 0n;
  return results.bytes.readBigInt64LE((results.starts[index] ?? 0) + 1);
}

/** The items of the operation with this index, of which those that are missing are undefined; none where the key is not there. */
export function readItems(results: Results, index: number): (Uint8Array | undefined)[] {
  if (readStatus(results, index) !== STATUS.done) return [];
  return itemsAt(results, (results.starts[index] ?? 0) + 1 + VALUE_LENGTH_BYTES);
}

/** The same for items that the position of a next page stands before, which is 0 where there is none. */
export function readPage(results: Results, index: number): { next: number; items: (Uint8Array | undefined)[] } {
  if (readStatus(results, index) !== STATUS.done) return { next: 0, items: [] };
  const at = (results.starts[index] ?? 0) + 1 + VALUE_LENGTH_BYTES;
  return { next: results.bytes.readDoubleLE(at), items: itemsAt(results, at + NUMBER_BYTES) };
}

function itemsAt({ bytes }: Results, at: number): (Uint8Array | undefined)[] {
  const items: (Uint8Array | undefined)[] = [];
  eachItem(bytes, at, (from, end) => items.push(from < 0 ? undefined : bytes.subarray(from, end)));
  return items;
}

/** A page of keys, and the position of the next one, which is 0 where there is none. */
export function readKeys({ bytes, starts }: Results, index: number): { next: number; items: Uint8Array[] } {
  const data = (starts[index] ?? 0) + 1 + VALUE_LENGTH_BYTES;
  const end = starts[index + 1] ?? bytes.length;
  const items: Uint8Array[] = [];
  for (let at = data + NUMBER_BYTES; at < end;) {
    const from = at + KEY_LENGTH_BYTES;
    at = from + bytes.readUInt16LE(at);
    items.push(bytes.subarray(from, at));
  }
  return { next: bytes.readDoubleLE(data), items };
}
