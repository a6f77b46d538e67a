/** Batches of a store's operations, and their results. */
import {
  decodeResults,
  type Data,
  type DeleteOperation,
  type Results,
  type SetOperation,
  sizeOfDelete,
  sizeOfGet,
  sizeOfIncrement,
  sizeOfSet,
  writeDelete,
  writeGet,
  writeIncrement,
  writeSet,
} from '@dpr/store/operations';
import type { IncrementalState } from '@dpr/runtime';
import assert from 'node:assert/strict';

export function encoded(size: number, write: (bytes: Buffer) => number): Buffer {
  const bytes = Buffer.alloc(size);
  assert.equal(write(bytes), size);
  return bytes;
}

export function get(key: Data): Buffer {
  return encoded(sizeOfGet(key), (bytes) => writeGet(bytes, 0, key));
}

export function set(key: Data, value: Data, options: Omit<SetOperation, 'key' | 'value'> = {}): Buffer {
  const operation = { ...options, key, value };
  return encoded(sizeOfSet(operation), (bytes) => writeSet(bytes, 0, operation));
}

export function remove(key: Data, options: Omit<DeleteOperation, 'key'> = {}): Buffer {
  return encoded(sizeOfDelete({ ...options, key }), (bytes) => writeDelete(bytes, 0, { ...options, key }));
}

export function increment(key: Data, amount: bigint): Buffer {
  return encoded(sizeOfIncrement({ key, amount }), (bytes) => writeIncrement(bytes, 0, { key, amount }));
}

export function apply(state: IncrementalState, operations: readonly Buffer[], now = 0): Results {
  return decodeResults(state.apply(Buffer.concat(operations), operations.length, now), operations.length);
}
