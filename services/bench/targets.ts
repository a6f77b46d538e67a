/** What the project means to reach, and whether it did. */
import { showMs } from '@dpr/local/measurements';
import { cellName, ROUTED_CELLS, TARGET_CELLS, type Cell } from './cells.ts';
import type { CheckpointRuns } from './checkpoint-costs.ts';
import type { CommitTimes, CrossingCommits } from './commit-times.ts';
import type { CellRuns } from './measure-cells.ts';
import type { Measured } from './load/protocol.ts';
import type { RespRuns } from './resp.ts';
import type { SessionCosts } from './session-costs.ts';
import { ratios, spreadOf, type Spread } from './statistics.ts';

/** Everything that was measured; parts are missing if they were not asked for. */
export interface Measurements {
  readonly cells: readonly CellRuns[];
  readonly checkpoints?: CheckpointRuns | undefined;
  readonly commits?: CommitTimes | undefined;
  readonly crossing?: CrossingCommits | undefined;
  readonly sessions?: SessionCosts | undefined;
  readonly resp?: readonly RespRuns[] | undefined;
}

export interface TargetResult {
  readonly name: string;
  readonly target: string;
  readonly result: string;
  readonly met: boolean;
}

const { apart, singles, users, crowd } = TARGET_CELLS;

const MB = 1e6;
const NS_PER_MS = 1e6;
const MOST_TAIL_MS = 5;
const EVERYSEC = 'Redis everysec';
const BARE = 'bare ws';

/** Those targets whose figures are there. */
export function judge({
  cells,
  checkpoints,
  commits,
  crossing,
  sessions,
  resp = [],
}: Measurements): readonly TargetResult[] {
  const against = (cell: Cell, other: string, least: number): TargetResult[] => {
    const spread = ratios(runsOf(cells, cell).map(throughput), runsOf(cells, cell, other).map(throughput));
    return Number.isNaN(spread.median) ? [] : [atLeast(`${cellName(cell)}, against ${other}`, least, spread)];
  };
  return [
    ...against(TARGET_CELLS.medium, EVERYSEC, 10),
    ...against(TARGET_CELLS.large, EVERYSEC, 20),
    ...against(TARGET_CELLS.small, EVERYSEC, 0.9),
    ...[apart, singles, users, crowd].flatMap((cell) => against(cell, EVERYSEC, 1)),
    ...against(TARGET_CELLS.medium, BARE, 0.6),
    ...judgeTail(cells),
    ...judgeCrossing(cells, crossing),
    ...(checkpoints ? judgeCheckpoints(checkpoints) : []),
    ...(commits ? judgeCommits(commits) : []),
    ...(sessions ? judgeSessions(sessions) : []),
    ...judgeResp(resp, 'Redis no AOF', 0.8),
    ...judgeResp(resp, EVERYSEC, 1),
  ];
}

function runsOf(cells: readonly CellRuns[], cell: Cell, peer = 'DPR'): readonly Measured[] {
  return cells.find((one) => one.peer === peer && one.cell === cell)?.runs ?? [];
}

/** The 99.9th percentile of many users at half of their load. */
function judgeTail(cells: readonly CellRuns[]): TargetResult[] {
  const { median } = spreadOf(runsOf(cells, users).map(({ latency }) => (latency?.p999 ?? NaN) / NS_PER_MS));
  if (Number.isNaN(median)) return [];
  return [within(`${cellName(users)}, p99.9 at half load`, MOST_TAIL_MS, median)];
}

/** Sessions that cross between workers against sessions that stay. */
function judgeCrossing(cells: readonly CellRuns[], commits: CrossingCommits | undefined): TargetResult[] {
  const { crosses, stays } = ROUTED_CELLS;
  const spread = ratios(runsOf(cells, crosses).map(throughput), runsOf(cells, stays).map(throughput));
  return [
    ...(Number.isNaN(spread.median) ? [] : [atLeast(`${cellName(crosses)}, against sessions that stay`, 0.9, spread)]),
    ...(commits === undefined
      ? []
      : [
          within('commit, p50, of crossing sessions, checkpoints every 100 ms', 70, commits.periodic.p50),
          within('commit, p50, of crossing sessions, on demand', 15, commits.onDemand.p50),
        ]),
  ];
}

function within(name: string, most: number, ms: number): TargetResult {
  return { name, target: `≤ ${showMs(most)}`, result: showMs(ms), met: ms <= most };
}

function judgeCheckpoints({ on, off }: CheckpointRuns): TargetResult[] {
  const p99 = ({ latency }: Measured) => latency?.p99 ?? NaN;
  return [
    atLeast(
      'throughput with checkpoints (100 ms) against hardly any',
      0.95,
      ratios(on.map(throughput), off.map(throughput)),
    ),
    atMost('p99 latency with checkpoints against hardly any', 1.5, ratios(on.map(p99), off.map(p99))),
  ];
}

function judgeCommits({ relaxed, brisk, onDemand }: CommitTimes): TargetResult[] {
  const p50 = (name: string, most: number, ms: number) => within(`commit, p50, ${name}`, most, ms);
  return [
    p50('checkpoints every 100 ms', 60, relaxed.p50),
    p50('checkpoints every 10 ms', 15, brisk.p50),
    p50('on demand', 10, onDemand.p50),
  ];
}

/** A checkpoint in which one session of many changed may cost this many times as much as one of a worker with one session. */
const MOST_CHECKPOINT_RATIO = 2;

function judgeSessions({ sessions, memoryBytes, checkpointBytes, checkpointBytesAlone }: SessionCosts): TargetResult[] {
  const count = sessions.toLocaleString('en-US');
  const ratio = checkpointBytes / checkpointBytesAlone;
  return [
    {
      name: `memory of ${count} sessions`,
      target: '≤ 100 MB per 100,000',
      result: `${(memoryBytes / MB).toFixed(0)} MB`,
      met: memoryBytes <= (100 * MB * sessions) / 100_000,
    },
    {
      name: `a checkpoint of one session among ${count}, against one alone`,
      target: `≤ ${showRatio(MOST_CHECKPOINT_RATIO)}`,
      result: `${showRatio(ratio)} (${checkpointBytes.toFixed(0)} bytes)`,
      met: ratio <= MOST_CHECKPOINT_RATIO,
    },
  ];
}

/** What a store does for Redis clients, against Redis itself. */
function judgeResp(resp: readonly RespRuns[], other: string, least: number): TargetResult[] {
  return resp.flatMap(({ command, pipeline, peer, runs }) => {
    const others = resp.find((one) => one.peer === other && one.command === command && one.pipeline === pipeline);
    if (peer !== 'DPR' || others === undefined) return [];
    return [atLeast(`RESP ${command} P=${pipeline}, against ${other}`, least, ratios(runs, others.runs))];
  });
}

function throughput({ operationsPerSecond }: Measured): number {
  return operationsPerSecond;
}

function atLeast(name: string, least: number, spread: Spread): TargetResult {
  return { name, target: `≥ ${showRatio(least)}`, result: showSpread(spread), met: spread.median >= least };
}

function atMost(name: string, most: number, spread: Spread): TargetResult {
  return { name, target: `≤ ${showRatio(most)}`, result: showSpread(spread), met: spread.median <= most };
}

function showSpread({ median, least, most }: Spread): string {
  return `${showRatio(median)} (${showRatio(least)} to ${showRatio(most)})`;
}

/** As in `12×` or `0.63×`. */
export function showRatio(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)}×`;
}
