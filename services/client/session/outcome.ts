/** What the application holds of a call: a promise of its value, with another one of its commit. */
import { unlessAborted } from '../abort.ts';
import { UnknownWorkerError, WorkerRemovedError, WrongTypeError } from '../errors.ts';
import type { Which } from './batch-answer.ts';
import { lookAt, whenCommitted, whenCompleted, type Cargo, type Look, type Part } from './batch.ts';

/**
 * The result of a call. Awaiting it gives the value as soon as the worker executed the call: it is *completed*, and every later
 * call of the session sees it, but a failure may still take it back. `committed` tells when nothing can.
 *
 * @example
 * const result = session.counter(0).add(300);
 * console.log(await result); // 300n, after a round trip
 * console.log(await result.committed); // 300n, durable together with all that it depends on
 */
export interface Outcome<T> extends Promise<T> {
  /**
   * Resolves with the value once it is committed. That is the completed value, unless a failure took the call back and the
   * session issued it again (`replay: true`). Rejects with RollbackError if the call is lost. Of a call too large for one batch a
   * part may be lost: `isLost` tells which operations are, and the results of the others are not told, by no commit either.
   */
  readonly committed: Promise<T>;
  /** The number of the call's first operation: the session counts its operations from 1. 0 of a call that was refused. */
  readonly operation: number;
  /** How many operations the call has. */
  readonly operations: number;
}

/** Makes a value out of a call's results: the first ones, or the newest. @throws DprError if the call failed by itself */
export type ReadValue<T> = (parts: readonly Part[], which: Which) => T;

/** One small object per call; promises are made only for those who look. */
export class CallOutcome<T> implements Outcome<T> {
  readonly [Symbol.toStringTag] = 'Outcome';
  readonly operation: number;
  readonly #read: ReadValue<T>;
  /** More than one, of a call that did not fit into one batch. */
  readonly #parts: readonly Part[];
  readonly #signal: AbortSignal | undefined;
  #isSeen = false;
  #isWatched = false;

  constructor(operation: number, read: ReadValue<T>, parts: readonly Part[], signal?: AbortSignal) {
    this.operation = operation;
    this.#read = read;
    this.#parts = parts;
    this.#signal = signal;
  }

  get operations(): number {
    return this.#parts.reduce((sum, part) => sum + part.count, 0);
  }

  get committed(): Promise<T> {
    if (!this.#isWatched) {
      this.#isWatched = true;
      this.#look('commit');
    }
    const committed = this.#when(whenCommitted).then(() => this.#read(this.#parts, 'finalResults'));
    committed.catch(() => undefined); // looking is not waiting: a caller that waits sees the error
    return committed;
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (!this.#isSeen) this.#look('result');
    // One promise for the value and for what is made of it, since each call of an application comes here.
    return this.#when(whenCompleted).then((): A | B | PromiseLike<A | B> => {
      let value: T;
      try {
        value = this.#read(this.#parts, 'results');
      } catch (error) {
        if (typeof onRejected === 'function') return onRejected(error);
        throw error;
      }
      return typeof onFulfilled === 'function' ? onFulfilled(value) : (value as unknown as A);
    }, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then().finally(onFinally);
  }

  #look(at: Look): void {
    const isFirst = !this.#isSeen;
    this.#isSeen = true;
    for (const part of this.#parts) lookAt(part, at, isFirst);
  }

  #only(): Part | undefined {
    return this.#parts.length === 1 ? this.#parts[0] : undefined;
  }

  #when(happened: (cargo: Cargo) => Promise<void>): Promise<unknown> {
    const only = this.#only();
    const all = only === undefined ? this.#whenAll(happened) : happened(only.cargo);
    return unlessAborted<unknown>(all, this.#signal);
  }

  async #whenAll(happened: (cargo: Cargo) => Promise<void>): Promise<void> {
    try {
      await Promise.all(this.#parts.map(({ cargo }) => happened(cargo)));
    } catch (error) {
      throw this.#errorOfAll(error);
    }
  }

  /** That a later part was not executed says nothing of those before it, which were sent before the worker was removed. */
  #errorOfAll(error: unknown): unknown {
    const part = this.#parts.findIndex(({ cargo }) => cargo.batch.error === error);
    const { worker } = this.#parts[part]?.cargo.batch ?? {};
    return worker === undefined || part === 0 || !isNotExecuted(error)
      ? error
      : new WorkerRemovedError(worker, 'unknown');
  }
}

/** Was the batch that failed with this error not sent, because its worker is not there? */
function isNotExecuted(error: unknown): boolean {
  if (error instanceof WorkerRemovedError) return error.outcome === 'notExecuted';
  return error instanceof UnknownWorkerError || error instanceof WrongTypeError;
}
