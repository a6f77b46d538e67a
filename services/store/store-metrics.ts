/** What a store tells of its keys, beside the numbers of its worker. */
import type { TypeMetrics } from '@dpr/runtime';

/** How much memory keys take. */
export interface StoreMemory {
  readonly usedBytes: number;
  /** Between records, and of what may be undone. */
  readonly spareBytes: number;
  readonly keys: number;
  readonly keysWithDeadline: number;
  /** With more than this, keys are evicted, or else writes refused. */
  readonly maxBytes: number;
  readonly evicts: boolean;
  /** Since the process started. */
  readonly evictedKeys: number;
}

export function registerStoreMetrics(metrics: TypeMetrics, memory: () => StoreMemory): void {
  const keys = 'Keys, with those whose time is over and that were not taken out yet.';
  metrics.gauge('keys', keys, () => memory().keys);
  metrics.gauge('keys_with_deadline', 'Those of them that have a time to live.', () => memory().keysWithDeadline);
  metrics.gauge('used_bytes', 'What keys take, with their values and the index.', () => memory().usedBytes);
  const limit = 'With more, keys are evicted, or else writes refused.';
  metrics.gauge('used_limit_bytes', limit, () => memory().maxBytes);
  const spare = 'Memory between records, and of records that a rollback may bring back.';
  metrics.gauge('spare_bytes', spare, () => memory().spareBytes);
  const evicted = 'Keys evicted since the process started, those too that a rollback brought back.';
  metrics.total('evicted_keys_total', evicted, () => memory().evictedKeys);
}
