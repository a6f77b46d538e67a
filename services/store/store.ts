/** The store's state: keys with values, deadlines and revisions. */
import { randomBytes } from 'node:crypto';
import type { IncrementalState, WorkerType } from '@dpr/runtime';
import { createEngine, type KeyspaceOptions } from './engine/index.ts';
import { Executor } from './executor.ts';
import { STORE_TYPE } from './operations.ts';

/** Of the memory that the process may use, what records and their index may take: beyond it, writes are refused as `full`. */
const SHARE = 1 / 2;

export const store: WorkerType = {
  name: STORE_TYPE,
  create: ({ memoryBytes }) => createStore({ seed: drawSeed(), maxBytes: Math.floor(SHARE * memoryBytes) }),
};

export type StoreOptions = KeyspaceOptions & {
  /** Of a collection's nodes, at most; the usual size is `NODE_BYTES`. */
  readonly nodeBytes?: number;
};

export function createStore(options: StoreOptions): IncrementalState {
  const engine = createEngine(options);
  const executor = new Executor(() => engine.keyspace, options.nodeBytes);
  return Object.assign(engine, { apply: executor.apply.bind(executor) });
}

function drawSeed(): [number, number] {
  const bytes = randomBytes(8);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
