/** Every cell on every peer, in turns. */
import { cellName, TARGET_CELLS, type Cell } from './cells.ts';
import type { Generator } from './generator.ts';
import type { Measured } from './load/protocol.ts';
import type { Peer } from './peers/peer.ts';

/** How long each part of a measurement takes. */
export interface Durations {
  /** Batches before the first measurement: it takes about so many until everything is compiled well. */
  readonly firstBatches: number;
  /** Batches before each measurement: code that was compiled for other sizes is compiled again. */
  readonly warmBatches: number;
  /** How long these may take, ms. */
  readonly warmLimitMs: number;
  readonly closedMs: number;
  readonly openMs: number;
}

const FIRST_LIMIT_MS = 5_000;

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
  tell('warming up');
  const first = firstOf(durations);
  for (const contender of contenders) await runOnce(contender, TARGET_CELLS.medium, first);
  for (const { cell, contender } of all) await runOnce(contender, cell, { ...durations, openMs: 0 });
  for (let round = 1; round <= rounds; round++) {
    for (const cell of cells) {
      tell(`run ${round} of ${rounds}: ${cellName(cell)}`);
      for (const one of all.filter((one) => one.cell === cell))
        one.runs.push(await runOnce(one.contender, cell, durations));
    }
  }
  return all.map(({ cell, contender, runs }) => ({ cell, peer: contender.peer.name, runs }));
}

/** What comes before the first measurement of a contender. */
export function firstOf(durations: Durations): Durations {
  return { ...durations, warmBatches: durations.firstBatches, warmLimitMs: FIRST_LIMIT_MS, openMs: 0 };
}

export function runOnce(
  { peer, generator }: Contender,
  cell: Cell,
  { warmBatches, warmLimitMs, closedMs, openMs }: Durations,
  perSecond?: number,
): Promise<Measured> {
  return generator.run({
    peer: peer.kind,
    address: peer.address,
    cell,
    warmBatches,
    warmLimitMs,
    closedMs,
    openMs,
    perSecond,
    server: peer.pid,
  });
}
