/** Who waits until everything up to an operation is committed. Batches are named by their first operation. */
import { deferred, unlessAborted } from './deferred.ts';
import type { DprError } from './errors.ts';

interface Waiter {
  /** Everything up to this operation; no batch has operations on both sides of it. */
  readonly upTo: number;
  resolve(): void;
  reject(error: DprError): void;
}

export interface Commits {
  /** @returns a promise that `settle` or `failed` settles, unless the signal aborts first */
  wait(upTo: number, signal: AbortSignal | undefined): Promise<void>;
  /** Everything before this operation is committed or has failed. */
  settle(before: number): void;
  /** The batch that begins with this operation will not be committed. @returns whether anybody waited for it */
  failed(first: number, error: DprError): boolean;
  /** Does somebody wait at all? */
  isAwaited(): boolean;
  /** Does somebody wait for the batch that begins with this operation? */
  isWanted(first: number): boolean;
}

export function createCommits(): Commits {
  const waiters = new Set<Waiter>();

  function take(matches: (waiter: Waiter) => boolean): Waiter[] {
    const taken = [...waiters].filter(matches);
    for (const waiter of taken) waiters.delete(waiter);
    return taken;
  }

  return {
    wait(upTo, signal) {
      const { promise, resolve, reject } = deferred();
      const waiter = { upTo, resolve, reject };
      waiters.add(waiter);
      return unlessAborted(promise, signal, () => waiters.delete(waiter));
    },
    settle(before) {
      for (const waiter of take(({ upTo }) => upTo < before)) waiter.resolve();
    },
    failed(first, error) {
      const concerned = take(({ upTo }) => upTo >= first);
      for (const waiter of concerned) waiter.reject(error);
      return concerned.length > 0;
    },
    isAwaited: () => waiters.size > 0,
    isWanted(first) {
      for (const { upTo } of waiters) if (upTo >= first) return true;
      return false;
    },
  };
}
