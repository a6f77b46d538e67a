/** Who waits until everything up to an operation is committed. Batches are named by their first operation. */
import { deferred } from '@dpr/runtime/deferred';
import { unlessAborted } from '../abort.ts';

interface Waiter {
  /** Everything up to this operation; no batch has operations on both sides of it. */
  readonly upTo: number;
  resolve(): void;
  reject(error: Error): void;
}

/** Shared by all sessions whose commits no caller ever waited for, and never changed. */
const NO_WAITERS = new Set<Waiter>();

/** A class, since each of many sessions has one. */
export class Commits {
  /** In the order in which they came, so what they wait for grows. */
  #waiters = NO_WAITERS;
  /** What the last one that came waits for. */
  #newest = 0;

  /** @returns a promise that `settle` or `failed` settles, unless the signal aborts first */
  wait(upTo: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = deferred();
    const waiter = { upTo, resolve, reject };
    if (this.#waiters === NO_WAITERS) this.#waiters = new Set();
    this.#waiters.add(waiter);
    this.#newest = upTo;
    return unlessAborted(promise, signal, () => this.#waiters.delete(waiter));
  }

  /** Everything before this operation is committed or has failed. */
  settle(before: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.upTo >= before) return;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** The batch that begins with this operation will not be committed. @returns whether the application waited for it */
  failed(first: number, errorOf: () => Error): boolean {
    if (!this.isWanted(first)) return false;
    let error: Error | undefined;
    for (const waiter of this.#waiters) {
      if (waiter.upTo < first) continue;
      this.#waiters.delete(waiter);
      waiter.reject((error ??= errorOf()));
    }
    this.#newest = first - 1;
    return error !== undefined;
  }

  /** Does the application wait at all? */
  isAwaited(): boolean {
    return this.#waiters.size > 0;
  }

  /** May the application wait for the batch that begins with this operation? */
  isWanted(first: number): boolean {
    return this.#waiters.size > 0 && first <= this.#newest;
  }
}
