import type { IncrementalState } from './incremental-state.ts';
import type { TypeMetrics } from './type-metrics.ts';

/**
 * What an author of a worker type with a small state implements; with a large one, `IncrementalState`. The type knows its operations and its state; sessions, versions, checkpoints,
 * rollbacks and the cluster are the harness's business.
 *
 *     const counter: WorkerType = { name: 'counter', create: () => ({ apply, snapshot, restore }) };
 *     await serveWorker(counter);
 *
 * Operations and results are bytes in the type's own format. Everything is called from one thread, one call after another:
 * first `restore`, then any number of `apply` and `snapshot`, and after a rollback `restore` again.
 */
export interface StateObject {
  /**
   * Apply `count` operations in order and return their results, at most `MAX_BATCH_BYTES`.
   *
   * Return the results themselves where that is possible: it is the fast path. A store in another process returns a promise.
   * Batches may then overlap, and the object must keep them in the order of the calls; a snapshot is never asked for while one
   * is unfinished. A promise that rejects ends the process, because it is not known what was executed: the cluster then
   * rolls back to what is durable.
   *
   * @param operations must not be kept or changed after the call, or after the promise is settled
   * @throws MalformedOperations (thrown, not as a rejection) before anything is changed: the client is told, nothing happened. Anything
   *   else that is thrown ends the process, so all bytes that a client may send must be understood or refused like this, and so must
   *   a batch whose results would be too large.
   *   An operation that is understood and merely fails, such as an overflow, says so in its results instead.
   */
  apply(operations: Uint8Array, count: number): Uint8Array | Promise<Uint8Array>;

  /**
   * The whole state as of the moment of the call, while execution goes on: bytes that do not change any more (a copy, or a
   * copy-on-write view), or a promise of them, or a promise of a file that a store wrote by itself. The file is moved away and
   * belongs to the harness; it should be in `StateContext.directory`, under a name that was not used before. A promise that
   * rejects ends the process.
   */
  snapshot(): Uint8Array | Promise<Uint8Array | StateFile>;

  /**
   * Replace the state by that of a snapshot, undefined: by the empty state. The file of a snapshot may be read or copied, not
   * changed. One that does so at once, and returns nothing, is given back from memory what it snapshotted when another worker failed. No
   * batch is unfinished during the call; a snapshot may be, and what becomes of it does not matter any more.
   * @throws Error when the snapshot cannot be read; the worker then stops for an administrator to act
   */
  restore(snapshot: Uint8Array | StateFile | undefined): void | Promise<void>;
}

/** A snapshot that is a file. */
export interface StateFile {
  /** Its path. */
  readonly file: string;
}

export interface StateContext {
  /**
   * A directory of the type's own, on the same disk as the checkpoints. Nothing in it is restored or rolled back: what is to
   * survive goes into snapshots.
   */
  readonly directory: string;
  readonly log: StateLog;
  /** What the process may use of memory, bytes; the harness needs a part of it. */
  readonly memoryBytes: number;
  /** Numbers of the type's own, beside those of the worker. */
  readonly metrics: TypeMetrics;
}

/** Lines of the worker's own log; an `event` tells what they are about. */
export type StateLog = Readonly<Record<'debug' | 'info' | 'warn' | 'error', (fields: { event: string }) => void>>;

/** A state object of either kind: three functions for a small state, or an incremental one. */
export type AnyState = StateObject | IncrementalState;

export interface WorkerType<State extends AnyState = AnyState> {
  /** As in the stack's config; at most 63 bytes. */
  readonly name: string;
  /** Called once per process, before anything else. */
  create(context: StateContext): State | Promise<State>;
}
