/** What the console takes of the page of metrics of a Finder or a worker, in Prometheus' text format. Pure. */

/** The Finder, or a worker by its id. */
export type ProcessKey = 'finder' | number;

/** Counts at one moment, since the process started. */
export interface ProcessCounts {
  readonly operations: number;
  readonly stateBytes: number | undefined;
  /** Of writes that made something durable: how many took up to so many seconds. */
  readonly writes: ReadonlyMap<number, number>;
}

/** The families that the console reads; see infra/METRICS.md. */
const OPERATIONS = 'dpr_worker_operations_total';
const STATE_BYTES = 'dpr_worker_state_bytes';
const WRITES = ['dpr_worker_checkpoint_write_seconds_bucket', 'dpr_finder_record_write_seconds_bucket'];
const READ = new Set([OPERATIONS, STATE_BYTES, ...WRITES]);

const LINE = /^([a-z_]+)(?:\{([^}]*)\})? (\S+)/;
const BOUND = /le="([^"]+)"/;

export function readCounts(page: string): ProcessCounts {
  const values = new Map<string, number>();
  const writes = new Map<number, number>();
  for (const line of page.split('\n')) {
    if (!line.startsWith('dpr_')) continue;
    const [, name = '', labels = '', text = ''] = LINE.exec(line) ?? [];
    if (!READ.has(name)) continue;
    if (!WRITES.includes(name)) values.set(name, Number(text));
    else writes.set(boundOf(labels), Number(text));
  }
  return {
    operations: values.get(OPERATIONS) ?? 0,
    stateBytes: values.get(STATE_BYTES),
    writes,
  };
}

function boundOf(labels: string): number {
  const bound = BOUND.exec(labels)?.[1] ?? '+Inf';
  return bound === '+Inf' ? Infinity : Number(bound);
}

/** What a process did between two looks. */
export interface ProcessRates {
  /** Operations a second. */
  readonly rate: number;
  readonly stateBytes: number | undefined;
  /** Within what time all but the slowest hundredth of the writes were durable, ms, interpolated; undefined: nothing was written. */
  readonly writeMs: number | undefined;
}

/** @param seconds between the looks; a process that was started anew counts from 0 */
export function ratesBetween(before: ProcessCounts, after: ProcessCounts, seconds: number): ProcessRates {
  const from = after.operations >= before.operations ? before : EMPTY;
  return {
    rate: (after.operations - from.operations) / seconds,
    stateBytes: after.stateBytes,
    writeMs: slowest(from.writes, after.writes),
  };
}

const EMPTY: ProcessCounts = { operations: 0, stateBytes: undefined, writes: new Map() };
const SLOWEST = 0.99;

/** As PromQL's histogram_quantile does: linear within the bucket, and the largest bound for what is beyond it. */
function slowest(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number | undefined {
  const buckets = [...after].map(([bound, count]) => ({ bound, count: Math.max(0, count - (before.get(bound) ?? 0)) }));
  buckets.sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return undefined;
  let lower = { bound: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= SLOWEST * total) {
      if (bucket.bound === Infinity) return lower.bound * 1_000;
      const share = (SLOWEST * total - lower.count) / (bucket.count - lower.count);
      return (lower.bound + share * (bucket.bound - lower.bound)) * 1_000;
    }
    lower = bucket;
  }
  return lower.bound * 1_000;
}
