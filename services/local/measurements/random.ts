/** Numbers from 0 up to 1 that a seed repeats (mulberry32): good for choosing victims, for nothing that must be unguessable. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Seeds are whole numbers from 0 up to this. */
export const MAX_SEED = 2 ** 32 - 1;

/** A seed for a run that was given none; the program shows it, so that the run can be repeated. */
export function freshSeed(): number {
  return Math.floor(Math.random() * (MAX_SEED + 1));
}
