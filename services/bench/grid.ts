/** Every cell on every peer, in turns. */
import { cellName, type Cell } from './cells.ts';
import type { Generator } from './generator.ts';
import type { Measured } from './load/protocol.ts';
import type { Peer } from './peers/peer.ts';

/** How long each part of a measurement takes. */
export interface Durations {
  /** Batches in each cell before the first run, so that everything is compiled, and before each measurement. */
  readonly firstBatches: number;
  readonly warmBatches: number;
  readonly closedMs: number;
  readonly openMs: number;
}

export interface Contender {
  readonly peer: Peer;
  readonly generator: Generator;
}

/** What one peer did in one cell, run by run. */
export interface CellRuns {
  readonly cell: Cell;
  readonly peer: string;
  readonly runs: readonly Measured[];
}

/**
 * Run by run, cell by cell, and within a cell peer after peer: what disturbs the machine for longer than a moment disturbs all
 * of them alike.
 */
export async function measureGrid(
  contenders: readonly Contender[],
  cells: readonly Cell[],
  rounds: number,
  durations: Durations,
  tell: (text: string) => void,
): Promise<readonly CellRuns[]> {
  const all = cells.flatMap((cell) => contenders.map((contender) => ({ cell, contender, runs: [] as Measured[] })));
  for (const { cell, contender } of all)
    await runOnce(contender, cell, { ...durations, warmBatches: durations.firstBatches, openMs: 0 });
  for (let round = 1; round <= rounds; round++) {
    for (const cell of cells) {
      tell(`run ${round} of ${rounds}: ${cellName(cell)}`);
      for (const one of all.filter((one) => one.cell === cell))
        one.runs.push(await runOnce(one.contender, cell, durations));
    }
  }
  return all.map(({ cell, contender, runs }) => ({ cell, peer: contender.peer.name, runs }));
}

export function runOnce(
  { peer, generator }: Contender,
  cell: Cell,
  { warmBatches, closedMs, openMs }: Durations,
  perSecond?: number,
): Promise<Measured> {
  return generator.run({
    peer: peer.kind,
    address: peer.address,
    cell,
    warmBatches,
    closedMs,
    openMs,
    perSecond,
    server: peer.pid,
  });
}
