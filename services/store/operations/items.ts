/** Members and values, several in one operation or result. */
import type { Buffer } from 'node:buffer';

/** In place of the length of an item that is not there. */
export const MISSING = 2 ** 32 - 1;
const LENGTH_BYTES = 4;

/** Give `take` where each item of a result begins and ends. @param at where their number is @param take is given -1 for one that is missing */
export function eachItem(bytes: Buffer, at: number, take: (from: number, end: number) => void): void {
  let from = at + LENGTH_BYTES;
  for (let left = bytes.readUInt32LE(at); left > 0; left--) {
    const length = bytes.readUInt32LE(from);
    from += LENGTH_BYTES;
    if (length === MISSING) take(-1, -1);
    else take(from, (from += length));
  }
}
