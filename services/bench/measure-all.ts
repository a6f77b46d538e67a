/** Starts the servers and loads, measures, and stops them. */
import { cpus } from 'node:os';
import { allCells, cellName, TARGET_CELLS, type Cell } from './cells.ts';
import { measureCheckpoints } from './checkpoint-costs.ts';
import { measureCommitTimes, measureCrossingCommits } from './commit-times.ts';
import { createContenders, watchAllocations, type Contenders, type LoadedPeer } from './contenders.ts';
import { pins } from './core-pinning.ts';
import { measureGrid, type Durations } from './measure-cells.ts';
import type { ClusterPeer } from './peers/cluster.ts';
import { redisVersion } from './peers/redis.ts';
import type { Machine } from './report.ts';
import { hasRespLoad, measureResp } from './resp.ts';
import { measureSessions } from './session-costs.ts';
import type { Measurements } from './targets.ts';

export interface BenchOptions {
  /** Few cells, short runs. */
  readonly quick: boolean;
  /** Only cells and sections whose names contain this. */
  readonly only: string;
  readonly rounds: number;
  /** Sessions that a worker is to remember. */
  readonly sessions: number;
  readonly signal: AbortSignal;
  /** Told of what is being done. */
  readonly tell: (text: string) => void;
}

/** The parts besides the cells. */
const SECTIONS = ['checkpoints', 'commits', 'crossing', 'resp', 'sessions'] as const;
type Section = (typeof SECTIONS)[number];

const DURATIONS: Durations = {
  firstBatches: 200_000,
  warmBatches: 10_000,
  warmLimitMs: 500,
  closedMs: 500,
  openMs: 500,
};
const QUICK_DURATIONS: Durations = {
  firstBatches: 100_000,
  warmBatches: 10_000,
  warmLimitMs: 200,
  closedMs: 250,
  openMs: 150,
};
const USUAL_INTERVAL_MS = 100;
const BRISK_INTERVAL_MS = 10;
/** The longest that a config allows: within one measurement there is hardly a checkpoint. */
const RARE_INTERVAL_MS = 60_000;
/** Of the cluster that loads with several workers have. */
const WORKERS = 4;
/** Times as many rounds as elsewhere: what is compared differs by less than two rounds do. */
const CHECKPOINT_ROUNDS = 5;
const COMMITS = 100;
const QUICK_COMMITS = 20;
/** The load beside them must end before replies count as missing. */
const CROSSING_COMMITS = 40;

export function machineOf(): Machine {
  const [first] = cpus();
  const { problem } = pins();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    redis: redisVersion(),
    pinning: problem,
  };
}

/** What `only` leaves. @throws Error when that is nothing */
export function selection({ quick, only }: Pick<BenchOptions, 'quick' | 'only'>): {
  readonly cells: readonly Cell[];
  readonly sections: readonly Section[];
} {
  // The targets look their cells up by identity.
  const targets: readonly Cell[] = Object.values(TARGET_CELLS);
  const all = quick
    ? targets
    : allCells().map((cell) => targets.find((one) => cellName(one) === cellName(cell)) ?? cell);
  const cells = all.filter((cell) => cellName(cell).includes(only));
  const sections = SECTIONS.filter((name) => name.includes(only));
  if (cells.length + sections.length > 0) return { cells, sections };
  throw new Error(`nothing is named like '${only}': there are ${[...all.map(cellName), ...SECTIONS].join(', ')}`);
}

/** @throws the errors of servers that do not start; the signal's reason when it says to stop */
export async function runBench(options: BenchOptions): Promise<Measurements> {
  const { signal, tell } = options;
  const selected = selection(options);
  const contenders = createContenders(signal);
  const watched = watchAllocations();
  try {
    tell('starting');
    const usual = contenders.load(await contenders.cluster(USUAL_INTERVAL_MS));
    let many: Promise<LoadedPeer<ClusterPeer>> | undefined;
    const started: Started = {
      contenders,
      usual,
      many: () => (many ??= contenders.cluster(USUAL_INTERVAL_MS, WORKERS).then(contenders.load)),
    };
    const cells = await measureCells(options, selected.cells, started);
    return { cells, ...(await measureSections(options, selected.sections, started)) };
  } finally {
    await contenders.stop();
    watched();
  }
}

/** What all parts use. */
interface Started {
  readonly contenders: Contenders;
  readonly usual: LoadedPeer<ClusterPeer>;
  /** A cluster of several workers, which the first part that wants it starts. */
  readonly many: () => Promise<LoadedPeer<ClusterPeer>>;
}

async function measureCells(
  { quick, rounds, tell }: BenchOptions,
  cells: readonly Cell[],
  { contenders, usual, many }: Started,
): Promise<Measurements['cells']> {
  const durations = quick ? QUICK_DURATIONS : DURATIONS;
  const others = cells.length === 0 ? [] : await contenders.others();
  const single = cells.filter(({ route }) => route === undefined);
  const grid = await measureGrid([usual, ...others], single, rounds, durations, tell);
  const routed = cells.filter(({ route }) => route !== undefined);
  const several = routed.length === 0 ? [] : [await many(), ...others];
  return [...grid, ...(await measureGrid(several, routed, rounds, durations, tell))];
}

async function measureSections(
  { quick, rounds, sessions, signal, tell }: BenchOptions,
  wanted: readonly Section[],
  { contenders, usual, many }: Started,
): Promise<Omit<Measurements, 'cells'>> {
  const durations = quick ? QUICK_DURATIONS : DURATIONS;
  async function ifWanted<T>(section: Section, measure: () => Promise<T>): Promise<T | undefined> {
    if (!wanted.includes(section)) return undefined;
    tell(section);
    return measure();
  }
  return {
    checkpoints: await ifWanted('checkpoints', async () => {
      const rare = { ...usual, peer: await contenders.cluster(RARE_INTERVAL_MS) };
      return measureCheckpoints(usual, rare, CHECKPOINT_ROUNDS * rounds, durations);
    }),
    commits: await ifWanted('commits', async () => {
      const brisk = await contenders.cluster(BRISK_INTERVAL_MS);
      return measureCommitTimes(usual.peer, brisk, quick ? QUICK_COMMITS : COMMITS, signal);
    }),
    crossing: await ifWanted('crossing', async () =>
      measureCrossingCommits(await many(), WORKERS, quick ? QUICK_COMMITS : CROSSING_COMMITS, durations, signal),
    ),
    sessions: await ifWanted('sessions', async () =>
      measureSessions(await contenders.cluster(USUAL_INTERVAL_MS), sessions, signal),
    ),
    resp: await ifWanted('resp', async () =>
      redisVersion() === undefined || !hasRespLoad()
        ? []
        : measureResp(await contenders.resp(), contenders.loadPin, rounds, quick, signal),
    ),
  };
}
