/** A state object as the core's worker sees it: promises become events. */
import type { WorkerState } from '@dpr/core';
import type { StateObject } from './state-object.ts';

export interface StateEvents {
  readonly executed: (ticket: number, results: Uint8Array) => void;
  /** A promise of the object was rejected: nobody can tell what its state is. */
  readonly broken: (error: unknown) => void;
  /** A batch was begun. */
  readonly batch: () => void;
}

export function adaptState(object: StateObject, { executed, broken, batch }: StateEvents): WorkerState {
  return {
    apply(operations, count, ticket) {
      const results = object.apply(operations, count);
      batch();
      if (results instanceof Uint8Array) return results;
      results.then((late) => executed(ticket, late)).catch(broken);
      return undefined;
    },
    snapshot() {
      const snapshot = object.snapshot();
      if (!(snapshot instanceof Uint8Array)) snapshot.catch(broken);
      return snapshot;
    },
  };
}
