/**
 * Numbers at any place, little-endian and unsigned: several times as fast as Buffer's methods, which check their arguments in
 * JavaScript. The reader has checked that the bytes are there.
 */

import { MAX_EXACT_U64 } from './limits.ts';

const TWO_TO_32 = 2 ** 32;
const TWO_TO_21 = 2 ** 21;

/** Frames come in rows in the same memory. */
let last: DataView = new DataView(new ArrayBuffer(0));

/** The memory that these bytes are in: their byte `at` is at `bytes.byteOffset + at` of it. */
export function memoryOf(bytes: Uint8Array): DataView {
  if (last.buffer !== bytes.buffer) last = new DataView(bytes.buffer);
  return last;
}

export function getU32(memory: DataView, at: number): number {
  return memory.getUint32(at, true);
}

/** @returns the number, which its reader compares with `MAX_EXACT_U64`: NaN if it is not exact below that */
export function getU64(memory: DataView, at: number): number {
  const low = memory.getUint32(at, true);
  const high = memory.getUint32(at + 4, true);
  return high < TWO_TO_21 ? low + high * TWO_TO_32 : aboveExact(low, high);
}

/** A number from 2^53 on: NaN if it is odd, or more than `MAX_EXACT_U64`. */
function aboveExact(low: number, high: number): number {
  const isExact = low % 2 === 0 && (high < 2 * TWO_TO_21 || (high === 2 * TWO_TO_21 && low === 0));
  return isExact ? low + high * TWO_TO_32 : NaN;
}

/**
 * Node's own writers check the range, but cut off fractions and take NaN for 0.
 * @returns the same
 * @throws RangeError unless it is an unsigned integer of 32 bits
 */
export function checkU32(value: number): number {
  if (value >>> 0 !== value) throw new RangeError(`${value} is not an unsigned integer of 32 bits`);
  return value;
}

/** @throws RangeError when it does not fit */
export function setU32(memory: DataView, at: number, value: number): void {
  memory.setUint32(at, checkU32(value), true);
}

/** @throws RangeError when it does not fit */
export function setU64(memory: DataView, at: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > MAX_EXACT_U64)
    throw new RangeError(`${value} is not an exact unsigned integer`);
  memory.setUint32(at, value >>> 0, true);
  memory.setUint32(at + 4, Math.floor(value / TWO_TO_32), true);
}
