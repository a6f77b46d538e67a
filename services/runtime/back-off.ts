/** How long to wait before trying again. */
export interface BackOff {
  /** The next pause, ms. Pauses double from the first to the longest, each shortened at random by up to half. */
  next(): number;
  /** It worked: the next pause is the first one again. */
  reset(): void;
}

/** @param random a number from 0 up to 1 */
export function backOff(firstMs: number, longestMs: number, random: () => number = Math.random): BackOff {
  let pause = firstMs;
  return {
    next() {
      const full = pause;
      pause = Math.min(pause * 2, longestMs);
      return full * (1 - random() / 2);
    },
    reset() {
      pause = firstMs;
    },
  };
}
