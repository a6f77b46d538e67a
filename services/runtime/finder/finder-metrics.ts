import type { FinderStatus } from '@dpr/core';
import type { Registry } from 'prom-client';
import { gauge, total, writeSeconds } from '../metrics.ts';

/** What the Finder's surroundings count. */
export interface FinderCounts {
  recordWrites: number;
  failedWrites: number;
  cuts: number;
  rollbacks: number;
  reports: number;
  readonly connections: () => number;
  /** Connections that were closed because they held most when memory was short. */
  readonly gaveWay: () => number;
}

/** @returns what the seconds of each write of the record are told to */
export function registerFinderMetrics(
  registry: Registry,
  status: () => FinderStatus,
  counts: FinderCounts,
): (s: number) => void {
  gauge(registry, 'dpr_world_line', 'The world-line of the cluster.', () => status().worldLine);
  gauge(registry, 'dpr_members', 'Workers that are members.', () => status().members);
  gauge(
    registry,
    'dpr_members_connected',
    'Members whose graph is known on a live connection.',
    () => status().connected,
  );
  gauge(
    registry,
    'dpr_members_silent',
    'Members that are connected and do not answer: what depends on them does not commit.',
    () => status().silent,
  );
  gauge(
    registry,
    'dpr_members_blocked',
    'Members of which nothing was committed for 10 s, though they have durable checkpoints.',
    () => status().blocked,
  );
  gauge(registry, 'dpr_connections', 'Peers that greeted and are connected.', counts.connections);
  gauge(
    registry,
    'dpr_uncommitted_checkpoints',
    'Checkpoints reported and not covered by the cut.',
    () => status().uncommitted,
  );
  total(
    registry,
    'dpr_connections_short_total',
    'Connections that were closed because they held most when memory was short.',
    counts.gaveWay,
  );
  total(registry, 'dpr_record_writes_total', 'Records made durable.', () => counts.recordWrites);
  total(registry, 'dpr_record_write_failures_total', 'Writes of the record that failed.', () => counts.failedWrites);
  total(registry, 'dpr_cuts_total', 'Cuts announced.', () => counts.cuts);
  total(registry, 'dpr_rollbacks_total', 'World-lines decided by this process.', () => counts.rollbacks);
  total(registry, 'dpr_reports_total', 'Checkpoints and graphs that workers reported.', () => counts.reports);
  const seconds = writeSeconds(registry, 'dpr_record_write_seconds', 'How long a record took to become durable.');
  return (s) => seconds.observe(s);
}
