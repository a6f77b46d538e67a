/** Makes the report of a rollback, which names operations, from the core's, which names calls. */
import { largest, type RollbackReport as CallReport } from '@dpr/core';
import { lastOperation, type Batch } from './batch.ts';
import type { LostOperations, RollbackReport } from './rollback-report.ts';
import type { NumberedQueue } from './numbered-queue.ts';

/**
 * @param inFlight batches by the number that the core knows them by
 * @param waiting batches that the core has not heard of
 * @param lastCommitted the last operation known to be committed
 */
export function tellRollback(
  report: CallReport,
  replaying: boolean,
  inFlight: Pick<NumberedQueue<Batch>, 'get'>,
  waiting: Iterable<Batch>,
  lastCommitted: number,
): RollbackReport {
  const batchesOf = (calls: readonly number[]): Batch[] => calls.flatMap((call) => inFlight.get(call) ?? []);
  // The last batch may not have the last operation: those that were gathered in one tick interleave.
  const lastSurvivor = largest(batchesOf(report.unanswered).map(lastOperation), lastCommitted);
  const lost = batchesOf(report.lost).flatMap(operationsOf);
  const unsent = replaying ? [] : [...batchesOf(report.unsent), ...waiting].flatMap(operationsOf);
  return {
    worldLine: report.worldLine,
    lastSurvivor,
    lost,
    lostCount: lost.reduce((sum, { count }) => sum + count, 0),
    exceptions: lost.filter(({ first }) => first < lastSurvivor),
    unsent,
    replaying,
  };
}

function operationsOf({ worker, first, count, runs = [[first, count]] }: Batch): LostOperations[] {
  return runs.map(([from, many]) => ({ worker, first: from, count: many }));
}
