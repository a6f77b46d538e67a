/** Draws elements of collections at random, by a seed that comes with the operation: the same operation has the same result wherever it executes. */

/** @returns a function of which each call gives another number, from 0 to less than 1 */
export function createDraw(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many different ranks below `size`, rising, each choice as likely as any other. @param count at most `size` */
export function drawRanks(draw: () => number, count: number, size: number): number[] {
  const ranks = new Set<number>();
  for (let last = size - count; last < size; last++) {
    const rank = Math.floor(draw() * (last + 1));
    ranks.add(ranks.has(rank) ? last : rank);
  }
  return [...ranks].sort((a, b) => a - b);
}
