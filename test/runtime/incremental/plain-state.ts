/** A state of which only the sizes matter: its base and the changes of each version are as long as a test says. */
import type { IncrementalState } from '../../../services/runtime/worker/incremental-state.ts';

export interface PlainState extends IncrementalState {
  /** Bytes of the base. */
  baseSize: number;
  /** Bytes that the next sealed version changed. */
  changeSize: number;
  /** Records that can be released. */
  releasable: number;
  /** What was called, in order: `base 0`, `next 1`, `release 256`. */
  readonly calls: string[];
  /** Bytes of all slices that were taken. */
  swept: number;
}

export function plainState(baseSize = 0): PlainState {
  const state: PlainState = {
    baseSize,
    changeSize: 0,
    releasable: 0,
    calls: [],
    swept: 0,
    apply: () => new Uint8Array(0),
    seal(version) {
      let left = state.changeSize;
      return {
        next(maxBytes) {
          if (left === 0) return undefined;
          state.calls.push(`next ${version}`);
          const bytes = Math.min(left, maxBytes);
          left -= bytes;
          return new Uint8Array(bytes);
        },
      };
    },
    rollback: () => undefined,
    committed: () => undefined,
    release(count) {
      state.calls.push(`release ${count}`);
      state.releasable = Math.max(0, state.releasable - count);
      return state.releasable > 0;
    },
    undoBytes: () => 0,
    baseBytes: () => state.baseSize,
    base(position, maxBytes) {
      state.calls.push(`base ${position}`);
      const end = Math.min(state.baseSize, position + maxBytes);
      state.swept += Math.max(0, end - position);
      return { bytes: new Uint8Array(Math.max(0, end - position)), next: end < state.baseSize ? end : undefined };
    },
    load: () => ({ take: () => undefined, end: () => undefined }),
  };
  return state;
}
