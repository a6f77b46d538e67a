/** Starts the servers and loads, measures, and stops them. */
import { cpus } from 'node:os';
import path from 'node:path';
import { allCells, cellName, TARGET_CELLS, type Cell } from './cells.ts';
import { measureCheckpoints } from './checkpoints.ts';
import { measureCommitTimes, measureCrossingCommits } from './commits.ts';
import { pins } from './cpu.ts';
import { startGenerator } from './generator.ts';
import { measureGrid, type Contender, type Durations } from './grid.ts';
import { startCluster, type ClusterPeer } from './peers/cluster.ts';
import { startEcho } from './peers/echo.ts';
import type { Peer } from './peers/peer.ts';
import { redisVersion, startRedis } from './peers/redis.ts';
import type { Machine } from './report.ts';
import { measureSessions } from './sessions.ts';
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
const SECTIONS = ['checkpoints', 'commits', 'crossing', 'sessions'] as const;
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
  const { quick, rounds, signal, tell } = options;
  const { cells, sections } = selection(options);
  const durations = quick ? QUICK_DURATIONS : DURATIONS;
  const commitCount = quick ? QUICK_COMMITS : COMMITS;
  const pin = pins();
  const stops: (() => Promise<void>)[] = [];
  const starting = { pin: pin.servers, signal };

  async function started<P extends Peer>(peer: Promise<P>): Promise<P> {
    const one = await peer;
    stops.push(one.stop);
    return one;
  }
  const cluster = (intervalMs: number, workers = 1): Promise<ClusterPeer> =>
    started(startCluster(intervalMs, starting, workers));
  function contend<P extends Peer>(peer: P): Contender & { readonly peer: P } {
    const generator = startGenerator(pin.load, signal);
    stops.push(generator.stop);
    return { peer, generator };
  }
  /** One that more than one part may want, which the first one starts. */
  function contendLater<P extends Peer>(start: () => Promise<P>): () => Promise<Contender & { readonly peer: P }> {
    let started: Promise<Contender & { readonly peer: P }> | undefined;
    return () => (started ??= start().then(contend));
  }

  const nodeOptions = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `${nodeOptions ?? ''} --import ${path.join(import.meta.dirname, 'bench-allocation-watch.js')}`;
  try {
    tell('starting');
    const usual = await cluster(USUAL_INTERVAL_MS);
    const dpr = contend(usual);
    const contenders: Contender[] = [dpr];
    if (cells.length > 0) {
      contenders.push(contend(await started(startEcho(starting))));
      if (redisVersion() !== undefined) {
        for (const durability of ['no AOF', 'everysec', 'always'] as const) {
          contenders.push(contend(await started(startRedis(durability, starting))));
        }
      }
    }
    const grid = await measureGrid(
      contenders,
      cells.filter(({ route }) => route === undefined),
      rounds,
      durations,
      tell,
    );
    const routed = cells.filter(({ route }) => route !== undefined);
    const many = contendLater(() => cluster(USUAL_INTERVAL_MS, WORKERS));
    const several = routed.length === 0 ? [] : [await many(), ...contenders.slice(1)];
    const routedGrid = await measureGrid(several, routed, rounds, durations, tell);

    const wants = (section: Section): boolean => {
      if (!sections.includes(section)) return false;
      tell(section);
      return true;
    };
    const checkpoints = wants('checkpoints')
      ? await measureCheckpoints(
          dpr,
          { ...dpr, peer: await cluster(RARE_INTERVAL_MS) },
          CHECKPOINT_ROUNDS * rounds,
          durations,
        )
      : undefined;
    const commits = wants('commits')
      ? await measureCommitTimes(usual, await cluster(BRISK_INTERVAL_MS), commitCount, signal)
      : undefined;
    const crossing = wants('crossing')
      ? await measureCrossingCommits(await many(), WORKERS, quick ? QUICK_COMMITS : CROSSING_COMMITS, durations, signal)
      : undefined;
    const sessions = wants('sessions')
      ? await measureSessions(await cluster(USUAL_INTERVAL_MS), options.sessions, signal)
      : undefined;
    return { cells: [...grid, ...routedGrid], checkpoints, commits, crossing, sessions };
  } finally {
    await Promise.allSettled(stops.reverse().map((stop) => stop()));
    if (nodeOptions === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = nodeOptions;
  }
}
