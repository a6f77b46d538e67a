/** What the page shows of each worker. Pure. */
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import type { Level, ProcessView, WorkerView } from './messages.ts';
import type { ProcessKey, ProcessRates } from './process-metrics.ts';
import { troubleOf } from './verdict.ts';

/** What is known of workers besides the Finder's answer, by id, and of processes too. */
export interface Known {
  readonly rates: ReadonlyMap<ProcessKey, ProcessRates>;
  /** The last rates of each, oldest first. */
  readonly recent: ReadonlyMap<number, readonly number[]>;
  readonly awayForMs: ReadonlyMap<number, number>;
  readonly processes: ReadonlyMap<ProcessKey, ProcessView>;
}

/** The worst first: by level, then by how long operations wait for their commit, then by id. */
export function workerViews({ workers }: ClusterStatus, known: Known): WorkerView[] {
  return workers
    .map((worker) => viewOf(worker, known))
    .sort((a, b) => RANK[a.level] - RANK[b.level] || b.lagMs - a.lagMs || a.id - b.id);
}

const RANK: Readonly<Record<Level, number>> = { critical: 0, warning: 1, well: 2 };

function viewOf(worker: WorkerStatus, { rates, recent, awayForMs, processes }: Known): WorkerView {
  const { id, generation, type, address, state, allCommitted, committedAgoMs, lagOperations, lagMs, restarts } = worker;
  const trouble = troubleOf(worker, awayForMs.get(id));
  const now = rates.get(id);
  return {
    id,
    generation,
    type,
    address: address.replace(/^wss?:\/\//, ''),
    state,
    level: trouble?.level ?? 'well',
    trouble: trouble?.text ?? '',
    allCommitted,
    ...given('committedAgoMs', committedAgoMs),
    lagOperations,
    lagMs,
    restarts,
    ...given('rate', now?.rate),
    ...given('stateBytes', now?.stateBytes),
    rates: recent.get(id) ?? [],
    ...given('process', processes.get(id)),
  };
}

/** A field, or none where there is nothing to say. */
export function given<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}
