import type { WorkerStatus } from '@dpr/core';
import type { Registry } from 'prom-client';
import type { Budgets } from '../budget.ts';
import type { MemoryBudget } from '../memory.ts';
import { gauge, total, writeSeconds } from '../metrics.ts';

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
export function registerWorkerMetrics(
  registry: Registry,
  status: () => WorkerStatus,
  counts: WorkerCounts,
  memory: MemoryBudget & Required<Budgets>,
): (s: number) => void {
  total(registry, 'dpr_batches_total', 'Batches executed.', () => counts.batches);
  total(registry, 'dpr_operations_total', 'Operations executed.', () => status().operations);
  total(registry, 'dpr_checkpoints_total', 'Checkpoints made durable.', () => counts.checkpoints);
  total(registry, 'dpr_checkpoint_bytes_total', 'Bytes of checkpoints made durable.', () => counts.checkpointBytes);
  total(registry, 'dpr_write_failures_total', 'Writes to the volume that failed.', () => counts.failedWrites);
  total(registry, 'dpr_rollbacks_total', 'World-lines adopted by this process.', () => counts.rollbacks);
  gauge(registry, 'dpr_world_line', 'The world-line of the worker.', () => status().worldLine);
  gauge(registry, 'dpr_finder_silent', '1 while the Finder is connected and does not answer: nothing commits.', () =>
    counts.finderIsSilent() ? 1 : 0,
  );
  gauge(registry, 'dpr_executed_version', 'The newest version in which something executed.', () => status().executed);
  gauge(registry, 'dpr_durable_version', 'The newest version that is durable.', () => status().durable);
  gauge(registry, 'dpr_committed_version', 'The version that the cut covers.', () => status().committed);
  gauge(registry, 'dpr_unwritten_versions', 'Versions sealed and not durable.', () => status().unwritten);
  gauge(
    registry,
    'dpr_uncommitted_versions',
    'Versions durable and not covered by the cut.',
    () => status().uncommitted,
  );
  gauge(registry, 'dpr_waiting_batches', 'Batches that wait to be executed.', () => status().waiting);
  gauge(registry, 'dpr_sessions', 'Sessions that the worker remembers.', () => status().sessions);
  registerMemory(registry, status, memory);
  gauge(registry, 'dpr_connections', 'Clients that greeted and are connected.', counts.connections);
  const seconds = writeSeconds(
    registry,
    'dpr_checkpoint_write_seconds',
    'How long a checkpoint took to become durable.',
  );
  return (s) => seconds.observe(s);
}

/** What the process holds of each kind, beside its limit. */
function registerMemory(
  registry: Registry,
  status: () => WorkerStatus,
  { bytes, limits, maxUnsentBytes, maxReceivedBytes, unsent, received }: MemoryBudget & Required<Budgets>,
): void {
  gauge(registry, 'dpr_memory_limit_bytes', 'The memory that the process may use.', () => bytes);
  const kinds: readonly (readonly [kind: string, what: string, read: () => number, limit: number])[] = [
    ['session', 'of what the worker remembers of sessions', () => status().sessionBytes, limits.maxSessionBytes],
    ['reply', 'of replies that were not acknowledged', () => status().replyBytes, limits.maxReplyBytes],
    [
      'unwritten',
      'of sessions in checkpoints that are not durable',
      () => status().unwrittenBytes,
      limits.maxUnwrittenBytes,
    ],
    ['undo', 'of what a rollback would need, until the cut covers it', () => status().undoBytes, limits.maxUndoBytes],
    ['waiting', 'of batches that wait to be executed', () => status().waitingBytes, limits.maxWaitingBytes],
    ['unsent', 'of output that clients have not read', () => unsent.bytes(), maxUnsentBytes],
    ['received', 'of input that waits for the rest of its message', () => received.bytes(), maxReceivedBytes],
  ];
  for (const [kind, what, read, limit] of kinds) {
    gauge(registry, `dpr_${kind}_bytes`, `Bytes ${what}.`, read);
    gauge(registry, `dpr_${kind}_limit_bytes`, `How many bytes ${what} there may be.`, () => limit);
  }
  total(
    registry,
    'dpr_connections_short_total',
    'Connections that were closed because they held most when memory was short.',
    () => unsent.gaveWay() + received.gaveWay(),
  );
}
