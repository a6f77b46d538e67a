/** A state object as the core's worker and its volume see it, whichever of the two kinds it is. */
import type { WorkerState } from '@dpr/core';
import type { RestoredState, StateReader, StateSection } from '../storage/index.ts';
import type { SectionLimits } from './incremental/limits.ts';
import type { StateFile } from './state-object.ts';

export interface AdaptedState extends WorkerState {
  seal(version: number): SealedState;
  /** What takes a checkpoint back from the volume. A later call, or `restoreEmpty`, makes it worthless. */
  restore(version: number): StateTaker;
  /** Begin with the empty state. */
  restoreEmpty(version: number): Promise<void>;
  /** So many sealed versions are not on the volume yet. */
  behind(unwritten: number): void;
  /** Nothing more happens by itself. */
  stop(): void;
}

/** The state of a sealed version, on its way to the volume. */
export interface SealedState {
  /** A second call gives the same. @returns undefined: its version was rolled back */
  encode(): Promise<StateSection | StateFile | undefined>;
  /** A rollback made it worthless. */
  discard(): Promise<void>;
}

export interface StateTaker extends StateReader {
  /** All of it was taken. @param state what the reading gave */
  finish(state: RestoredState): Promise<void>;
}

export interface StateEvents {
  readonly executed: (ticket: number, results: Uint8Array) => void;
  /** A promise of the object was rejected: its state is not known any more. */
  readonly broken: (error: unknown) => void;
  /** A batch was begun. */
  readonly batch: () => void;
}

export interface StateLimits {
  /** A state that is larger is not restored. */
  readonly maxStateBytes: number;
  /** Snapshots of so many bytes are kept for rollbacks: with more, the oldest go, and the volume is read. */
  readonly maxCopyBytes: number;
  /** Of an incremental state; a simulation has small ones. */
  readonly sectionLimits?: SectionLimits | undefined;
}
