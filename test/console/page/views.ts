/** Invented data of a console's server. */
import type { ConsoleEvent, Hello, Sample, Update, WorkerView } from '../../../services/console/messages.ts';

/** 2026-01-01, noon, UTC. */
export const NOON = Date.UTC(2026, 0, 1, 12);

export function worker(change: Partial<WorkerView> = {}): WorkerView {
  return {
    id: 3,
    generation: 1,
    type: 'counter',
    address: '127.0.0.1:7103',
    state: 'serving',
    level: 'well',
    trouble: '',
    allCommitted: true,
    committedAgoMs: 49,
    lagOperations: 0,
    lagMs: 0,
    restarts: 0,
    rates: [],
    ...change,
  };
}

/** @param second after noon */
export function sample(second: number, change: Partial<Sample> = {}): Sample {
  return { at: NOON + second * 1_000, ...change };
}

export function event(number: number, isRollback = false): ConsoleEvent {
  return { number, at: NOON + number * 1_000, level: 'well', text: `event ${number}`, isRollback };
}

export function update(second: number, events: readonly ConsoleEvent[] = []): Update {
  return {
    at: NOON + second * 1_000,
    verdict: { level: 'well', text: 'All 8 workers serve.', more: [] },
    finder: { state: 'serving', text: '' },
    rollbacks: 0,
    lostOperations: 0,
    workers: [],
    sample: sample(second),
    events,
  };
}

export function hello(change: Partial<Hello> = {}): Hello {
  return {
    build: 'a',
    title: 'Pulumi.dev.yaml',
    can: { remove: true, injectFaults: true },
    history: [],
    events: [],
    now: update(0),
    ...change,
  };
}
