/** The hash that a key of a store holds, as a session has it. */
import {
  type Data,
  type HashEntry,
  type HashFieldsOperation,
  type HashIncrementOperation,
  type HashScanOperation,
  type HashSetOperation,
  readItems,
  readPage,
  readSum,
  type Results,
  sizeOfHashAll,
  sizeOfHashFields,
  sizeOfHashIncrement,
  sizeOfHashScan,
  sizeOfHashSet,
  writeHashAll,
  writeHashDelete,
  writeHashGet,
  writeHashIncrement,
  writeHashScan,
  writeHashSet,
  writeHashSize,
} from '@dpr/store/operations';
import type { CallOptions } from '../options.ts';
import type { Outcome } from './outcome.ts';
import { scanned, type ScanOptions } from './scan.ts';
import type { Calls, Operation } from './worker-type.ts';

export type { HashEntry } from '@dpr/store/operations';

/** A field of a hash with its value, as they were read: bytes that share memory with other results that were received at the time. */
export type HashField = [field: Uint8Array, value: Uint8Array];

/**
 * A hash: one key with many fields, each of which has a value, all bytes; text stands for its UTF-8 bytes. A hash without fields is not there.
 * Each call is one operation, done as a whole or not at all, and rejects with StoreError where the key holds something else.
 *
 * @example
 * const cart = session.store(2).hash('cart-17');
 * await cart.setAll([['apples', '2'], ['pears', '3']]);
 * await cart.increment('apples');
 */
export interface Hash {
  /** The value of a field; undefined: it is not there. */
  get(field: Data, options?: CallOptions): Outcome<Uint8Array | undefined>;
  getAll(fields: readonly Data[], options?: CallOptions): Outcome<(Uint8Array | undefined)[]>;

  /** Write a field. Gives whether it is a new one. */
  set(field: Data, value: Data, options?: CallOptions): Outcome<boolean>;
  /** Write fields. Gives how many of them are new. */
  setAll(entries: readonly HashEntry[], options?: CallOptions): Outcome<number>;

  /** Remove a field. Gives whether it was there. */
  delete(field: Data, options?: CallOptions): Outcome<boolean>;
  /** Remove fields. Gives how many of them were there. */
  deleteAll(fields: readonly Data[], options?: CallOptions): Outcome<number>;

  /** Add to a value that is a whole number in decimal, 0 if there is none. Gives the value after it, or rejects as `increment` of a store does. */
  increment(field: Data, amount?: number | bigint, options?: CallOptions): Outcome<bigint>;

  /** How many fields there are. */
  size(options?: CallOptions): Outcome<number>;

  /** All fields with their values, in no order. Rejects with StoreError `tooLarge` where they are more than a reply holds: scan then. */
  entries(options?: CallOptions): Outcome<HashField[]>;

  /** The same page by page, as long as the loop asks for more. A field that is there all the time is met, as of `scan` of a store. */
  scan(options?: ScanOptions): AsyncIterable<HashField>;
}

const GET: Operation<HashFieldsOperation, (Uint8Array | undefined)[], Results> = {
  size: sizeOfHashFields,
  write: writeHashGet,
  read: readItems,
};
const GET_ONE: Operation<HashFieldsOperation, Uint8Array | undefined, Results> = {
  ...GET,
  read: (results, index) => readItems(results, index)[0],
};
const SET: Operation<HashSetOperation, number, Results> = {
  size: sizeOfHashSet,
  write: writeHashSet,
  read: readNumber,
};
const SET_ONE: Operation<HashSetOperation, boolean, Results> = { ...SET, read: isNotZero };
const DELETE: Operation<HashFieldsOperation, number, Results> = {
  size: sizeOfHashFields,
  write: writeHashDelete,
  read: readNumber,
};
const DELETE_ONE: Operation<HashFieldsOperation, boolean, Results> = { ...DELETE, read: isNotZero };
const INCREMENT: Operation<HashIncrementOperation, bigint, Results> = {
  size: sizeOfHashIncrement,
  write: writeHashIncrement,
  read: readSum,
};
const SIZE: Operation<Data, number, Results> = { size: sizeOfHashAll, write: writeHashSize, read: readNumber };
const ENTRIES: Operation<Data, HashField[], Results> = {
  size: sizeOfHashAll,
  write: writeHashAll,
  read: (results, index) => inPairs(readItems(results, index)),
};
const SCAN: Operation<HashScanOperation, { next: number; items: HashField[] }, Results> = {
  size: sizeOfHashScan,
  write: writeHashScan,
  read(results, index) {
    const { next, items } = readPage(results, index);
    return { next, items: inPairs(items) };
  },
};

function readNumber(results: Results, index: number): number {
  return Number(readSum(results, index));
}

function isNotZero(results: Results, index: number): boolean {
  return readSum(results, index) !== 0n;
}

const NO_BYTES = new Uint8Array(0);

function inPairs(items: readonly (Uint8Array | undefined)[]): HashField[] {
  const pairs: HashField[] = [];
  for (let at = 0; at < items.length; at += 2) pairs.push([items[at] ?? NO_BYTES, items[at + 1] ?? NO_BYTES]);
  return pairs;
}

/** @returns what gives the hash of a key */
export function hashes(calls: Calls<Results>): (key: Data) => Hash {
  const get = calls.one(GET);
  const getOne = calls.one(GET_ONE);
  const set = calls.one(SET);
  const setOne = calls.one(SET_ONE);
  const remove = calls.one(DELETE);
  const removeOne = calls.one(DELETE_ONE);
  const increment = calls.one(INCREMENT);
  const size = calls.one(SIZE);
  const entries = calls.one(ENTRIES);
  const scan = calls.one(SCAN);
  return (key) => ({
    get: (field, options) => getOne({ key, fields: [field] }, options),
    getAll: (fields, options) => get({ key, fields }, options),
    set: (field, value, options) => setOne({ key, entries: [[field, value]] }, options),
    setAll: (list, options) => set({ key, entries: list }, options),
    delete: (field, options) => removeOne({ key, fields: [field] }, options),
    deleteAll: (fields, options) => remove({ key, fields }, options),
    increment: (field, amount = 1, options) => increment({ key, field, amount: BigInt(amount) }, options),
    size: (options) => size(key, options),
    entries: (options) => entries(key, options),
    scan: (options) => scanned((operation, call) => scan({ ...operation, key }, call), options),
  });
}
