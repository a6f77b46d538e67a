/** What commands say that draw elements at random. */
import { type Arguments, CommandError, integerOf } from '@dpr/resp';
import { nearestExact } from './counts.ts';

/** As Redis has it, half of what 64 bits hold where elements come with their values. */
const MAX_COUNT = 2n ** 63n - 1n;
const MAX_PAIRS = 2n ** 62n - 1n;
const SEEDS = 2 ** 32;

/** How many are drawn; fewer than none: some perhaps more than once. @param arePairs whether each comes with its value */
export function drawCountOf(words: Arguments, index: number, arePairs: boolean): number {
  const count = integerOf(words, index);
  if (count < -MAX_COUNT) {
    throw new CommandError(`ERR value is out of range, value must between ${-MAX_COUNT} and ${MAX_COUNT}`);
  }
  if (arePairs && (count < -MAX_PAIRS || count > MAX_PAIRS)) throw new CommandError('ERR value is out of range');
  return nearestExact(count);
}

export function drawSeed(): number {
  return Math.floor(Math.random() * SEEDS);
}
