/** The store as a subject of random steps: few tables, and values at the borders of size classes. */
import { createStore } from '@dpr/store';
import { decodeResults, readFound } from '@dpr/store/operations';
import type { Subject } from '../runtime/incremental/random-steps.ts';
import { keyAt, keyLengthAt, valueLengthAt } from '../../services/store/engine/records.ts';
import { readChunk } from '../../services/store/engine/chunk.ts';
import { get, remove, set } from './calls.ts';

function recordsOf(chunk: Uint8Array): [key: string, value: string][] {
  const records: [string, string][] = [];
  if (chunk.length === 0) return records;
  readChunk(chunk, (view, at) => {
    const text = (from: number, length: number) => Buffer.from(view.buffer, view.byteOffset + from, length).toString();
    const value = keyAt(view, at) + keyLengthAt(view, at);
    records.push([text(keyAt(view, at), keyLengthAt(view, at)), text(value, valueLengthAt(view, at))]);
  });
  return records;
}

export const storeSubject: Subject = {
  create: () => createStore({ seed: [7, 8], maxBytes: 2 ** 30, tableBits: 3, spareBytes: 0 }),
  set: (key, value) => set(key, value),
  delete: (key) => remove(key),
  get: (key) => get(key),
  value(results) {
    const found = readFound(decodeResults(results, 1), 0);
    return found && Buffer.from(found.value).toString();
  },
  records: recordsOf,
  valueBytes: [0, 1, 20, 60, 300],
};
