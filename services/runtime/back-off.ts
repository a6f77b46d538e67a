/** How long to wait before trying again. */
export interface BackOff {
  /** The next pause, ms. Pauses grow from the first to the longest, each shortened at random by up to half. */
  next(): number;
  /** It worked: the next pause is the first one again. */
  reset(): void;
}

/**
 * @param growth of each pause over the one before. An outage is noticed to be over late by at most about `1 - 1 / growth` of it,
 *   as long as pauses grow.
 * @param random a number from 0 up to 1
 */
export function backOff(firstMs: number, longestMs: number, growth = 2, random: () => number = Math.random): BackOff {
  let pause = firstMs;
  return {
    next() {
      const full = pause;
      pause = Math.min(pause * growth, longestMs);
      return full * (1 - random() / 2);
    },
    reset() {
      pause = firstMs;
    },
  };
}
