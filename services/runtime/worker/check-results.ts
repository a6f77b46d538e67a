import { MAX_BATCH_BYTES } from '@dpr/protocol';

/**
 * What no reply holds must not reach the session table either: no checkpoint with it could be restored.
 * @throws RangeError
 */
export function checkResults(results: Uint8Array, count: number): Uint8Array {
  if (results.length <= MAX_BATCH_BYTES) return results;
  const text = `the state object gave ${results.length} bytes of results for ${count} operations, and at most ${MAX_BATCH_BYTES} are allowed`;
  throw new RangeError(text);
}
