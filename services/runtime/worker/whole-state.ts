/**
 * A state object of three functions: promises become events, each section is the whole state, and the snapshots of versions that may be rolled
 * back stay in memory, so that a rollback reads no disk where the object takes one back at once.
 */
import { unlink } from 'node:fs/promises';
import { StorageDamagedError } from '../storage/index.ts';
import { checkResults } from './check-results.ts';
import type { AdaptedState, SealedState, StateEvents, StateLimits, StateTaker } from './adapted-state.ts';
import type { StateFile, StateObject } from './state-object.ts';

export function adaptWhole(
  object: StateObject,
  { maxStateBytes, maxCopyBytes }: StateLimits,
  { executed, broken, batch }: StateEvents,
): AdaptedState {
  const copies = keepCopies(maxCopyBytes);
  let restoresAtOnce = false;

  async function restore(version: number, state: Uint8Array | StateFile | undefined): Promise<void> {
    copies.clear();
    if (state === undefined) copies.add(version, state);
    else if (state instanceof Uint8Array && state.length <= maxCopyBytes) copies.add(version, copyOf(state));
    const restored = object.restore(state);
    restoresAtOnce = restored === undefined;
    await restored;
  }

  return {
    apply(operations, count, ticket) {
      const results = object.apply(operations, count);
      batch();
      if (results instanceof Uint8Array) return checkResults(results, count);
      results.then((late) => executed(ticket, checkResults(late, count))).catch(broken);
      return undefined;
    },
    seal(version) {
      const snapshot = object.snapshot();
      if (!(snapshot instanceof Uint8Array)) snapshot.catch(broken);
      else if (restoresAtOnce) copies.add(version, snapshot);
      return sealedWhole(version, snapshot);
    },
    rollback(version) {
      const copy = restoresAtOnce ? copies.at(version) : undefined;
      if (copy === undefined) return false;
      void object.restore(copy.state && copyOf(copy.state));
      copies.dropAfter(version);
      return true;
    },
    committed: (version) => copies.dropBefore(version),
    undoBytes: () => 0, // copies have a limit of their own, at which nothing waits
    restore: (version) => takeWhole(version, maxStateBytes, (state) => restore(version, state)),
    restoreEmpty: (version) => restore(version, undefined),
    behind: () => undefined,
    stop: () => undefined,
  };
}

/** An object may go on in the memory that it is given. */
function copyOf(state: Uint8Array): Uint8Array {
  return new Uint8Array(state);
}

/** What `snapshot` returned, as the one section of its version. */
export function sealedWhole(version: number, snapshot: Uint8Array | Promise<Uint8Array | StateFile>): SealedState {
  return {
    async encode() {
      const state = await snapshot;
      return state instanceof Uint8Array ? { since: version, chunks: [state] } : state;
    },
    async discard() {
      try {
        const state = await snapshot;
        if (!(state instanceof Uint8Array)) await unlink(state.file);
      } catch {
        // It was never written, or it is in its place already, and the volume takes care of it.
      }
    },
  };
}

/** Assembles the one section of a whole state. */
function takeWhole(
  version: number,
  maxStateBytes: number,
  restore: (state: Uint8Array | StateFile) => Promise<void>,
): StateTaker {
  let whole = Buffer.alloc(0);
  let end = 0;
  return {
    maxStateBytes,
    openState({ since, bytes }) {
      if (since !== version) {
        throw new StorageDamagedError(
          `the state of checkpoint ${version} is written in sections since ${since}: this worker type cannot read them`,
        );
      }
      whole = Buffer.allocUnsafe(bytes);
      return (piece) => {
        piece.bytes.copy(whole, end);
        end += piece.bytes.length;
      };
    },
    finish: (state) => restore('path' in state ? { file: state.path } : whole),
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
