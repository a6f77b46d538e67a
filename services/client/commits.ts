/** Who waits until everything up to an operation is committed. Batches are named by their first operation. */
import type { DprError } from './errors.ts';

interface Waiter {
  /** Everything up to this operation; no batch has operations on both sides of it. */
  readonly upTo: number;
  resolve(): void;
  reject(error: DprError): void;
}

export interface Commits {
  /** @returns a promise that `settle` or `failed` settles */
  wait(upTo: number): Promise<void>;
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
  let waiters: Waiter[] = [];

  function take(matches: (waiter: Waiter) => boolean): Waiter[] {
    const taken = waiters.filter(matches);
    if (taken.length > 0) waiters = waiters.filter((waiter) => !matches(waiter));
    return taken;
  }

  return {
    wait: (upTo) => new Promise((resolve, reject) => waiters.push({ upTo, resolve, reject })),
    settle(before) {
      for (const waiter of take(({ upTo }) => upTo < before)) waiter.resolve();
    },
    failed(first, error) {
      const concerned = take(({ upTo }) => upTo >= first);
      for (const waiter of concerned) waiter.reject(error);
      return concerned.length > 0;
    },
    isAwaited: () => waiters.length > 0,
    isWanted: (first) => waiters.some(({ upTo }) => upTo >= first),
  };
}
