/** What checkpoints cost: the same load on a cluster that makes them every 100 ms, and on one that hardly does. */
import { TARGET_CELLS } from './cells.ts';
import { firstOf, runOnce, type Contender, type Durations } from './measure-cells.ts';
import type { Measured } from './load/protocol.ts';

export interface CheckpointRuns {
  readonly on: readonly Measured[];
  readonly off: readonly Measured[];
}

/** Latencies are compared at one rate: half of what the first run reached. */
export async function measureCheckpoints(
  on: Contender,
  off: Contender,
  rounds: number,
  durations: Durations,
): Promise<CheckpointRuns> {
  const cell = TARGET_CELLS.medium;
  const runs = { on: [] as Measured[], off: [] as Measured[] };
  const warm = firstOf(durations);
  const first = await runOnce(on, cell, warm);
  await runOnce(off, cell, warm);
  const perSecond = first.operationsPerSecond / cell.batch / 2;
  for (let round = 0; round < rounds; round++) {
    runs.on.push(await runOnce(on, cell, durations, perSecond));
    runs.off.push(await runOnce(off, cell, durations, perSecond));
  }
  return runs;
}
