/** Operations on sets, and what their results say. */
import { type Data, eachItem, readStatus, type Results, SET_KINDS, STATUS } from '@dpr/store/operations';
import assert from 'node:assert/strict';

export interface Parts {
  readonly options?: number;
  /** A list. */
  readonly items?: readonly Data[];
  /** A value that is none. */
  readonly pattern?: string;
  readonly numbers?: readonly number[];
}

function list(items: readonly Data[]): Buffer {
  return Buffer.concat(
    items.flatMap((item) => {
      const bytes = Buffer.from(item as string);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

export function operation(
  kind: keyof typeof SET_KINDS,
  key: Data,
  { options = 0, items, pattern, numbers = [] }: Parts,
): Buffer {
  const keyBytes = Buffer.from(key as string);
  const value = items === undefined ? pattern : list(items);
  const fixed = Buffer.alloc(4 + (value === undefined ? 0 : 4) + 8 * numbers.length);
  fixed.writeUInt8(SET_KINDS[kind], 0);
  fixed.writeUInt8(options, 1);
  fixed.writeUInt16LE(keyBytes.length, 2);
  const bytes = Buffer.from(value ?? '');
  let at = value === undefined ? 4 : fixed.writeUInt32LE(bytes.length, 4);
  for (const number of numbers) at = fixed.writeDoubleLE(number, at);
  return Buffer.concat([fixed, keyBytes, bytes]);
}

/** Where the data of a result is, once it was done. */
function dataAt({ bytes, starts }: Results, index: number): number {
  const at = starts[index] ?? 0;
  assert.equal((bytes[at] ?? 0) & 15, STATUS.done);
  return at + 5;
}

/** The items of a result; of a key that is not there none. */
export function itemsOf(results: Results, index: number, skipped = 0): string[] {
  const found: string[] = [];
  if (readStatus(results, index) === STATUS.absent) return found;
  eachItem(results.bytes, dataAt(results, index) + skipped, (from, end) => {
    found.push(results.bytes.toString('latin1', from, end));
  });
  return found;
}

export function flagsOf(results: Results, index: number): boolean[] {
  const at = dataAt(results, index);
  return [...results.bytes.subarray(at, at + results.bytes.readUInt32LE(at - 4))].map((flag) => flag === 1);
}

/** A page of members, and where the next one begins. */
export function pageOf(results: Results, index: number): { members: string[]; next: number } {
  const isThere = readStatus(results, index) !== STATUS.absent;
  return {
    members: itemsOf(results, index, 8),
    next: isThere ? results.bytes.readDoubleLE(dataAt(results, index)) : 0,
  };
}

export function integerOf({ bytes, starts }: Results, index: number): number {
  const at = starts[index] ?? 0;
  assert.equal((bytes[at] ?? 0) & 15, STATUS.done);
  return Number(bytes.readBigInt64LE(at + 1));
}
