/** Who waits until everything up to a batch is committed. */
import type { DprError } from './errors.ts';

interface Waiter {
  /** Everything up to the batch with this ordinal. */
  readonly upTo: number;
  resolve(): void;
  reject(error: DprError): void;
}

export interface Commits {
  /** @returns a promise that `settle` or `failed` settles */
  wait(upTo: number): Promise<void>;
  /** Everything before this ordinal is committed or has failed. */
  settle(before: number): void;
  /** The batch with this ordinal will not be committed. @returns whether anybody waited for it */
  failed(ordinal: number, error: DprError): boolean;
  /** Does somebody wait at all? */
  isAwaited(): boolean;
  /** Does somebody wait for the batch with this ordinal? */
  isWanted(ordinal: number): boolean;
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
    failed(ordinal, error) {
      const concerned = take(({ upTo }) => upTo >= ordinal);
      for (const waiter of concerned) waiter.reject(error);
      return concerned.length > 0;
    },
    isAwaited: () => waiters.length > 0,
    isWanted: (ordinal) => waiters.some(({ upTo }) => upTo >= ordinal),
  };
}
