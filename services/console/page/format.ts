/** How numbers, times and names are written in the page. Pure, but for the time zone. */
import { count, duration } from '@dpr/client/status-table';
import type { WorkerView } from '../messages.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 1536 as `1.5 kB`. */
export function bytes(number: number): string {
  let value = number;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1_000;
  return `${Number(value.toPrecision(3))} ${UNITS[unit] ?? ''}`;
}

/** A number for an axis, where there is little room: 12500 as `12.5k`. */
export function compact(number: number): string {
  return COMPACT.format(number);
}

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 });

/** A duration for charts, where less than a millisecond counts, and zeros do not: `0.4 ms`, `2 s`. */
export function briefDuration(ms: number): string {
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`;
  return ms >= 1_000 && ms < 120_000 ? `${Number((ms / 1_000).toFixed(1))} s` : duration(ms);
}

/** The time of day where the browser is, to the second: `14:03:22`. */
export function clock(at: number): string {
  return CLOCK.format(at);
}

const CLOCK = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** How a worker is called: `counter-0`. */
export function workerName({ type, id }: Pick<WorkerView, 'type' | 'id'>): string {
  return `${type === '' ? 'worker' : type}-${id}`;
}

/** When a worker's operations were committed last, and whether that was all. */
export function committed({ allCommitted, committedAgoMs }: WorkerView): string {
  if (committedAgoMs === undefined) return allCommitted ? 'all' : 'nothing yet';
  const ago = `${duration(committedAgoMs)} ago`;
  return allCommitted ? `all, ${ago}` : ago;
}

/** What a worker has executed and not committed. Of one that does not answer, it is not known whether there is any. */
export function lag({ allCommitted, lagOperations, lagMs }: WorkerView): string {
  if (lagOperations === 0) return allCommitted ? '0' : 'unknown';
  return `${count(lagOperations)} ${lagOperations === 1 ? 'op' : 'ops'}, ${duration(lagMs)}`;
}
