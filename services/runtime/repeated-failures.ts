/** The same failure again and again is told once, and then how many more times it came. */

/** How long the same is counted before that is told; twice as long each time that it goes on, up to the longest. */
export const COUNTED_MS = 30_000;
export const LONGEST_COUNTED_MS = 600_000;
/** As many kinds of failures are remembered; with another one the oldest is told and forgotten. */
export const MAX_COUNTED_KINDS = 100;

/** How often something came that was not told when it did, and within which time. */
export interface More {
  readonly times: number;
  readonly ms: number;
}

export interface Repeats<T> {
  /**
   * Something happened that is to be told.
   * @param kind what is the same whenever it happens again
   * @returns whether it was told at once, as the first of its kind is
   */
  note(kind: string, what: T): boolean;
}

/** When things happen; tests give their own. */
export interface Time {
  /** Monotonic, ms. */
  readonly now: () => number;
  /** @returns what cancels it */
  readonly after: (ms: number, ring: () => void) => () => void;
}

/** A process that has nothing else to do does not wait for a count. */
const TIME: Time = {
  now: () => performance.now(),
  after(ms, ring) {
    const timer = setTimeout(ring, ms).unref();
    return () => clearTimeout(timer);
  },
};

type Counting<T> = { last: T; times: number; since: number; windowMs: number; cancel: () => void };

/** @param tell called with the first of a kind, and with the last of those that were counted after it, and their number */
export function repeats<T>(tell: (what: T, more?: More) => void, { now, after }: Time = TIME): Repeats<T> {
  /** The oldest first. */
  const kinds = new Map<string, Counting<T>>();

  function tellCount({ last, times, since }: Counting<T>): void {
    if (times > 0) tell(last, { times, ms: Math.round(now() - since) });
  }

  function windowEnds(kind: string, counting: Counting<T>): void {
    tellCount(counting);
    if (counting.times === 0) {
      kinds.delete(kind);
      return;
    }
    counting.times = 0;
    counting.since = now();
    counting.windowMs = Math.min(2 * counting.windowMs, LONGEST_COUNTED_MS);
    counting.cancel = after(counting.windowMs, () => windowEnds(kind, counting));
  }

  function forgetOldest(): void {
    const [oldest] = kinds;
    if (oldest === undefined || kinds.size <= MAX_COUNTED_KINDS) return;
    const [kind, counting] = oldest;
    counting.cancel();
    kinds.delete(kind);
    tellCount(counting);
  }

  return {
    note(kind, what) {
      const known = kinds.get(kind);
      if (known !== undefined) {
        known.times++;
        known.last = what;
        return false;
      }
      const counting: Counting<T> = {
        last: what,
        times: 0,
        since: now(),
        windowMs: COUNTED_MS,
        cancel: () => undefined,
      };
      counting.cancel = after(COUNTED_MS, () => windowEnds(kind, counting));
      kinds.set(kind, counting);
      forgetOldest();
      tell(what);
      return true;
    },
  };
}

/** Times, versions, addresses of memory, ids of sessions: what differs from one time to the next and makes no other failure. */
const INCIDENTAL = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z?|\d+\.\d{4,}|0x[0-9a-f]+|\b[0-9a-f]{16,}\b|\d{6,}/gi;
/** In what a process said last, all numbers are: of processes, lines, workers. */
const NUMBER = /\d+/g;

/** The text of a failure without what differs each time that it happens. */
export function kindOfText(text: string): string {
  return text.replaceAll(INCIDENTAL, '#');
}

/** The same of why a process ended, such as `exited with code 3: Error: …`: its code counts, and what it said but for numbers. */
export function kindOfEnd(reason: string): string {
  const end = reason.indexOf(': ');
  return end === -1 ? reason : reason.slice(0, end) + kindOfText(reason.slice(end)).replaceAll(NUMBER, '#');
}

/** As in `… 12 more times in 30 s`. */
export function moreText({ times, ms }: More): string {
  return `… ${times} more ${times === 1 ? 'time' : 'times'} in ${Math.round(ms / 1_000)} s`;
}
