/** Injects faults into a target by a schedule, and measures how long its victims take to serve again. */
import { setTimeout as pause } from 'node:timers/promises';
import { SERVED_WELL_MS } from '@dpr/local';
import { showMs } from '@dpr/local/measurements';
import { patience, withPatience } from '@dpr/runtime/time-limit';
import { allEnded } from './all-ended.ts';
import { dueAt, type Schedule, victimsOf } from './schedule.ts';
import { type Fault, type Recovered, TargetError, type Target, type Victim } from './target.ts';

/** One fault, of one victim or of several at once. */
export type Injection = {
  /** From 0. */
  readonly index: number;
  /** After the start, ms. */
  readonly atMs: number;
  readonly victims: readonly Victim[];
};

/** A victim that serves again. */
export type Recovery = Recovered & { readonly index: number; readonly victim: Victim };

export type FaultRun = {
  readonly target: Target;
  readonly schedule: Schedule;
  readonly fault: Fault;
  /** How long a victim may take to serve again, ms. */
  readonly patienceMs: number;
  /** Ends everything at once: then the victims of the last fault are not waited for. */
  readonly signal: AbortSignal;
  /** No fault is injected after this; the victims of the last one are waited for. */
  readonly enough?: AbortSignal;
  injected(injection: Injection): void;
  recovered(recovery: Recovery): void;
};

/** What a victim may take to serve again unless told otherwise. */
export const PATIENCE_MS = 30_000;

/**
 * How long all serve between two faults unless told otherwise: somewhat longer than what a supervisor asks of a process before it
 * starts the next one without a pause, since these pauses grow and hide what is to be seen.
 */
export const REST_MS = SERVED_WELL_MS + 100;

/**
 * Injects faults until the schedule or the signal ends it; each time waits until all victims serve again. What stands still at the
 * end goes on.
 * @throws TargetError when a fault cannot be injected or a victim does not come back
 */
export async function injectFaults(run: FaultRun): Promise<void> {
  const { target, schedule, signal, enough, patienceMs } = run;
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
      const outages = await allEnded(
        victims.map(async (victim) => ({ victim, outage: await target.inject(victim, run.fault) })),
      );
      run.injected({ index, atMs: lastMs, victims });
      await withPatience({ signals: [signal], ms: longest(run.fault) + patienceMs }, (limit) =>
        Promise.all(
          outages.map(async ({ victim, outage }) => {
            const recovered = await outage.recovered(limit).catch((error: unknown) => {
              if (signal.aborted || !limit.aborted) throw error;
              throw new TargetError(
                `${victim.name} does not serve again ${showMs(patienceMs)} after fault ${index + 1}`,
              );
            });
            run.recovered({ index, victim, ...recovered });
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

function longest(fault: Fault): number {
  return fault.kind === 'stop' ? fault.forMs : 0;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
