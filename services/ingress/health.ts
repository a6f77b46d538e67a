/** Whether a pod of the ingress takes connections, and whether it hears of changes. */
import type { Log } from '@dpr/runtime';
import type { Report } from './nginx-feeder.ts';

/** What is told of the watch of the ConfigMap. */
export interface WatchState {
  /** How often a watch failed, since the start. */
  readonly failures: number;
  /** The reason while it fails. */
  readonly reason: string | undefined;
}

export interface Watching {
  readonly now: () => WatchState;
  readonly failed: (reason: string) => void;
  readonly established: () => void;
}

/** Why no connection may come, in words. A pod that serves anything at all takes connections: `/configuration` tells what is missing. */
export function notReady({ serving, refused, routes, unknown = [] }: Report): string | undefined {
  if (serving === undefined) {
    return refused === undefined ? 'NGINX does not serve yet' : `NGINX refuses its configuration: ${refused.reason}`;
  }
  return routes === 0 && unknown.length > 0 ? 'no address is found for any Service' : undefined;
}

/** Says once that the watch fails, and once that it no longer does. */
export function watchState(log: Pick<Log, 'info' | 'warn'>): Watching {
  let failures = 0;
  let inARow = 0;
  let reason: string | undefined;
  return {
    now: () => ({ failures, reason }),
    failed: (why) => {
      failures += 1;
      inARow += 1;
      if (why !== reason) log.warn({ event: 'watchFailed', reason: why });
      reason = why;
    },
    established: () => {
      if (reason !== undefined) log.info({ event: 'watchEstablished', failures: inARow });
      inARow = 0;
      reason = undefined;
    },
  };
}
