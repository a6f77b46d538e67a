/** What authors of worker types build on; published as the package `@dpr/runtime`. */
export { MalformedOperations } from '@dpr/core';
export { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
export { EXIT } from './exit-codes.ts';
export { serveWorker } from './programs.ts';
export type { BaseSlice, IncrementalState, SealedChanges, StateLoader } from './worker/incremental-state.ts';
export type { TypeMetrics } from './worker/type-metrics.ts';
export type { AnyState, StateContext, StateFile, StateLog, StateObject, WorkerType } from './worker/state-object.ts';
