/** What the dashboard shows: rows of panels, each with its queries. */

export interface Panel {
  readonly title: string;
  /** What it means where it is not nothing, or not as always. */
  readonly description: string;
  /** As Grafana calls it. */
  readonly unit: 'short' | 'ops' | 's' | 'bytes' | 'percentunit';
  /** PromQL by the legend, which may name labels. */
  readonly queries: Readonly<Record<string, string>>;
}

/** Over the time that one point of a panel stands for. */
const RANGE = '[$__rate_interval]';
/** For each process the worker that it is, by its name. */
const WORKER = '{{type}}-{{worker}}';
const byWorker = (expr: string): string => `${expr} * on (instance) group_left (worker, type) dpr_worker_info`;
const rate = (counter: string): string => `rate(${counter}${RANGE})`;
const increase = (counter: string): string => `sum(increase(${counter}${RANGE}))`;
/** Over all processes. */
const quantile = (histogram: string, part: number): string =>
  `histogram_quantile(${part}, sum by (le) (${rate(`${histogram}_bucket`)}))`;
const median = (histogram: string): string => quantile(histogram, 0.5);
const slowest = (histogram: string): string => quantile(histogram, 0.99);
/** How much is taken of what there may be, at the worker that has taken most. */
const fullest = (what: string): string => `max(dpr_worker_${what}_bytes / dpr_worker_${what}_limit_bytes)`;

const CLUSTER: readonly Panel[] = [
  {
    title: 'Members',
    description: 'What depends on members that are away or silent is not committed.',
    unit: 'short',
    queries: { '{{state}}': 'sum by (state) (dpr_finder_members)' },
  },
  {
    title: 'World-line',
    description: 'Each rollback begins a new one.',
    unit: 'short',
    queries: { 'world-line': 'max(dpr_finder_world_line)' },
  },
  {
    title: 'Rollbacks',
    description: 'A process failed, and the cluster went back to its cut.',
    unit: 'short',
    queries: { rollbacks: increase('dpr_finder_rollbacks_total') },
  },
  {
    title: 'Finder refuses, blocked members',
    description: 'Above 0, commits wait: the Finder serves no peer, or nothing of some members is committed.',
    unit: 'short',
    queries: { refusing: 'max(dpr_finder_refusing)', blocked: 'max(dpr_finder_blocked_members)' },
  },
];

const WORK: readonly Panel[] = [
  {
    title: 'Operations by type of worker',
    description: 'Operations that executed in a second.',
    unit: 'ops',
    queries: { '{{type}}': `sum by (type) (${byWorker(rate('dpr_worker_operations_total'))})` },
  },
  {
    title: 'Commit lag',
    description: 'How long ago the oldest operation executed that is not committed, at the worker where it is longest.',
    unit: 's',
    queries: { worst: 'max(dpr_worker_commit_lag_seconds)' },
  },
  {
    title: 'Uncommitted operations',
    description: 'What a failure now would take back.',
    unit: 'short',
    queries: { [WORKER]: byWorker('dpr_worker_uncommitted_operations') },
  },
  {
    title: 'Lost operations',
    description: 'Operations that executed, were not committed, and were taken back by a rollback.',
    unit: 'short',
    queries: { lost: increase('dpr_worker_lost_operations_total') },
  },
];

const HOLD_UPS: readonly Panel[] = [
  {
    title: 'Batches that wait',
    description:
      'Part of the time in which batches waited, since a worker was ahead of its disk or of commits by as much as it may be.',
    unit: 'percentunit',
    queries: { [WORKER]: byWorker(rate('dpr_worker_blocked_seconds_total')) },
  },
  {
    title: 'Refused batches',
    description: 'In a second, by the code that clients were told.',
    unit: 'ops',
    queries: { '{{reason}}': `sum by (reason) (${rate('dpr_worker_refused_batches_total')})` },
  },
];

const VOLUMES: readonly Panel[] = [
  {
    title: 'Checkpoint writes',
    description: 'How long a checkpoint of a worker takes to become durable.',
    unit: 's',
    queries: {
      median: median('dpr_worker_checkpoint_write_seconds'),
      '99 of 100': slowest('dpr_worker_checkpoint_write_seconds'),
    },
  },
  {
    title: 'Record writes',
    description: 'How long a record of the Finder takes to become durable: each commit waits for one.',
    unit: 's',
    queries: {
      median: median('dpr_finder_record_write_seconds'),
      '99 of 100': slowest('dpr_finder_record_write_seconds'),
    },
  },
  {
    title: 'From report to commit',
    description: 'From the report of a checkpoint until the cut that has it is announced, the longest of each cut.',
    unit: 's',
    queries: {
      median: median('dpr_finder_report_to_commit_seconds'),
      '99 of 100': slowest('dpr_finder_report_to_commit_seconds'),
    },
  },
  {
    title: 'Failed writes',
    description: 'A volume is full, or fails.',
    unit: 'short',
    queries: {
      checkpoints: increase('dpr_worker_checkpoint_write_failures_total'),
      records: increase('dpr_finder_record_write_failures_total'),
    },
  },
];

const MEMORY: readonly Panel[] = [
  {
    title: 'Memory of the process against its limit',
    description: 'Resident memory of each worker, as a part of what it may use.',
    unit: 'percentunit',
    queries: { [WORKER]: byWorker('process_resident_memory_bytes / dpr_worker_memory_limit_bytes') },
  },
  {
    title: 'Undo against its limit',
    description: 'What rollbacks would need. At 1 batches wait.',
    unit: 'percentunit',
    queries: { [WORKER]: byWorker('dpr_worker_undo_bytes / dpr_worker_undo_limit_bytes') },
  },
  {
    title: 'What else has a limit, at the fullest worker',
    description: 'At 1 new sessions or batches are refused or wait, or the connections that hold most are closed.',
    unit: 'percentunit',
    queries: Object.fromEntries(
      ['session', 'reply', 'unwritten', 'waiting', 'unsent', 'received'].map((what) => [what, fullest(what)]),
    ),
  },
];

const STORES: readonly Panel[] = [
  {
    title: 'Keys',
    description: 'Those whose time is over and that were not taken out yet are among them.',
    unit: 'short',
    queries: { [WORKER]: byWorker('dpr_store_keys') },
  },
  {
    title: 'Memory of keys against its limit',
    description: 'At 1 keys are evicted, or else writes refused.',
    unit: 'percentunit',
    queries: { [WORKER]: byWorker('dpr_store_used_bytes / dpr_store_used_limit_bytes') },
  },
  {
    title: 'Evictions',
    description: 'Keys evicted in a second.',
    unit: 'ops',
    queries: { [WORKER]: byWorker(rate('dpr_store_evicted_keys_total')) },
  },
];

const INGRESS: readonly Panel[] = [
  {
    title: 'Routes',
    description: 'Public ports that lead somewhere, and those that do not.',
    unit: 'short',
    queries: {
      open: 'min(dpr_ingress_routes)',
      'without an address': 'max(dpr_ingress_unknown_services)',
      'not permitted': 'max(dpr_ingress_closed_ports)',
    },
  },
  {
    title: 'Pods that serve an older port map',
    description: 'NGINX refuses the newest configuration, or the port map is not watched.',
    unit: 'short',
    queries: { refused: 'sum(dpr_ingress_refused)', 'not watched': 'sum(dpr_ingress_watch_failing)' },
  },
];

/** By the title of each row. */
export const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  Cluster: CLUSTER,
  Work: WORK,
  'Hold-ups': HOLD_UPS,
  Volumes: VOLUMES,
  Memory: MEMORY,
  Stores: STORES,
  Ingress: INGRESS,
};
