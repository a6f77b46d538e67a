/** Striking a target by a schedule, and measuring how long its victims take. */
import { setTimeout as pause } from 'node:timers/promises';
import { SERVED_WELL_MS } from '@dpr/local';
import { showMs } from '@dpr/local/measurements';
import { patience, withPatience } from '@dpr/runtime/patience';
import { allEnded } from './all-ended.ts';
import { dueAt, type Schedule, victimsOf } from './schedule.ts';
import { type Blow, type Recovered, StrikeError, type Target, type Victim } from './target.ts';

/** One strike, of one victim or several at once. */
export type Strike = {
  /** From 0. */
  readonly index: number;
  /** After the start, ms. */
  readonly atMs: number;
  readonly victims: readonly Victim[];
};

/** A victim that serves again. */
export type Recovery = Recovered & { readonly index: number; readonly victim: Victim };

export type Strikes = {
  readonly target: Target;
  readonly schedule: Schedule;
  readonly blow: Blow;
  /** How long a victim may take to serve again, ms. */
  readonly patienceMs: number;
  /** Ends everything at once: then the victims of the last strike are not waited for. */
  readonly signal: AbortSignal;
  /** No strike begins after this; the victims of the last one are waited for. */
  readonly enough?: AbortSignal;
  struck(strike: Strike): void;
  recovered(recovery: Recovery): void;
};

/** What a victim may take to serve again unless told otherwise. */
export const PATIENCE_MS = 30_000;

/**
 * How long all serve between two strikes unless told otherwise: somewhat longer than what a supervisor asks of a process before it
 * starts the next one without a pause, since these pauses grow and hide what is to be seen.
 */
export const REST_MS = SERVED_WELL_MS + 100;

/**
 * Strikes until the schedule or the signal ends it; each time waits until all victims serve again. What stands still at the
 * end goes on.
 * @throws StrikeError when a victim cannot be struck or does not come back
 */
export async function runStrikes(strikes: Strikes): Promise<void> {
  const { target, schedule, signal, enough, patienceMs } = strikes;
  const noMore = patience({ signals: [signal, enough] });
  const start = performance.now();
  const elapsed = () => performance.now() - start;
  let lastMs = 0;
  try {
    for (let index = 0; ; index++) {
      const due = dueAt(schedule, index, lastMs, elapsed());
      if (due === undefined) return;
      await pause(Math.max(0, due - elapsed()), undefined, { signal: noMore.signal });
      const victims = victimsOf(schedule, index, await target.victims());
      lastMs = elapsed();
      const wounded = await allEnded(
        victims.map(async (victim) => ({ victim, wound: await target.strike(victim, strikes.blow) })),
      );
      strikes.struck({ index, atMs: lastMs, victims });
      await withPatience({ signals: [signal], ms: longest(strikes.blow) + patienceMs }, (limit) =>
        Promise.all(
          wounded.map(async ({ victim, wound }) => {
            const recovered = await wound.recovered(limit).catch((error: unknown) => {
              if (signal.aborted || !limit.aborted) throw error;
              throw new StrikeError(
                `${victim.name} does not serve again ${showMs(patienceMs)} after strike ${index + 1}`,
              );
            });
            strikes.recovered({ index, victim, ...recovered });
          }),
        ),
      );
    }
  } catch (error) {
    if (!(noMore.signal.aborted && isAbort(error))) throw error;
  } finally {
    noMore.end();
    await target.release();
  }
}

function longest(blow: Blow): number {
  return blow.kind === 'stop' ? blow.forMs : 0;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
