/**
 * What sessions tell subscribers of `node:diagnostics_channel`. A channel without subscribers costs a look at it and nothing else.
 *
 * @example
 * import { tracingChannel } from 'node:diagnostics_channel';
 * import { traceChannels, type BatchTrace } from '@dpr/client';
 *
 * const batches = tracingChannel<unknown, BatchTrace>(traceChannels.batch);
 * batches.asyncEnd.subscribe((message) => console.log(message as BatchTrace));
 */
import { AsyncResource } from 'node:async_hooks';
import { channel, tracingChannel, type Channel } from 'node:diagnostics_channel';
import type { CallOptions } from './options.ts';
import { isUnanswered, type Batch } from './session/batch.ts';
import type { RollbackReport } from './session/rollback-report.ts';

/** Names of channels. The first three are those of TracingChannels, the others those of plain channels. */
export const traceChannels = {
  /**
   * A batch of operations: `start` and `end` when it is sent, `asyncStart` and `asyncEnd` when its first results are there, or when
   * it failed, after `error`. All of them have one BatchTrace, and run in the asynchronous context of the batch's first call.
   * A batch whose first call was made before there were subscribers is not told of, nor is one that was never sent.
   */
  batch: 'dpr:batch',
  /** A call of `Session.commit`, with a CommitTrace; `asyncEnd` when its promise is settled. */
  commit: 'dpr:commit',
  /** A call of `connect`, with a ConnectTrace; `asyncEnd` when its promise is settled. */
  connect: 'dpr:connect',
  /** A batch was committed: its BatchTrace, if its first call was made while this channel or `batch` had subscribers. */
  committed: 'dpr:committed',
  /** A failure took something of a session: a RollbackTrace. */
  rollback: 'dpr:rollback',
} as const;

/** One batch; all that is told of it has the same object. */
export interface BatchTrace {
  /** The session's id. */
  readonly session: string;
  /** The worker's id. */
  readonly worker: number;
  /** The worker's type. */
  readonly type: string;
  /** The number of its first operation in the session, as in `Outcome.operation`. */
  readonly first: number;
  /** Operations in it. In a relaxed session they may not be in a row. */
  readonly count: number;
  /** The bytes of its operations. */
  readonly bytes: number;
  /** Why it has no results; from `error` on. */
  readonly error?: unknown;
}

/** One call of `Session.commit`. */
export interface CommitTrace {
  /** The session's id. */
  readonly session: string;
  /** The number of the last operation that it covers; 0: there was none. */
  readonly upTo: number;
  /** Why it was rejected; from `error` on. */
  readonly error?: unknown;
}

/** One call of `connect`. */
export interface ConnectTrace {
  /** The cluster's address, as in `ConnectOptions`. */
  readonly cluster: string;
  /** The Cluster, from `asyncStart` on. */
  readonly result?: { readonly id: string };
  /** Why it was rejected; from `error` on. */
  readonly error?: unknown;
}

/** What a failure took of one session. */
export interface RollbackTrace {
  /** The session's id. */
  readonly session: string;
  readonly report: RollbackReport;
}

const batches = tracingChannel<unknown, BatchTrace>(traceChannels.batch);
const commits = tracingChannel<unknown, CommitTrace>(traceChannels.commit);
const connects = tracingChannel<unknown, ConnectTrace>(traceChannels.connect);
const committed = channel(traceChannels.committed);
const rollbacks = channel(traceChannels.rollback);

type Changing<Trace> = { -readonly [Key in keyof Trace]: Trace[Key] };

interface Traced {
  /** The asynchronous context of its first call. */
  readonly call: AsyncResource;
  /** Once it is sent. */
  trace: Changing<BatchTrace> | undefined;
}

/** Batches that began while there were subscribers. */
const traced = new WeakMap<Batch, Traced>();

/** The first call of a batch is made now. */
export function traceBegun(batch: Batch): void {
  if (batches.hasSubscribers || committed.hasSubscribers) begin(batch);
}

/** The batch is handed to the core. */
export function traceSent(session: string, batch: Batch): void {
  if (batches.hasSubscribers || committed.hasSubscribers) tellSent(session, batch);
}

/** To be called before the batch takes its results or, with an error, before it fails. */
export function traceSettled(batch: Batch, error?: Error): void {
  if (batches.hasSubscribers && isUnanswered(batch)) tellSettled(traced.get(batch), error);
}

export function traceCommitted(batch: Batch): void {
  if (committed.hasSubscribers) tellCommitted(traced.get(batch));
}

export function traceRollback(session: string, report: RollbackReport): void {
  if (rollbacks.hasSubscribers) tellRollback({ session, report });
}

/** What `Engine` is here. */
interface Committing {
  readonly id: string;
  readonly collector: { lastOperation(): number };
  commit(options: CallOptions | undefined): Promise<void>;
}

export function tracedCommit(engine: Committing, options: CallOptions | undefined): Promise<void> {
  return commits.hasSubscribers ? traceCommit(engine, options) : engine.commit(options);
}

export function tracedConnect<Result>(cluster: string, connect: () => Promise<Result>): Promise<Result> {
  return connects.hasSubscribers ? connects.tracePromise(connect, { cluster }) : connect();
}

// --- only where there are subscribers ---------------------------------------------------------------------------------
// These are functions of their own: one that makes a function takes memory whenever it is called. What happens in a step of the core
// is told in a microtask, when the step is over, since subscribers may call the session.

function begin(batch: Batch): void {
  traced.set(batch, { call: new AsyncResource('DprBatch'), trace: undefined });
}

function tellSent(session: string, batch: Batch): void {
  const known = traced.get(batch);
  if (known === undefined) return;
  const { worker, type, first, count, length: bytes } = batch;
  const trace = { session, worker, type, first, count, bytes };
  known.trace = trace;
  publish(known.call, batches.start, trace);
  publish(known.call, batches.end, trace);
}

function traceCommit(engine: Committing, options: CallOptions | undefined): Promise<void> {
  const trace = { session: engine.id, upTo: engine.collector.lastOperation() };
  return commits.tracePromise(() => engine.commit(options), trace);
}

function tellSettled({ call, trace }: Partial<Traced> = {}, error: Error | undefined): void {
  if (call === undefined || trace === undefined) return;
  queueMicrotask(() => {
    if (error !== undefined) {
      trace.error = error;
      publish(call, batches.error, trace);
    }
    publish(call, batches.asyncStart, trace);
    publish(call, batches.asyncEnd, trace);
  });
}

function tellCommitted({ call, trace }: Partial<Traced> = {}): void {
  if (call !== undefined && trace !== undefined) queueMicrotask(() => publish(call, committed, trace));
}

function tellRollback(trace: RollbackTrace): void {
  queueMicrotask(() => rollbacks.publish(trace));
}

/** In the asynchronous context of this call. */
function publish(call: AsyncResource, to: Pick<Channel, 'publish'>, trace: BatchTrace): void {
  call.runInAsyncScope(() => to.publish(trace));
}
