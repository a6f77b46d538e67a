import type { WorkerConfig, WorkerStatus } from '@dpr/core';
import type { Registry } from 'prom-client';
import type { Budgets } from '../budget.ts';
import type { MemoryBudget } from '../memory.ts';
import { flag, gauge, info, total, totals, writeSeconds } from '../metrics.ts';
import type { AnyState } from './state-object.ts';
import type { LogEffect } from './worker-log.ts';

const MS_PER_SECOND = 1_000;

/** What the worker's surroundings count. */
export interface WorkerCounts {
  batches: number;
  checkpoints: number;
  checkpointBytes: number;
  failedWrites: number;
  rollbacks: number;
  lostOperations: number;
  /** How long the state took to be there again, the last time, s. */
  restoreSeconds: number;
  readonly connections: () => number;
  /** How many there may be. */
  readonly maxConnections: number;
  readonly finderIsSilent: () => boolean;
}

/** @param now monotonic time, ms @returns who is told each event, from the process's beginning on */
export function countEvents(counts: WorkerCounts, now: () => number): (effect: LogEffect) => void {
  let restoreBegan = now();
  return ({ event, details }) => {
    if (event === 'rollback') {
      counts.rollbacks++;
      counts.lostOperations += Number(details.lostOperations);
      restoreBegan = now();
    } else if (event === 'restored') {
      counts.restoreSeconds = (now() - restoreBegan) / MS_PER_SECOND;
    }
  };
}

export interface WorkerMetricsParts {
  readonly status: () => WorkerStatus;
  readonly counts: WorkerCounts;
  readonly memory: MemoryBudget & Required<Budgets>;
  readonly config: WorkerConfig;
  readonly object: AnyState;
  /** Monotonic time, ms. */
  readonly now: () => number;
}

/** @returns what the seconds of each checkpoint's write are told to */
export function registerWorkerMetrics(registry: Registry, parts: WorkerMetricsParts): (s: number) => void {
  const { status, counts } = parts;
  info(registry, 'dpr_worker_info', 'Which worker this is: always 1.', () => {
    const { id, type, generation } = status();
    return { worker: String(id), type, generation: String(generation) };
  });
  total(registry, 'dpr_worker_batches_total', 'Batches executed.', () => counts.batches);
  total(registry, 'dpr_worker_operations_total', 'Operations executed.', () => status().operations);
  const silent = '1 while the Finder is connected and does not answer: nothing commits.';
  gauge(registry, 'dpr_worker_finder_silent', silent, () => flag(counts.finderIsSilent()));
  registerHoldUps(registry, parts);
  gauge(registry, 'dpr_worker_sessions', 'Sessions that the worker remembers.', () => status().sessions);
  gauge(registry, 'dpr_worker_connections', 'Clients that greeted and are connected.', counts.connections);
  gauge(registry, 'dpr_worker_connections_limit', 'How many there may be.', () => counts.maxConnections);
  registerCommits(registry, parts);
  registerRollbacks(registry, parts);
  registerMemory(registry, status, parts.memory);
  return registerCheckpoints(registry, parts);
}

/** What keeps batches from being executed. */
function registerHoldUps(registry: Registry, { status, now }: WorkerMetricsParts): void {
  gauge(registry, 'dpr_worker_waiting_batches', 'Batches that wait to be executed.', () => status().waiting);
  const blocked =
    'For how long batches waited while the worker served: it was ahead of its disk, or of commits, by as much as it may be.';
  total(registry, 'dpr_worker_blocked_seconds_total', blocked, () => {
    const { blockedMs, blockedSince } = status();
    return (blockedMs + (blockedSince === undefined ? 0 : Math.max(0, now() - blockedSince))) / MS_PER_SECOND;
  });
  const refused = 'Batches that were refused, by the code that clients were told; only codes that there were.';
  totals(registry, 'dpr_worker_refused_batches_total', refused, 'reason', () => status().refused);
}

