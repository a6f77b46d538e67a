/** The example of an incremental state, with few buckets, so that several records are in each. */
import { createMap } from '../../../examples/map/map.ts';
import { decodeOperations, decodeResults, encodeOperations, type Kind } from '../../../examples/map/operations.ts';
import type { Subject } from './random-steps.ts';

function bytesOf(kind: Kind, key: string, value = ''): Uint8Array {
  return encodeOperations([{ kind, key, value }]);
}

export const exampleMap: Subject = {
  create: () => createMap({ buckets: 32, maxBucketBytes: 100_000 }),
  set: (key, value) => bytesOf('set', key, value),
  delete: (key) => bytesOf('delete', key),
  get: (key) => bytesOf('get', key),
  value: (results) => decodeResults(results, 1)[0]?.value,
  records: (chunk) => (decodeOperations(chunk) ?? []).map(({ key, value }) => [key, value] as const),
  valueBytes: [0, 1, 20, 60, 300],
};
