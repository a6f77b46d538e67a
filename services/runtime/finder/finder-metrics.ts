import type { FinderStatus } from '@dpr/core';
import type { Registry } from 'prom-client';
import { flag, gauge, gauges, total, writeSeconds } from '../metrics.ts';

/** What the Finder's surroundings count. */
export interface FinderCounts {
  recordWrites: number;
  failedWrites: number;
  cuts: number;
  /** When the last cut was announced, ms since 1970; 0: none was. */
  lastCutAt: number;
  rollbacks: number;
  reports: number;
  readonly connections: () => number;
  /** How many there may be. */
  readonly maxConnections: number;
  /** Connections that were closed because they held most when memory was short. */
  readonly gaveWay: () => number;
}

const MS_PER_SECOND = 1_000;

export interface FinderTimes {
  /** A record took so many seconds to become durable. */
  readonly write: (seconds: number) => void;
  /** A cut was announced so many seconds after the report of what it adds, where that is longest. */
  readonly commit: (seconds: number) => void;
}

export function registerFinderMetrics(
  registry: Registry,
  status: () => FinderStatus,
  counts: FinderCounts,
): FinderTimes {
  registerState(registry, status);
  gauge(registry, 'dpr_finder_connections', 'Peers that greeted and are connected.', counts.connections);
  gauge(registry, 'dpr_finder_connections_limit', 'How many there may be.', () => counts.maxConnections);
  const short = 'Connections that were closed because they held most when memory was short.';
  total(registry, 'dpr_finder_connections_short_total', short, counts.gaveWay);
  total(registry, 'dpr_finder_record_writes_total', 'Records made durable.', () => counts.recordWrites);
  const failures = 'Writes of the record that failed.';
  total(registry, 'dpr_finder_record_write_failures_total', failures, () => counts.failedWrites);
  total(registry, 'dpr_finder_cuts_total', 'Cuts announced.', () => counts.cuts);
  const lastCut = 'When the last cut was announced, seconds since 1970; 0: none was.';
  gauge(registry, 'dpr_finder_last_cut_timestamp_seconds', lastCut, () => counts.lastCutAt / MS_PER_SECOND);
  total(registry, 'dpr_finder_rollbacks_total', 'World-lines decided by this process.', () => counts.rollbacks);
  total(registry, 'dpr_finder_reports_total', 'Checkpoints and graphs that workers reported.', () => counts.reports);
  const took = 'How long a record took to become durable.';
  const writes = writeSeconds(registry, 'dpr_finder_record_write_seconds', took);
  const committed =
    'From the report of a checkpoint until the cut that has it was announced: one time for each cut, the longest.';
  const commits = writeSeconds(registry, 'dpr_finder_report_to_commit_seconds', committed);
  return { write: (s) => writes.observe(s), commit: (s) => commits.observe(s) };
}

function registerState(registry: Registry, status: () => FinderStatus): void {
  gauge(registry, 'dpr_finder_world_line', 'The world-line of the cluster.', () => status().worldLine);
  gauge(registry, 'dpr_finder_refusing', '1 while it serves no peer, since its record is in doubt.', () =>
    flag(status().refusal !== ''),
  );
  const members =
    'Members that are connected and answer, that are connected and do not answer, and that are away: what depends on the latter two does not commit.';
  gauges(registry, 'dpr_finder_members', members, 'state', () => {
    const { members: all, connected, silent } = status();
    return { connected: connected - silent, silent, away: all - connected };
  });
  const blocked = 'Members of which nothing was committed for 10 s, though they have durable checkpoints.';
  gauge(registry, 'dpr_finder_blocked_members', blocked, () => status().blocked);
  const uncommitted = 'Checkpoints reported and not covered by the cut.';
  gauge(registry, 'dpr_finder_uncommitted_checkpoints', uncommitted, () => status().uncommitted);
}