function registerCommits(registry: Registry, { status, now }: WorkerMetricsParts): void {
  const executed = 'The newest version in which something executed.';
  gauge(registry, 'dpr_worker_executed_version', executed, () => status().executed);
  gauge(registry, 'dpr_worker_durable_version', 'The newest version that is durable.', () => status().durable);
  gauge(registry, 'dpr_worker_committed_version', 'The version that the cut covers.', () => status().committed);
  const uncommitted = 'Versions durable and not covered by the cut.';
  gauge(registry, 'dpr_worker_uncommitted_versions', uncommitted, () => status().uncommitted);
  const operations = 'Operations executed and not committed: what a failure now would take back.';
  gauge(registry, 'dpr_worker_uncommitted_operations', operations, () => status().uncommittedOperations);
  const lag = 'How long ago the oldest operation executed that is not committed; 0: all are.';
  gauge(registry, 'dpr_worker_commit_lag_seconds', lag, () => {
    const since = status().uncommittedSince;
    return since === undefined ? 0 : Math.max(0, now() - since) / MS_PER_SECOND;
  });
}

function registerRollbacks(registry: Registry, { status, counts }: WorkerMetricsParts): void {
  gauge(registry, 'dpr_worker_world_line', 'The world-line of the worker.', () => status().worldLine);
  total(registry, 'dpr_worker_rollbacks_total', 'World-lines adopted by this process.', () => counts.rollbacks);
  const lost = 'Operations executed by this process that rollbacks took back.';
  total(registry, 'dpr_worker_lost_operations_total', lost, () => counts.lostOperations);
  const restore = 'How long it took, the last time, until the state was there again.';
  gauge(registry, 'dpr_worker_restore_seconds', restore, () => counts.restoreSeconds);
}

function registerCheckpoints(
  registry: Registry,
  { status, counts, config, object }: WorkerMetricsParts,
): (s: number) => void {
  total(registry, 'dpr_worker_checkpoints_total', 'Checkpoints made durable.', () => counts.checkpoints);
  const bytes = 'Bytes of checkpoints made durable.';
  total(registry, 'dpr_worker_checkpoint_bytes_total', bytes, () => counts.checkpointBytes);
  const failures = 'Writes of checkpoints, and of what belongs to them, that failed.';
  total(registry, 'dpr_worker_checkpoint_write_failures_total', failures, () => counts.failedWrites);
  gauge(registry, 'dpr_worker_unwritten_versions', 'Versions sealed and not durable.', () => status().unwritten);
  const most = 'With so many, new batches wait.';
  gauge(registry, 'dpr_worker_unwritten_versions_limit', most, () => config.maxUnwrittenVersions);
  if ('baseBytes' in object) {
    gauge(registry, 'dpr_worker_state_bytes', 'About what the whole state takes on the volume.', () =>
      object.baseBytes(),
    );
  }
  const took = 'How long a checkpoint took to become durable.';
  const seconds = writeSeconds(registry, 'dpr_worker_checkpoint_write_seconds', took);
  return (s) => seconds.observe(s);
}

/** What the process holds of each kind, beside its limit. */
function registerMemory(
  registry: Registry,
  status: () => WorkerStatus,
  { bytes, limits, maxUnsentBytes, maxReceivedBytes, unsent, received }: MemoryBudget & Required<Budgets>,
): void {
  gauge(registry, 'dpr_worker_memory_limit_bytes', 'The memory that the process may use.', () => bytes);
  const short = '1 while new sessions or batches are refused for want of memory.';
  gauge(registry, 'dpr_worker_memory_short', short, () => flag(status().isShort));
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
    gauge(registry, `dpr_worker_${kind}_bytes`, `Bytes ${what}.`, read);
    gauge(registry, `dpr_worker_${kind}_limit_bytes`, `How many bytes ${what} there may be.`, () => limit);
  }
  const gaveWay = 'Connections that were closed because they held most when memory was short.';
  total(registry, 'dpr_worker_connections_short_total', gaveWay, () => unsent.gaveWay() + received.gaveWay());
}
