/** When to connect again to a peer that is away. */
import type { Host, Timer } from './host.ts';

export interface ReconnectionTimes {
  /** Of the time that the peer has been away, the pause before the next attempt takes this part, within the two bounds. */
  readonly pauseShareOfOutage: number;
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
  /** A connection that lasted less than this counts as part of the outage before it. */
  readonly stableMs: number;
}

export interface Reconnection {
  /** The peer has let this side in. */
  readonly opened: () => void;
  /** The connection broke, or the attempt failed: another attempt follows. */
  readonly broke: () => void;
  /** No further attempt follows. */
  readonly stop: () => void;
}

/** The pause before the next attempt at a peer that has been away for `awayMs`. @param random from 0 up to 1 */
export function pauseMs(times: ReconnectionTimes, awayMs: number, random: number): number {
  const { pauseShareOfOutage, minPauseMs, maxPauseMs } = times;
  const full = Math.min(Math.max(awayMs * pauseShareOfOutage, minPauseMs), maxPauseMs);
  return full * (1 - random / 2);
}

export function reconnection(host: Host, times: ReconnectionTimes, attempt: () => void): Reconnection {
  let awaySince = host.now();
  let openSince: number | undefined;
  let next: Timer | undefined;
  return {
    opened() {
      openSince = host.now();
    },
    broke() {
      const now = host.now();
      if (openSince !== undefined && now - openSince >= times.stableMs) awaySince = now;
      openSince = undefined;
      next = host.setTimeout(attempt, pauseMs(times, now - awaySince, host.random()));
    },
    stop: () => host.clearTimeout(next),
  };
}
