/**
 * Alerts on the metrics of a cluster. Each has a section in OPERATIONS.md that says what to look at and what to do. Thresholds for disks and for
 * rollbacks are those of etcd's alerts for disks and changes of leaders.
 */

export interface Alert {
  readonly name: string;
  /** PromQL. */
  readonly expr: string;
  /** How long that must hold before the alert fires, as Prometheus writes it. */
  readonly holdsFor: string;
  /** `critical`: nothing is committed, or data is at risk. */
  readonly severity: 'warning' | 'critical';
  /** What happened, in one sentence. */
  readonly summary: string;
}

/** The slowest hundredth of writes, as each process saw it. */
function slowWrites(seconds: number): string {
  const slowest = (metric: string): string =>
    `histogram_quantile(0.99, sum by (instance, le) (rate(${metric}_bucket[5m]))) > ${seconds}`;
  return `${slowest('dpr_worker_checkpoint_write_seconds')} or ${slowest('dpr_finder_record_write_seconds')}`;
}

export const ALERTS: readonly Alert[] = [
  {
    name: 'DprFinderDown',
    expr: 'absent(dpr_finder_world_line)',
    holdsFor: '1m',
    severity: 'critical',
    summary: 'No Finder tells its metrics: nothing is committed while there is none.',
  },
  {
    name: 'DprFinderRefusing',
    expr: 'dpr_finder_refusing == 1',
    holdsFor: '0m',
    severity: 'critical',
    summary: 'The Finder serves no peer, since its record is in doubt.',
  },
  {
    name: 'DprWorkerAway',
    expr: 'dpr_finder_members{state="away"} > 0',
    holdsFor: '1m',
    severity: 'critical',
    summary: '{{ $value }} members of the cluster are away: what depends on them is not committed.',
  },
  {
    name: 'DprWorkerSilent',
    expr: 'dpr_finder_members{state="silent"} > 0',
    holdsFor: '30s',
    severity: 'warning',
    summary: '{{ $value }} members are connected and do not answer: what depends on them is not committed.',
  },
  {
    name: 'DprCommitsStalled',
    expr: 'dpr_worker_commit_lag_seconds > 30',
    holdsFor: '1m',
    severity: 'critical',
    summary:
      'The oldest operation that is not committed executed {{ $value | humanizeDuration }} ago at {{ $labels.instance }}.',
  },
  {
    name: 'DprCommitsBlocked',
    expr: 'dpr_finder_blocked_members > 0',
    holdsFor: '1m',
    severity: 'warning',
    summary: 'Of {{ $value }} members nothing is committed, though they have durable checkpoints.',
  },
  {
    name: 'DprWritesFailing',
    expr: 'increase(dpr_worker_checkpoint_write_failures_total[5m]) > 0 or increase(dpr_finder_record_write_failures_total[5m]) > 0',
    holdsFor: '0m',
    severity: 'critical',
    summary: 'Writes to the volume of {{ $labels.instance }} fail.',
  },
  {
    name: 'DprWritesSlow',
    expr: slowWrites(0.5),
    holdsFor: '10m',
    severity: 'warning',
    summary: 'One of a hundred writes to the volume of {{ $labels.instance }} takes {{ $value | humanizeDuration }}.',
  },
  {
    name: 'DprWritesVerySlow',
    expr: slowWrites(1),
    holdsFor: '10m',
    severity: 'critical',
    summary: 'One of a hundred writes to the volume of {{ $labels.instance }} takes {{ $value | humanizeDuration }}.',
  },
  {
    name: 'DprManyRollbacks',
    expr: 'increase(dpr_finder_rollbacks_total[15m]) >= 4',
    holdsFor: '0m',
    severity: 'warning',
    summary: 'The cluster rolled back {{ $value | humanize }} times within 15 minutes.',
  },
  {
    name: 'DprUndoNearLimit',
    expr: 'dpr_worker_undo_bytes > 0.9 * dpr_worker_undo_limit_bytes',
    holdsFor: '1m',
    severity: 'warning',
    summary: 'Batches at {{ $labels.instance }} wait, or soon will, since too much of what executed is not committed.',
  },
  {
    name: 'DprMemoryShort',
    expr: 'dpr_worker_memory_short == 1',
    holdsFor: '1m',
    severity: 'warning',
    summary: 'The worker {{ $labels.instance }} refuses new sessions or batches for want of memory.',
  },
  {
    name: 'DprStoreNearlyFull',
    expr: 'dpr_store_used_bytes > 0.9 * dpr_store_used_limit_bytes unless on (instance) increase(dpr_store_evicted_keys_total[1h]) > 0',
    holdsFor: '5m',
    severity: 'warning',
    summary: 'Keys take more than nine tenths of what the store {{ $labels.instance }} may hold.',
  },
  {
    name: 'DprIngressStale',
    expr: 'dpr_ingress_refused == 1 or dpr_ingress_watch_failing == 1',
    holdsFor: '2m',
    severity: 'warning',
    summary: 'The ingress {{ $labels.instance }} does not serve the newest port map.',
  },
  {
    name: 'DprIngressUnknownServices',
    expr: 'dpr_ingress_unknown_services > 0',
    holdsFor: '5m',
    severity: 'warning',
    summary: 'The ingress {{ $labels.instance }} finds no address for {{ $value }} Services, whose ports are closed.',
  },
];
