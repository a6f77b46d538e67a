/**
 * A state object of three functions as the core's worker sees it: promises become events, and the snapshots of versions that may be rolled
 * back stay in memory, so that a rollback reads no disk where the object takes one back at once.
 */
import type { WorkerState } from '@dpr/core';
import { MAX_BATCH_BYTES } from '@dpr/protocol';
import type { StateFile, StateObject } from './state-object.ts';

export interface StateEvents {
  readonly executed: (ticket: number, results: Uint8Array) => void;
  /** A promise of the object was rejected: its state is not known any more. */
  readonly broken: (error: unknown) => void;
  /** A batch was begun. */
  readonly batch: () => void;
}

export interface AdaptedState extends WorkerState {
  /** Give the object the state of `version`, as the volume holds it; undefined: the empty one. */
  restore(version: number, state: Uint8Array | StateFile | undefined): Promise<void>;
}

/** @param maxCopyBytes how many bytes of snapshots are kept for rollbacks: with more, the oldest go, and the volume is read */
export function adaptState(
  object: StateObject,
  maxCopyBytes: number,
  { executed, broken, batch }: StateEvents,
): AdaptedState {
  const copies = keepCopies(maxCopyBytes);
  let restoresAtOnce = false;

  return {
    apply(operations, count, ticket) {
      const results = object.apply(operations, count);
      batch();
      if (results instanceof Uint8Array) return checked(results, count);
      results.then((late) => executed(ticket, checked(late, count))).catch(broken);
      return undefined;
    },
    seal(version) {
      const snapshot = object.snapshot();
      if (snapshot instanceof Uint8Array) copies.add(version, snapshot);
      else snapshot.catch(broken);
      return snapshot;
    },
    rollback(version) {
      const copy = restoresAtOnce ? copies.at(version) : undefined;
      if (copy === undefined) return false;
      void object.restore(copy.state && new Uint8Array(copy.state)); // the object may go on in the memory that it is given
      copies.dropAfter(version);
      return true;
    },
    committed: (version) => copies.dropBefore(version),
    undoBytes: () => 0, // copies have a limit of their own, at which nothing waits
    async restore(version, state) {
      copies.clear();
      if (state === undefined || state instanceof Uint8Array) copies.add(version, state && new Uint8Array(state));
      const restored = object.restore(state);
      restoresAtOnce = restored === undefined;
      await restored;
    },
  };
}

/** The state after a version; undefined: the empty one. */
interface Copy {
  readonly version: number;
  readonly state: Uint8Array | undefined;
}

/** Snapshots in the order of their versions. Those that are missing are older than all that are there. */
function keepCopies(maxBytes: number) {
  const copies: Copy[] = [];
  const size = ({ state }: Copy): number => state?.length ?? 0;
  let bytes = 0;
  const dropFirst = (count: number): void => {
    for (const dropped of copies.splice(0, count)) bytes -= size(dropped);
  };
  return {
    add(version: number, state: Uint8Array | undefined): void {
      copies.push({ version, state });
      bytes += state?.length ?? 0;
      while (bytes > maxBytes) dropFirst(1);
    },
    /** The newest one that is not above `version`. */
    at: (version: number): Copy | undefined => copies.findLast((copy) => copy.version <= version),
    dropAfter(version: number): void {
      const from = copies.findLastIndex((copy) => copy.version <= version) + 1;
      for (const dropped of copies.splice(from)) bytes -= size(dropped);
    },
    /** What no rollback to `version` or above needs. */
    dropBefore: (version: number): void => dropFirst(copies.findLastIndex((copy) => copy.version <= version)),
    clear: (): void => dropFirst(copies.length),
  };
}

/** What no reply holds must not reach the session table either: no checkpoint with it could be restored. */
function checked(results: Uint8Array, count: number): Uint8Array {
  if (results.length <= MAX_BATCH_BYTES) return results;
  const text = `the state object gave ${results.length} bytes of results for ${count} operations, and at most ${MAX_BATCH_BYTES} are allowed`;
  throw new RangeError(text);
}
