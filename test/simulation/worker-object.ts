/** The state object of a simulated worker: it executes at once or, as a store in another process would, later. */
import type { Worker } from '../../services/core/index.ts';
import type { StateObject } from '../../services/runtime/worker/state-object.ts';
import { begin, execute } from './batch-execution.ts';
import type { SectionLimits } from '../../services/runtime/worker/incremental/index.ts';
import { createIncrementalObject, SIM_SECTION_LIMITS, type IncrementalObject } from './incremental-object.ts';
import { piecesOf, type Pieces } from './operations.ts';
import type { Process } from './scheduler.ts';
import { EMPTY, type State } from './state-object.ts';
import { createStoreObject, STORE_SECTION_LIMITS } from './store-object.ts';
import type { WorkerHost } from './worker-host.ts';
import type { World } from './world.ts';

export type WorkerObject = WholeObject | IncrementalObject;

interface WholeObject extends StateObject {
  readonly state: State;
  /** The states that snapshots were taken of, in order; each is asked for once. */
  nextTaken(): State | undefined;
}

/** Mean of the time that a store in another process takes for a snapshot, ms. */
const SNAPSHOT_MS = 1;
/** How often results come as soon as they are there; otherwise those of a later batch may come before. */
const AT_ONCE_CHANCE = 0.7;

/** @param worker whose object it is */
export function createObject(
  world: World,
  process: Process,
  { stateKind }: WorkerHost,
  worker: () => Worker,
): WorkerObject {
  const isRemote = world.random.chance(world.options.asyncStateChance);
  if (stateKind === 'store') return createStoreObject(world, worker);
  if (stateKind === 'records') return createIncrementalObject(world, worker);
  return createWholeObject(world, process, isRemote, worker);
}

export function sectionLimitsOf({ stateKind }: WorkerHost): SectionLimits {
  return stateKind === 'store' ? STORE_SECTION_LIMITS : SIM_SECTION_LIMITS;
}

function createWholeObject(world: World, process: Process, isRemote: boolean, worker: () => Worker): WholeObject {
  const { scheduler, random, options } = world;
  /** Until they are asked for: there are no more of them than one step takes. */
  const taken: State[] = [];
  /** Batches that execute in the other process, in order. */
  const remote: { readonly batch: Pieces; readonly resolve: (results: Uint8Array) => void }[] = [];
  let state = EMPTY;

  function executed(pieces: Pieces): Buffer {
    return execute(world, worker(), state, pieces, (next) => (state = next));
  }

  function later<T>(meanMs: number, resolve: (value: T) => void, value: T): void {
    scheduler.after(random.exponential(meanMs), process, () => {
      world.hasPromises = true;
      resolve(value);
    });
  }

  function executeNext(): void {
    scheduler.after(random.exponential(options.executionMs), process, () => {
      const next = remote.shift();
      if (next === undefined) throw new Error('nothing executes in the other process');
      const results = executed(next.batch);
      if (remote.length > 0) executeNext();
      later(random.chance(AT_ONCE_CHANCE) ? 0 : options.executionMs, next.resolve, results);
    });
  }

  return {
    get state() {
      return state;
    },
    nextTaken: () => taken.shift(),
    apply(operations, count) {
      const pieces = piecesOf(operations, count);
      begin(world, worker(), state, pieces);
      if (!isRemote) return executed(pieces);
      return new Promise((resolve) => {
        remote.push({ batch: pieces, resolve });
        if (remote.length === 1) executeNext();
      });
    },
    snapshot() {
      const bytes = world.states.encode(state);
      taken.push(state);
      return isRemote ? new Promise<Buffer>((resolve) => later(SNAPSHOT_MS, resolve, bytes)) : bytes;
    },
    restore(snapshot) {
      if (snapshot !== undefined && !(snapshot instanceof Uint8Array)) throw new Error('no store wrote a file');
      const take = (): void => {
        state = world.states.decode(snapshot);
      };
      if (!isRemote) {
        take();
        return;
      }
      return new Promise<void>((resolve) => later(options.executionMs, resolve, undefined)).then(take);
    },
  };
}
