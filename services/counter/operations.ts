/**
 * How counters' operations and results look in a batch, for the worker and for clients alike.
 *
 * An operation is the amount to add, 8 bytes, signed, little-endian; adding 0 reads. The results are the value after each, coded
 * the same, and then, only if there were any, the indexes of those operations whose sum did not fit into 64 bits, each a u32
 * little-endian, rising: these changed nothing.
 */
import { Buffer } from 'node:buffer';

/** Bytes of an amount or a value. */
export const AMOUNT_BYTES = 8;
/** Bytes of the index of an operation that overflowed. */
export const INDEX_BYTES = 4;
export const MIN_AMOUNT = -(2n ** 63n);
export const MAX_AMOUNT = 2n ** 63n - 1n;

const MAX_SHOWN_CHARACTERS = 60;
const TWO_TO_32 = 2 ** 32;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** A view of more memory than this is not kept. */
const MAX_VIEWED_BYTES = 1024 * 1024;

/**
 * Access to bytes without the checks of Buffer's methods, which cost several times as much. Bytes come in rows in the same memory, of
 * which a view is made once.
 * @returns what gives a view of the memory that bytes are in: their byte `at` is at `bytes.byteOffset + at` of it
 */
export function memoryViews(): (bytes: Uint8Array) => DataView {
  let last: DataView = new DataView(new ArrayBuffer(0));
  return ({ buffer }) => {
    if (last.buffer === buffer) return last;
    const view = new DataView(buffer);
    if (buffer.byteLength <= MAX_VIEWED_BYTES) last = view;
    return view;
  };
}

/**
 * Write one amount at byte `at`; small numbers cost no BigInt.
 * @returns where it ends
 * @throws RangeError when it is not an exact integer of 64 bits, TypeError when it is no number at all
 */
export function writeAmount(bytes: Buffer, at: number, amount: number | bigint): number {
  if (typeof amount === 'number') {
    if (!Number.isSafeInteger(amount)) {
      throw new RangeError(`${amount} is not an exact integer: pass whole numbers up to 2^53 - 1, or a bigint`);
    }
    const high = Math.floor(amount / TWO_TO_32);
    bytes.writeUInt32LE(amount - high * TWO_TO_32, at);
    bytes.writeInt32LE(high, at + 4);
  } else if (typeof amount === 'bigint') {
    if (amount < MIN_AMOUNT || amount > MAX_AMOUNT) throw new RangeError(`${amount} does not fit into 64 bits`);
    bytes.writeBigInt64LE(amount, at);
  } else {
    throw new TypeError(`an amount is a number or a bigint, not ${describe(amount)}`);
  }
  return at + AMOUNT_BYTES;
}

/** A value that the type checker did not keep out. */
function describe(amount: unknown): string {
  return typeof amount === 'string' ? `the string '${amount.slice(0, MAX_SHOWN_CHARACTERS)}'` : typeof amount;
}

/**
 * Write many amounts from byte `at` on.
 * @returns where they end
 * @throws RangeError when one is not an exact integer of 64 bits; what was written by then is undefined
 */
export function writeAmounts(bytes: Buffer, at: number, amounts: BigInt64Array | readonly (number | bigint)[]): number {
  if (amounts instanceof BigInt64Array && IS_LITTLE_ENDIAN) {
    bytes.set(new Uint8Array(amounts.buffer, amounts.byteOffset, amounts.byteLength), at);
  } else {
    for (const [index, amount] of amounts.entries()) writeAmount(bytes, at + index * AMOUNT_BYTES, amount);
  }
  return at + amounts.length * AMOUNT_BYTES;
}

/**
 * Whether results are those of `count` operations.
 * @throws RangeError when they are not
 */
export function checkResults(results: Uint8Array, count: number): void {
  const indexBytes = results.length - count * AMOUNT_BYTES;
  if (indexBytes < 0 || indexBytes % INDEX_BYTES !== 0 || indexBytes > count * INDEX_BYTES) {
    throw new RangeError(`${results.length} bytes are not the results of ${count} counter operations`);
  }
}

/** The value after the operation with this index. */
export function readValue(results: Uint8Array, index: number): bigint {
  const at = index * AMOUNT_BYTES;
  if (at + AMOUNT_BYTES > results.length) throw new RangeError(`there is no result with index ${index}`);
  return memoryOfResults(results).getBigInt64(results.byteOffset + at, true);
}

const memoryOfResults = memoryViews();

/** Copy the values after `count` operations from `index` on into `values`, from its place `to` on. */
export function readValues(results: Uint8Array, index: number, count: number, values: BigInt64Array, to: number): void {
  if (IS_LITTLE_ENDIAN) {
    const target = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    target.set(results.subarray(index * AMOUNT_BYTES, (index + count) * AMOUNT_BYTES), to * AMOUNT_BYTES);
    return;
  }
  for (let i = 0; i < count; i++) values[to + i] = readValue(results, index + i);
}

/**
 * Indexes of the operations, among `count` from `index` on, that overflowed; the batch had `batchCount` in all. They rise, so that the
 * many calls that travelled in one batch do not each read all of them.
 */
export function readOverflows(results: Uint8Array, batchCount: number, index: number, count: number): number[] {
  const bytes = asBuffer(results);
  const start = batchCount * AMOUNT_BYTES;
  const total = (bytes.length - start) / INDEX_BYTES;
  const indexAt = (place: number): number => bytes.readUInt32LE(start + place * INDEX_BYTES);
  let [low, high] = [0, total];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (indexAt(middle) < index) low = middle + 1;
    else high = middle;
  }
  const overflows: number[] = [];
  for (let place = low; place < total && indexAt(place) < index + count; place++) overflows.push(indexAt(place));
  return overflows;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
