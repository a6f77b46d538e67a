/** Every cell on every peer, in turns. */
import { cellName, TARGET_CELLS, type Cell } from './cells.ts';
import type { Generator } from './load-generator.ts';
import type { Measured, MemoryUse } from './load/protocol.ts';
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

/** How long memory is looked at, ms. */
const MEMORY_MS = 300;

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
  /** Of a server that was watched: looked at once, since it slows down what it looks at. */
  readonly memory?: MemoryUse | undefined;
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
  if (cells.length === 0) return [];
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
  const done: CellRuns[] = [];
  for (const { cell, contender, runs } of all) {
    if (contender.peer.isWatched) tell(`memory: ${cellName(cell)}`);
    const memory = contender.peer.isWatched ? await memoryOf(contender, cell, durations) : undefined;
    done.push({ cell, peer: contender.peer.name, runs, memory });
  }
  return done;
}

async function memoryOf(contender: Contender, cell: Cell, durations: Durations): Promise<MemoryUse | undefined> {
  // Of a load that others disturb it would be theirs as well.
  if (cell.route?.kind === 'read') return undefined;
  return (await runOnce(contender, cell, { ...durations, closedMs: 1, openMs: 0 }, undefined, MEMORY_MS)).memory;
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
  memoryMs = 0,
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
    memoryMs,
    servers: peer.pids,
  });
}
