/** What a rollback did to a session, told in operations. */
import type { RollbackReport as CallReport } from '@dpr/core';
import { lastOperation, type Batch } from './batch.ts';
import type { Window } from './window.ts';

/** Operations `first` to `first + count - 1` of the session, all for one worker. */
export interface LostOperations {
  readonly worker: number;
  readonly first: number;
  readonly count: number;
}

/** What a failure did to a session. Operations are named by their numbers in the session, as in `Outcome.operation`. */
export interface RollbackReport {
  /** The world-line that the cluster is in now. */
  readonly worldLine: number;
  /** The last operation that survived, 0 if none did. Every one up to it did, but for `exceptions`. */
  readonly lastSurvivor: number;
  /** Operations that executed, or may have, and were lost. */
  readonly lost: readonly LostOperations[];
  /** How many those are. */
  readonly lostCount: number;
  /** Those of `lost` before `lastSurvivor`: they were in flight together with what overtook them. Never in a strict session. */
  readonly exceptions: readonly LostOperations[];
  /** Operations that were never sent and will not be; none when replaying. */
  readonly unsent: readonly LostOperations[];
  /** Whether the session issues the lost operations again by itself. */
  readonly replaying: boolean;
}

/**
 * @param inFlight batches by the number that the core knows them by
 * @param waiting batches that the core has not heard of
 * @param lastCommitted the last operation known to be committed
 */
export function tellRollback(
  report: CallReport,
  replaying: boolean,
  inFlight: Pick<Window<Batch>, 'get'>,
  waiting: Iterable<Batch>,
  lastCommitted: number,
): RollbackReport {
  const batchesOf = (calls: readonly number[]): Batch[] => calls.flatMap((call) => inFlight.get(call) ?? []);
  const survivor = inFlight.get(report.lastSurvivor);
  const lastSurvivor = Math.max(lastCommitted, survivor === undefined ? 0 : lastOperation(survivor));
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
