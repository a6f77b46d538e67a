/** What the benchmark prints. */
import { markdownTable } from '@dpr/local/measurements';
import { cellName } from './cells.ts';
import type { CellRuns } from './measure-cells.ts';
import type { Latencies, MemoryUse } from './load/protocol.ts';
import { spreadOf, type Spread } from './statistics.ts';
import type { TargetResult } from './targets.ts';

/** Where it ran. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  /** Undefined: it is not installed. */
  readonly redis: string | undefined;
  /** Why servers and load are not on cores of their own. */
  readonly pinning: string | undefined;
}

export interface CellResult {
  readonly cell: string;
  readonly peer: string;
  readonly operationsPerSecond: Spread;
  /** CPU time per operation, ns. */
  readonly serverNs: number;
  readonly loadNs: number;
  /** At half of that throughput, ns; medians over the runs. */
  readonly latency: Omit<Latencies, 'count'>;
  readonly memory?: MemoryUse | undefined;
}

export function cellResults(cells: readonly CellRuns[]): readonly CellResult[] {
  return cells.map(({ cell, peer, runs, memory }) => {
    const median = (read: (run: (typeof runs)[number]) => number) => spreadOf(runs.map(read)).median;
    const at = (key: keyof Latencies) => median(({ latency }) => latency?.[key] ?? NaN);
    return {
      cell: cellName(cell),
      peer,
      operationsPerSecond: spreadOf(runs.map(({ operationsPerSecond }) => operationsPerSecond)),
      serverNs: median(({ serverNs }) => serverNs),
      loadNs: median(({ loadNs }) => loadNs),
      latency: { p50: at('p50'), p90: at('p90'), p99: at('p99'), p999: at('p999'), max: at('max') },
      memory,
    };
  });
}

export function machineLine({ cpu, cores, node, redis, pinning }: Machine): string {
  const where = pinning ?? 'servers on one core, load on another';
  return `${cores} × ${cpu}, Node ${node}, ${redis === undefined ? 'no Redis' : `Redis ${redis}`}; ${where}.`;
}

export function targetTable(targets: readonly TargetResult[]): string {
  const rows = targets.map(({ name, target, result, met }) => [name, target, result, met ? 'yes' : 'no']);
  return markdownTable(['what', 'target:', 'result:', 'met'], rows);
}

export function cellTable(results: readonly CellResult[]): string {
  const titles = [
    'load',
    'server',
    'operations/s:',
    'least:',
    'most:',
    'server ns/op:',
    'load ns/op:',
    'server B/op:',
    'load B/op:',
    'server GC/s:',
    'load GC/s:',
    'p50:',
    'p90:',
    'p99:',
    'p99.9:',
    'max:',
  ];
  const rows = results.map(
    ({ cell, peer, operationsPerSecond: { median, least, most }, serverNs, loadNs, latency, memory }) => [
      cell,
      peer,
      ...[median, least, most].map(showCount),
      ...[serverNs, loadNs].map(showNumber),
      ...[memory?.serverBytes, memory?.loadBytes, memory?.serverCollections, memory?.loadCollections].map(showNumber),
      ...[latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map(showTime),
    ],
  );
  return markdownTable(titles, rows);
}

/** As in `950`, `12.3 k`, `4.56 M`. */
export function showCount(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (value >= 1e6) return `${(value / 1e6).toFixed(value >= 1e7 ? 1 : 2)} M`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(value >= 1e4 ? 1 : 2)} k` : value.toFixed(0);
}

function showNumber(value = NaN): string {
  if (Number.isNaN(value)) return '–';
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** As in `85 µs` or `1.2 ms`. */
export function showTime(ns: number): string {
  if (Number.isNaN(ns)) return '–';
  return ns >= 1e6 ? `${(ns / 1e6).toFixed(ns >= 1e7 ? 0 : 1)} ms` : `${(ns / 1e3).toFixed(0)} µs`;
}

/** What the figures mean, and what they do not. */
export const EXPLANATION = `Each load is B operations in a batch, c connections, f batches in flight on each. An operation adds to a 64-bit counter and
gives its value. DPR does all that it promises: sessions, exactly once, checkpoints every 100 ms that are made durable, cuts.
Redis has the same operations in flight as pipelined INCRBY of one key; its load is a bare socket with prepared pipelines whose
replies are only counted. Bare ws sends back frames of the size of DPR's batches, each a message of its own, with one write per
tick, no compression and no masks: the floor of the transport. Throughput is from a closed loop. Latency is from an open loop at
half of that throughput, counted from when a batch was due, so a stall counts for all batches that would have come meanwhile. Figures
are medians over the runs, in which all take turns; CPU time is that of the servers' processes and of the load's process; bytes and
collections (GC) are those of V8's heap in the same processes, looked at once with a profiler that takes samples. With s=, each of s sessions
on a connection has one call at a time, and Redis as many operations in flight on it. With w=, one client has sessions over w workers:
each stays with one of them, crosses between all at random, or takes turns (strictly between two, relaxed between four); in read, one session reads
while the others write, and is measured alone. Not measured: a network, larger states, other operations.`;
