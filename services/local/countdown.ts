/** The time between an edit that takes workers away and their removal: a file may be half written, or a mistake. */

/** How long the config has to stay as it is. */
export const REMOVAL_DELAY_MS = 5_000;
/** The same where many workers are missing at once: this many times as long. */
export const DOUBT_FACTOR = 6;

export type Clock = {
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Calls back once; returns what prevents it. */
  readonly after: (ms: number, callBack: () => void) => () => void;
};

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, callBack) {
    const timer = setTimeout(callBack, ms);
    return () => clearTimeout(timer);
  },
};

export interface Countdown {
  /** Begin it anew: `act` is called after `delayMs`, and calls `finish`. */
  begin(workers: readonly number[], delayMs: number, act: () => void): void;
  /** The time is up, and it was neither cancelled nor begun anew since. */
  isOver(): boolean;
  /** @returns the workers that it was for, none if there was none */
  cancel(): readonly number[];
  /** How long each worker has left, ms. */
  left(): ReadonlyMap<number, number>;
}

type Pending = { readonly workers: readonly number[]; readonly at: number; over: boolean; stop: () => void };

export function countdown({ now, after }: Clock): Countdown {
  let pending: Pending | undefined;

  function cancel(): readonly number[] {
    const workers = pending?.workers ?? [];
    pending?.stop();
    pending = undefined;
    return workers;
  }

  return {
    begin(workers, delayMs, act) {
      cancel();
      const mine: Pending = { workers, at: now() + delayMs, over: false, stop: () => undefined };
      mine.stop = after(delayMs, () => {
        mine.over = true;
        act();
      });
      pending = mine;
    },
    isOver: () => pending?.over ?? false,
    cancel,
    left() {
      const ms = Math.max(0, (pending?.at ?? 0) - now());
      return new Map(pending?.workers.map((worker) => [worker, ms]));
    },
  };
}

/**
 * What a countdown is for, unless the entries came back by then: that may not be noticed yet, or be read just now. The function that notices it
 * finds the countdown as it is, and tells.
 *
 * @param isStill whether they are missing now
 */
export async function finish(
  wait: Countdown,
  isStill: () => Promise<boolean>,
  act: () => void | Promise<void>,
): Promise<void> {
  if (!wait.isOver() || !(await isStill()) || !wait.isOver()) return;
  wait.cancel();
  await act();
}

/** Does a config that lost `removed` of `total` workers look like one that is not whole? */
export function isDoubtful(removed: number, total: number): boolean {
  return removed * 2 >= total && (removed > 1 || total === 1);
}
