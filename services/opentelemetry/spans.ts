/** Spans of what clients do. */
import { SpanKind, SpanStatusCode, type Attributes, type Span, type Tracer } from '@opentelemetry/api';
import type { BatchTrace, CommitTrace, ConnectTrace, RollbackTrace } from '@dpr/client';
import type { Listener } from './channels.ts';
import { asError, errorType } from './errors.ts';
import { remember, Sessions } from './session-spans.ts';

/** The parent of each span is what was active at the call; of a batch, at its first call. */
export class Spans implements Listener {
  readonly #tracer: Tracer;
  readonly #sessions = new Sessions();
  /** Of what is under way. */
  readonly #spans = new WeakMap<object, Span>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  batchSent(batch: BatchTrace): void {
    const { session, first, worker, type, count, bytes } = batch;
    const attributes = { 'dpr.worker': worker, 'dpr.worker.type': type, 'dpr.operations': count, 'dpr.bytes': bytes };
    const span = this.#start('dpr batch', batch, { 'dpr.session': session, ...attributes });
    const spans = this.#sessions.touch(session);
    spans.open.add(span);
    for (const [commit, committing] of spans.commits) {
      // Batches are sent in order, so a commit has all its links once a batch that it does not cover is sent.
      if (first <= commit.upTo) committing.addLink({ context: span.spanContext() });
      else spans.commits.delete(commit);
    }
    remember(spans, first, span.spanContext());
  }

  batchSettled(batch: BatchTrace): void {
    const { session, first, error } = batch;
    const spans = this.#sessions.get(session);
    this.#end(batch, error, spans?.open);
    if (error !== undefined) spans?.uncommitted.delete(first);
    this.#sessions.tidy(session);
  }

  batchCommitted({ session, first }: BatchTrace): void {
    this.#sessions.get(session)?.uncommitted.delete(first);
    this.#sessions.tidy(session);
  }

  commitBegun(commit: CommitTrace): void {
    const { session, upTo } = commit;
    const span = this.#start('dpr commit', commit, { 'dpr.session': session });
    const spans = this.#sessions.touch(session);
    spans.open.add(span);
    spans.commits.set(commit, span);
    for (const [first, context] of spans.uncommitted) if (first <= upTo) span.addLink({ context });
  }

  commitSettled(commit: CommitTrace): void {
    const { session, error } = commit;
    const spans = this.#sessions.get(session);
    spans?.commits.delete(commit);
    this.#end(commit, error, spans?.open);
    this.#sessions.tidy(session);
  }

  connectBegun(connect: ConnectTrace): void {
    this.#start('dpr connect', connect, { 'dpr.cluster': connect.cluster });
  }

  connectSettled(connect: ConnectTrace): void {
    this.#end(connect, connect.error, undefined);
  }

  rolledBack({ session, report }: RollbackTrace): void {
    const spans = this.#sessions.get(session);
    if (spans === undefined) return;
    const { worldLine, lostCount, lastSurvivor, replaying } = report;
    const attributes = { 'dpr.world_line': worldLine, 'dpr.lost': lostCount, 'dpr.last_survivor': lastSurvivor };
    for (const span of spans.open) span.addEvent('dpr rollback', { ...attributes, 'dpr.replaying': replaying });
    if (!replaying) for (const { first } of report.lost) spans.uncommitted.delete(first);
    this.#sessions.tidy(session);
  }

  #start(name: string, of: object, attributes: Attributes): Span {
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
    this.#spans.set(of, span);
    return span;
  }

  #end(of: object, error: unknown, open: Set<Span> | undefined): void {
    const span = this.#spans.get(of);
    if (span === undefined) return; // it began before there were spans
    open?.delete(span);
    this.#spans.delete(of);
    if (error !== undefined) {
      const failure = asError(error);
      span.recordException(failure);
      span.setAttribute('error.type', errorType(failure));
      span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    }
    span.end();
  }
}
