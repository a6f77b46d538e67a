/** Metrics of what clients do. */
import type { Attributes, Meter } from '@opentelemetry/api';
import type { BatchTrace, RollbackTrace } from '@dpr/client';
import { performance } from 'node:perf_hooks';
import type { Listener } from './channels.ts';
import { errorType } from './errors.ts';

/** Bounds of buckets, s: a batch takes tens of microseconds on a quiet machine, and seconds while a worker is away. */
const BATCH_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** A commit takes milliseconds when it is asked for, and as long as checkpoints are apart when it is not. */
const COMMIT_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(meter: Meter): Listener {
  const histogram = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } });
  const counter = (name: string, description: string, unit: string) => meter.createCounter(name, { description, unit });

  const batch = histogram(
    'dpr.batch.duration',
    'From when a batch is sent until it has its first results',
    BATCH_BOUNDS,
  );
  const commit = histogram(
    'dpr.batch.commit_duration',
    'From when a batch is sent until it is committed',
    COMMIT_BOUNDS,
  );
  const operations = counter('dpr.operations', 'Operations that were sent', '{operation}');
  const lost = counter('dpr.operations.lost', 'Operations that rollbacks took, replayed or not', '{operation}');
  const rollbacks = counter('dpr.rollbacks', 'Rollbacks that sessions were told of', '{rollback}');
  /** When each batch was sent, ms. */
  const sentAt = new WeakMap<BatchTrace, number>();

  function secondsOf(trace: BatchTrace): number | undefined {
    const from = sentAt.get(trace);
    return from === undefined ? undefined : (performance.now() - from) / 1_000;
  }

  return {
    batchSent(trace) {
      sentAt.set(trace, performance.now());
      operations.add(trace.count, attributesOf(trace));
    },
    batchSettled(trace) {
      const { error } = trace;
      const seconds = secondsOf(trace);
      const failure = error === undefined ? {} : { 'error.type': errorType(error) };
      if (seconds !== undefined) batch.record(seconds, { ...attributesOf(trace), ...failure });
    },
    batchCommitted(trace) {
      const seconds = secondsOf(trace);
      if (seconds !== undefined) commit.record(seconds, attributesOf(trace));
    },
    rolledBack({ report: { lostCount, replaying } }: RollbackTrace) {
      rollbacks.add(1, { 'dpr.replaying': replaying });
      lost.add(lostCount, { 'dpr.replaying': replaying });
    },
  };
}

/** Sessions are too many to be told apart here. */
function attributesOf({ worker, type }: BatchTrace): Attributes {
  return { 'dpr.worker': worker, 'dpr.worker.type': type };
}
