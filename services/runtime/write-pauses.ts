/** How long to wait before a disk that refused a write is asked again. */
import { setTimeout as pause } from 'node:timers/promises';
import { backOff, type BackOff } from './back-off.ts';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

/** How often a process that writes nothing looks whether its files are still there. */
export const LOOK_EVERY_MS = 1_000;

/** What makes these pauses; a simulation has its own. */
export interface Outside {
  /** Resolves after `ms`, or once the signal is aborted. */
  readonly pause: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export const OUTSIDE: Outside = {
  pause: (ms, signal) => pause(ms, undefined, signal && { signal }).catch(() => undefined),
  random: Math.random,
};

export function writePauses({ random }: Outside): BackOff {
  return backOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, 2, random);
}
