/** The state object of a simulated worker whose state is in a store: each call is a few operations on keys. */
import type { Worker } from '../../services/core/index.ts';
import type { SectionLimits } from '../../services/runtime/worker/incremental/index.ts';
import { begin, execute } from './batch-execution.ts';
import { SIM_SECTION_LIMITS, type IncrementalObject } from './incremental-object.ts';
import { piecesOf } from './operations.ts';
import type { State } from './state-object.ts';
import { createSimulatedStore } from './store/simulated-store.ts';
import type { World } from './world.ts';

/** A store has more and larger records than other incremental states here: turns are larger, or there would be hundreds of them. */
export const STORE_SECTION_LIMITS: SectionLimits = {
  ...SIM_SECTION_LIMITS,
  chunkBytes: 500,
  turnBytes: 4_000,
  releaseRecords: 40,
  turnRecords: 200,
  bytesPerSecond: 200_000,
  smallBaseBytes: 3_000,
  sectionBaseBytes: 4_000,
};

/** @param worker whose object it is */
export function createStoreObject(world: World, worker: () => Worker): IncrementalObject {
  const taken: State[] = [];
  const store = createSimulatedStore(world);
  return {
    ...store,
    get state() {
      return store.state;
    },
    nextTaken: () => taken.shift(),
    apply(operations, count, now) {
      const pieces = piecesOf(operations, count);
      begin(world, worker(), store.state, pieces);
      return execute(world, worker(), store.state, pieces, (next) => store.follow(next, now));
    },
    seal(version) {
      taken.push(store.state);
      return store.seal(version);
    },
  };
}
