/** Whether what the page shows is how the cluster is now, and in words why that is not known. Pure. */
import type { Level } from '../messages.ts';

/** An update comes about once a second: after this long, what is shown is old. */
export const STALE_AFTER_MS = 2_000;

/** Two clocks may drift apart by so much of the time that passes; a queue on the way grows much faster. */
export const CLOCK_DRIFT = 0.001;

/** What came over one connection. */
export interface Pace {
  /** When the last update came, by the page's clock in ms, which never goes back. */
  readonly heardAt: number;
  /** When it was so, by the server's clock in ms. */
  readonly at: number;
  /** The page's clock less the server's, with the update that took the shortest way. */
  readonly leastOffset: number;
}

/** @param before undefined: it is the first of its connection */
export function paceAfter(before: Pace | undefined, at: number, heardAt: number): Pace {
  const offset = heardAt - at;
  // Updates come in order: where their time goes back, the server's clock was set anew.
  if (before === undefined || at < before.at) return { heardAt, at, leastOffset: offset };
  const drift = (heardAt - before.heardAt) * CLOCK_DRIFT;
  return { heardAt, at, leastOffset: Math.min(before.leastOffset + drift, offset) };
}

/** @returns how old the last update is in ms, beyond the shortest way that one took */
export function ageOf({ at, leastOffset }: Pace, now: number): number {
  return now - at - leastOffset;
}

/** Why it is not known how the cluster is. */
export interface Doubt {
  readonly level: Level;
  /** A sentence. */
  readonly text: string;
  /** A few words about the connection. */
  readonly label: string;
}

/** What the page knows of its connection. Times are ms by the page's clock. */
export interface Connection {
  /** Since when the page waits for an answer: it was opened, or was shown again. */
  readonly since: number;
  /** Undefined until an update came. */
  readonly pace?: Pace;
  /** The page gave its connection up while it was hidden, and has not been told anything since. */
  readonly wasHidden?: boolean;
  /** What the console said last, since it ended. */
  readonly stopped?: string;
  /** Why the console lets this page not follow it. */
  readonly refusal?: string;
}

/** @returns undefined while what the page shows is live */
export function doubtOf(connection: Connection, now: number): Doubt | undefined {
  const { since, pace, wasHidden = false, stopped, refusal } = connection;
  if (refusal !== undefined) return { level: 'critical', text: refusal, label: 'reconnecting: refused' };
  if (stopped !== undefined) return { level: 'critical', text: stopped, label: 'stopped' };
  const silentMs = now - Math.max(since, pace?.heardAt ?? -Infinity);
  if (silentMs >= STALE_AFTER_MS) {
    const seconds = Math.floor(silentMs / 1_000);
    const text = `The console has not answered for ${seconds} s.`;
    return { level: 'critical', text, label: `reconnecting: no answer for ${seconds} s` };
  }
  if (wasHidden) return { level: 'warning', text: 'The page was hidden and connects again.', label: 'reconnecting' };
  const ageMs = pace === undefined ? 0 : ageOf(pace, now);
  if (ageMs < STALE_AFTER_MS) return undefined;
  const seconds = Math.floor(ageMs / 1_000);
  const text = `What is shown was so ${seconds} s ago: the connection is slow.`;
  return { level: 'warning', text, label: `slow: ${seconds} s old` };
}
