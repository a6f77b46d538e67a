/** When a key will be gone, as words of commands say it. */
import { type Arguments, CommandError, integerOf } from '@dpr/resp';
import { nearestExact } from './counts.ts';
import { MAX_TIME_TO_LIVE_MS } from '../operations.ts';

/** A time: from now on, or of the clock. */
export interface TimeWord {
  readonly isRelative: boolean;
  /** Of the unit, in ms. */
  readonly unitMs: bigint;
}

export const TIME_WORDS: Readonly<Record<string, TimeWord>> = {
  EX: { isRelative: true, unitMs: 1000n },
  PX: { isRelative: true, unitMs: 1n },
  EXAT: { isRelative: false, unitMs: 1000n },
  PXAT: { isRelative: false, unitMs: 1n },
};

const MIN_INTEGER = -(2n ** 63n);
const MAX_INTEGER = 2n ** 63n - 1n;
const MOST = { relative: BigInt(MAX_TIME_TO_LIVE_MS), absolute: MAX_INTEGER };

/** @returns ms @throws CommandError when the time is not one that is to come, or that may be said */
export function timeOf(words: Arguments, index: number, { isRelative, unitMs }: TimeWord, command: string): number {
  const time = integerOf(words, index) * unitMs;
  if (time <= 0n || time > (isRelative ? MOST.relative : MOST.absolute)) throw invalidTime(command);
  return nearestExact(time);
}

/** @returns ms, also of a time that has passed @throws CommandError when it may not be said */
export function anyTimeOf(words: Arguments, index: number, { isRelative, unitMs }: TimeWord, command: string): number {
  const time = integerOf(words, index) * unitMs;
  if (time < MIN_INTEGER || time > (isRelative ? MOST.relative : MOST.absolute)) throw invalidTime(command);
  return nearestExact(time);
}

function invalidTime(command: string): CommandError {
  return new CommandError(`ERR invalid expire time in '${command}' command`);
}
