/** Reading the options that the programs share. */
import { parseAddress } from '@dpr/client/addresses';
import { checked, whole } from '@dpr/local/command-line';
import { MAX_SEED } from '@dpr/local/measurements';
import { InvalidArgumentError } from 'commander';
import type { Selector } from './schedule.ts';

export const seedOption = whole(0, MAX_SEED);

/** The sum of two still fits into a timer, which takes a longer time for none at all. */
const MAX_DURATION_MS = 2 ** 30;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** As in `250`, `250ms`, `5s`, `1.5m`, `2h`; a plain number is in ms. @returns whole ms */
export function duration(text: string): number {
  const [, amount = '', unit = 'ms'] = /^(\d+(?:\.\d+)?)\s*([a-z]+)?$/.exec(text) ?? [];
  const scale = UNIT_MS[unit];
  if (amount === '' || scale === undefined) {
    throw new InvalidArgumentError('Give a time such as 250ms, 5s or 2m; a plain number is in milliseconds.');
  }
  const ms = Math.round(Number(amount) * scale);
  if (ms <= MAX_DURATION_MS) return ms;
  throw new InvalidArgumentError(`Give a time of at most ${MAX_DURATION_MS} ms.`);
}

/** As in `ws://localhost:6379`. */
export function clusterAddress(text: string): string {
  checked(() => parseAddress(text));
  return text;
}

/** As in `workers,finder`. */
export function selectors(text: string): readonly Selector[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.every((word) => /^[a-z][-a-z0-9]*$/.test(word))) return words;
  throw new InvalidArgumentError('Give names, or all, workers, finder, with commas between them.');
}

/** As in `counter-0,finder,counter-0+counter-1`: what a plus joins has a fault at once. */
export function sequence(text: string): readonly (readonly Selector[])[] {
  return text.split(',').map((entry) => selectors(entry.split('+').join(',')));
}
