import type { Worker } from '@dpr/core';
import type { Registry } from 'prom-client';
import { gauge, total, writeSeconds } from '../metrics.ts';
import { newestVersion } from './peers.ts';

/** What the worker's surroundings count. */
export interface WorkerCounts {
  batches: number;
  checkpoints: number;
  checkpointBytes: number;
  failedWrites: number;
  rollbacks: number;
  readonly connections: () => number;
  readonly finderIsSilent: () => boolean;
}

/** @returns what the seconds of each checkpoint's write are told to */
export function registerWorkerMetrics(registry: Registry, worker: Worker, counts: WorkerCounts): (s: number) => void {
  const committed = () => worker.committed;
  const durable = () => worker.uncommitted.at(-1)?.version ?? committed();
  total(registry, 'dpr_batches_total', 'Batches executed.', () => counts.batches);
  total(registry, 'dpr_operations_total', 'Operations executed.', () => worker.operations);
  total(registry, 'dpr_checkpoints_total', 'Checkpoints made durable.', () => counts.checkpoints);
  total(registry, 'dpr_checkpoint_bytes_total', 'Bytes of checkpoints made durable.', () => counts.checkpointBytes);
  total(registry, 'dpr_write_failures_total', 'Writes to the volume that failed.', () => counts.failedWrites);
  total(registry, 'dpr_rollbacks_total', 'World-lines adopted by this process.', () => counts.rollbacks);
  gauge(registry, 'dpr_world_line', 'The world-line of the worker.', () => worker.worldLine);
  gauge(registry, 'dpr_finder_silent', '1 while the Finder is connected and does not answer: nothing commits.', () =>
    counts.finderIsSilent() ? 1 : 0,
  );
  gauge(registry, 'dpr_executed_version', 'The newest version in which something executed.', () =>
    newestVersion(worker),
  );
  gauge(registry, 'dpr_durable_version', 'The newest version that is durable.', durable);
  gauge(registry, 'dpr_committed_version', 'The version that the cut covers.', committed);
  gauge(registry, 'dpr_unwritten_versions', 'Versions sealed and not durable.', () => worker.unwritten.length);
  gauge(
    registry,
    'dpr_uncommitted_versions',
    'Versions durable and not covered by the cut.',
    () => worker.uncommitted.length,
  );
  gauge(registry, 'dpr_waiting_batches', 'Batches that wait to be executed.', () => worker.waiting.length);
  gauge(registry, 'dpr_sessions', 'Sessions that the worker remembers.', () => worker.sessions.entries.size);
  gauge(registry, 'dpr_connections', 'Clients that greeted and are connected.', counts.connections);
  const seconds = writeSeconds(
    registry,
    'dpr_checkpoint_write_seconds',
    'How long a checkpoint took to become durable.',
  );
  return (s) => seconds.observe(s);
}
