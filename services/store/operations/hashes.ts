/**
 * Operations on hashes. A field or a value has at most `MAX_VALUE_BYTES`.
 *
 * | kind               | value                   | numbers                  | does                                          | result         |
 * | ------------------ | ----------------------- | ------------------------ | --------------------------------------------- | -------------- |
 * | hashSet            | fields and values, items |                         | writes fields                                 | integer: new   |
 * | hashGet            | fields, items           |                          | their values                                  | data: items    |
 * | hashDelete         | fields, items           |                          | removes fields                                | integer: gone  |
 * | hashLength         | a field                 |                          | bytes of its value                            | integer        |
 * | hashAll            |                         |                          | fields, values or both, as options say        | data: items    |
 * | hashIncrement      | a field                 | i64 amount               | adds to a whole number in decimal             | integer        |
 * | hashIncrementFloat | field and amount, items |                          | adds to a number in decimal                   | data           |
 * | hashRandom         |                         | f64 fields, f64 seed     | any fields; fewer than none: some more than once | data: items |
 * | hashScan           | a pattern               | f64 position, f64 fields | fields from a position on                     | data           |
 * | hashSize           |                         |                          | how many fields there are                     | integer        |
 *
 * A key that is not there is a hash without fields for `hashGet` and for those that write; others are `absent` then, and so is `hashLength` where
 * the field is not there. A page of `hashScan` is f64 position of the next page (0: there is none), and items.
 */
import type { Buffer } from 'node:buffer';
import { NUMBER_BYTES, OPERATION_HEAD_BYTES, SHAPES, VALUE_LENGTH_BYTES } from './format.ts';
import { sizeOfItems, writeItems } from './items.ts';
import type { ScanOperation } from './strings.ts';
import { type Data, dataBytes, keyBytes, valueBytes, writeData, writeHead } from './writing.ts';

export const HASH_KINDS = {
  hashSet: 16,
  hashGet: 17,
  hashDelete: 18,
  hashLength: 19,
  hashAll: 20,
  hashIncrement: 21,
  hashIncrementFloat: 22,
  hashRandom: 23,
  hashScan: 24,
  hashSize: 25,
} as const;

/** Which numbers of kinds are those of hashes. */
export function isHashKind(kind: number): boolean {
  return kind >= HASH_KINDS.hashSet && kind <= HASH_KINDS.hashSize;
}

/** Bits of the options of operations on hashes, besides `inOrder`. */
export const HASH_OPTIONS = {
  /** `hashSet`: only if the field is not there. There is one. */
  ifAbsent: 1,
  /** `hashAll`, `hashRandom`, `hashScan`: what the result has of each field. */
  fields: 2,
  values: 4,
} as const;

export const HASH_SHAPES: Readonly<Record<number, number>> = {
  [HASH_KINDS.hashSet]: SHAPES.integer,
  [HASH_KINDS.hashGet]: SHAPES.data,
  [HASH_KINDS.hashDelete]: SHAPES.integer,
  [HASH_KINDS.hashLength]: SHAPES.integer,
  [HASH_KINDS.hashAll]: SHAPES.data,
  [HASH_KINDS.hashIncrement]: SHAPES.integer,
  [HASH_KINDS.hashIncrementFloat]: SHAPES.data,
  [HASH_KINDS.hashRandom]: SHAPES.data,
  [HASH_KINDS.hashScan]: SHAPES.data,
  [HASH_KINDS.hashSize]: SHAPES.integer,
};

/** A field with its value. */
export type HashEntry = readonly [field: Data, value: Data];

export interface HashSetOperation {
  readonly key: Data;
  readonly entries: readonly HashEntry[];
}

export interface HashFieldsOperation {
  readonly key: Data;
  readonly fields: readonly Data[];
}

export interface HashIncrementOperation {
  readonly key: Data;
  readonly field: Data;
  readonly amount: bigint;
}

export interface HashScanOperation extends ScanOperation {
  readonly key: Data;
}

const VALUE_HEAD_BYTES = OPERATION_HEAD_BYTES + VALUE_LENGTH_BYTES;
const BOTH = HASH_OPTIONS.fields | HASH_OPTIONS.values;

/** @throws RangeError when key, fields or values are not within their limits */
export function sizeOfHashSet({ key, entries }: HashSetOperation): number {
  return VALUE_HEAD_BYTES + keyBytes(key) + sizeOfItems(entries.flat());
}

export function writeHashSet(bytes: Buffer, at: number, { key, entries }: HashSetOperation): number {
  return writeWithItems(bytes, at, HASH_KINDS.hashSet, key, entries.flat());
}

/** @throws RangeError when key or fields are not within their limits */
export function sizeOfHashFields({ key, fields }: HashFieldsOperation): number {
  return VALUE_HEAD_BYTES + keyBytes(key) + sizeOfItems(fields);
}

export function writeHashGet(bytes: Buffer, at: number, { key, fields }: HashFieldsOperation): number {
  return writeWithItems(bytes, at, HASH_KINDS.hashGet, key, fields);
}

export function writeHashDelete(bytes: Buffer, at: number, { key, fields }: HashFieldsOperation): number {
  return writeWithItems(bytes, at, HASH_KINDS.hashDelete, key, fields);
}

function writeWithItems(bytes: Buffer, at: number, kind: number, key: Data, items: readonly Data[]): number {
  const to = bytes.writeUInt32LE(sizeOfItems(items), writeHead(bytes, at, kind, 0, key));
  return writeItems(bytes, writeData(bytes, to, key), items);
}

/** Of `hashAll` and `hashSize`. @throws RangeError when the key is too long */
export function sizeOfHashAll(key: Data): number {
  return OPERATION_HEAD_BYTES + keyBytes(key);
}

export function writeHashAll(bytes: Buffer, at: number, key: Data): number {
  return writeData(bytes, writeHead(bytes, at, HASH_KINDS.hashAll, BOTH, key), key);
}

export function writeHashSize(bytes: Buffer, at: number, key: Data): number {
  return writeData(bytes, writeHead(bytes, at, HASH_KINDS.hashSize, 0, key), key);
}

/** @throws RangeError when key or field are too long */
export function sizeOfHashIncrement({ key, field }: HashIncrementOperation): number {
  return VALUE_HEAD_BYTES + NUMBER_BYTES + keyBytes(key) + valueBytes(field);
}

/** @throws RangeError when the amount does not fit into 64 bits */
export function writeHashIncrement(bytes: Buffer, at: number, { key, field, amount }: HashIncrementOperation): number {
  const to = bytes.writeUInt32LE(dataBytes(field), writeHead(bytes, at, HASH_KINDS.hashIncrement, 0, key));
  return writeData(bytes, writeData(bytes, bytes.writeBigInt64LE(amount, to), key), field);
}

/** @throws RangeError when key or pattern are too long */
export function sizeOfHashScan({ key, pattern }: HashScanOperation): number {
  return VALUE_HEAD_BYTES + 2 * NUMBER_BYTES + keyBytes(key) + keyBytes(pattern);
}

export function writeHashScan(bytes: Buffer, at: number, operation: HashScanOperation): number {
  const { key, pattern, position, count } = operation;
  let to = bytes.writeUInt32LE(dataBytes(pattern), writeHead(bytes, at, HASH_KINDS.hashScan, BOTH, key));
  to = bytes.writeDoubleLE(count, bytes.writeDoubleLE(position, to));
  return writeData(bytes, writeData(bytes, to, key), pattern);
}
