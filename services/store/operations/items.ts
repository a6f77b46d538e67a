/** Members and values, several in one operation or result. */
import type { Buffer } from 'node:buffer';
import { MISSING, VALUE_LENGTH_BYTES } from './format.ts';
import { type Data, dataBytes, valueBytes, writeData } from './writing.ts';

/** @throws RangeError when one of them is too long, or when there is none */
export function sizeOfItems(items: readonly Data[]): number {
  if (items.length === 0) throw new RangeError('there is at least one member, and none was given');
  let size = 0;
  for (const item of items) size += VALUE_LENGTH_BYTES + valueBytes(item);
  return size;
}

/** @returns where they end */
export function writeItems(bytes: Buffer, at: number, items: readonly Data[]): number {
  let to = at;
  for (const item of items) to = writeData(bytes, bytes.writeUInt32LE(dataBytes(item), to), item);
  return to;
}

/** Give `take` where each item of a result begins and ends. @param at where their number is @param take is given -1 for one that is missing */
export function eachItem(bytes: Buffer, at: number, take: (from: number, end: number) => void): void {
  let from = at + VALUE_LENGTH_BYTES;
  for (let left = bytes.readUInt32LE(at); left > 0; left--) {
    const length = bytes.readUInt32LE(from);
    from += VALUE_LENGTH_BYTES;
    if (length === MISSING) take(-1, -1);
    else take(from, (from += length));
  }
}
