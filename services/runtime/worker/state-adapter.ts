/** A state object as the core's worker sees it: promises become events. */
import type { WorkerState } from '@dpr/core';
import { MAX_BATCH_BYTES } from '@dpr/protocol';
import type { StateObject } from './state-object.ts';

export interface StateEvents {
  readonly executed: (ticket: number, results: Uint8Array) => void;
  /** A promise of the object was rejected: its state is not known any more. */
  readonly broken: (error: unknown) => void;
  /** A batch was begun. */
  readonly batch: () => void;
}

export function adaptState(object: StateObject, { executed, broken, batch }: StateEvents): WorkerState {
  return {
    apply(operations, count, ticket) {
      const results = object.apply(operations, count);
      batch();
      if (results instanceof Uint8Array) return checked(results, count);
      results.then((late) => executed(ticket, checked(late, count))).catch(broken);
      return undefined;
    },
    snapshot() {
      const snapshot = object.snapshot();
      if (!(snapshot instanceof Uint8Array)) snapshot.catch(broken);
      return snapshot;
    },
  };
}

/** What no reply holds must not reach the session table either: no checkpoint with it could be restored. */
function checked(results: Uint8Array, count: number): Uint8Array {
  if (results.length <= MAX_BATCH_BYTES) return results;
  const text = `the state object gave ${results.length} bytes of results for ${count} operations, and at most ${MAX_BATCH_BYTES} are allowed`;
  throw new RangeError(text);
}
