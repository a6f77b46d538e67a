/** The store's state: keys with values, deadlines and revisions. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncrementalState, Variables, WorkerType } from '@dpr/runtime';
import { createEngine, type KeyspaceOptions } from './engine/index.ts';
import { Executor } from './executor.ts';
import { STORE_TYPE } from './operations.ts';
import { limitsOf, storeSettings } from './settings.ts';
import { registerStoreMetrics, type StoreMemory } from './store-metrics.ts';

/** The store of a process. */
export interface StoreWorker {
  readonly type: WorkerType<Store>;
  /** Of its state, once that is there. */
  readonly memory: () => StoreMemory;
}

/** @param variables the environment, which says its limits */
export function storeWorker(variables: Variables): StoreWorker {
  let store: Store | undefined;
  return {
    type: {
      name: STORE_TYPE,
      create({ memoryBytes, log, metrics }) {
        const limits = limitsOf(storeSettings(variables), memoryBytes, log);
        store = createStore({ seed: drawSeed(), ...limits });
        registerStoreMetrics(metrics, store.memory);
        return store;
      },
    },
    memory() {
      assert.ok(store !== undefined, 'there is a state before there are clients');
      return store.memory();
    },
  };
}

export type StoreOptions = KeyspaceOptions & {
  /** Of a collection's nodes, at most; the usual size is `NODE_BYTES`. */
  readonly nodeBytes?: number;
};

export interface Store extends IncrementalState {
  readonly memory: () => StoreMemory;
}

export function createStore(options: StoreOptions): Store {
  const engine = createEngine(options);
  const executor = new Executor(() => engine.keyspace, options.nodeBytes);
  const { maxBytes, maxLiveBytes } = options;
  return Object.assign(engine, {
    apply: executor.apply.bind(executor),
    memory: () => ({
      usedBytes: engine.keyspace.liveBytes,
      spareBytes: engine.keyspace.memoryBytes - engine.keyspace.liveBytes,
      keys: engine.keyspace.keys,
      keysWithDeadline: engine.keyspace.deadlines,
      maxBytes: maxLiveBytes ?? maxBytes,
      evicts: maxLiveBytes !== undefined,
      evictedKeys: executor.evictedKeys,
    }),
  });
}

function drawSeed(): [number, number] {
  const bytes = randomBytes(8);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
