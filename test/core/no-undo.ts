/** What a state is without that keeps nothing for rollbacks: each reads the volume. */
import type { WorkerState } from '@dpr/core';

export const NO_UNDO: Omit<WorkerState, 'apply'> = {
  seal: () => undefined,
  rollback: () => false,
  committed: () => undefined,
  undoBytes: () => 0,
};
