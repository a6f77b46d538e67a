/** Who waits until everything up to an operation is committed. Batches are named by their first operation. */
import { deferred } from '@dpr/runtime/deferred';
import { unlessAborted } from '../abort.ts';

interface Waiter {
  /** Everything up to this operation; no batch has operations on both sides of it. */
  readonly upTo: number;
  resolve(): void;
  reject(error: Error): void;
}

export interface Commits {
  /** @returns a promise that `settle` or `failed` settles, unless the signal aborts first */
  wait(upTo: number, signal: AbortSignal | undefined): Promise<void>;
  /** Everything before this operation is committed or has failed. */
  settle(before: number): void;
  /** The batch that begins with this operation will not be committed. @returns whether the application waited for it */
  failed(first: number, errorOf: () => Error): boolean;
  /** Does the application wait at all? */
  isAwaited(): boolean;
  /** May the application wait for the batch that begins with this operation? */
  isWanted(first: number): boolean;
}

export function createCommits(): Commits {
  /** In the order in which they came, so what they wait for grows. */
  const waiters = new Set<Waiter>();
  /** What the last one that came waits for. */
  let newest = 0;

  function isWanted(first: number): boolean {
    return waiters.size > 0 && first <= newest;
  }

  return {
    wait(upTo, signal) {
      const { promise, resolve, reject } = deferred();
      const waiter = { upTo, resolve, reject };
      waiters.add(waiter);
      newest = upTo;
      return unlessAborted(promise, signal, () => waiters.delete(waiter));
    },
    settle(before) {
      for (const waiter of waiters) {
        if (waiter.upTo >= before) return;
        waiters.delete(waiter);
        waiter.resolve();
      }
    },
    failed(first, errorOf) {
      if (!isWanted(first)) return false;
      let error: Error | undefined;
      for (const waiter of waiters) {
        if (waiter.upTo < first) continue;
        waiters.delete(waiter);
        waiter.reject((error ??= errorOf()));
      }
      newest = first - 1;
      return error !== undefined;
    },
    isAwaited: () => waiters.size > 0,
    isWanted,
  };
}
