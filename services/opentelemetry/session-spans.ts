/** What is remembered of the spans of each session until its operations are committed. */
import type { Span, SpanContext } from '@opentelemetry/api';
import type { CommitTrace } from '@dpr/client';
import { MAX_LINKED_BATCHES, MAX_SESSIONS } from './limits.ts';

/** Spans of one session. */
export interface SessionSpans {
  /** Of batches that are not committed, by the batch's first operation, in the order in which they were sent. */
  readonly uncommitted: Map<number, SpanContext>;
  /** Of commits that may cover batches which are still to be sent. */
  readonly commits: Map<CommitTrace, Span>;
  /** Of batches and commits, as long as these are under way. */
  readonly open: Set<Span>;
}

/** Sessions end without a word, so those that began nothing for longest are forgotten. */
export class Sessions {
  /** In the order in which each began its newest batch or commit. */
  readonly #sessions = new Map<string, SessionSpans>();

  /** The session's spans, to which one is added. */
  touch(session: string): SessionSpans {
    const spans = this.#sessions.get(session) ?? { uncommitted: new Map(), commits: new Map(), open: new Set() };
    this.#sessions.delete(session);
    this.#sessions.set(session, spans);
    if (this.#sessions.size > MAX_SESSIONS) deleteFirst(this.#sessions);
    return spans;
  }

  get(session: string): SessionSpans | undefined {
    return this.#sessions.get(session);
  }

  /** Something of the session's spans was deleted. */
  tidy(session: string): void {
    const spans = this.#sessions.get(session);
    if (spans === undefined || spans.uncommitted.size + spans.commits.size + spans.open.size > 0) return;
    this.#sessions.delete(session);
  }
}

/** A batch that begins with this operation was sent. */
export function remember({ uncommitted }: SessionSpans, first: number, span: SpanContext): void {
  uncommitted.set(first, span);
  if (uncommitted.size > MAX_LINKED_BATCHES) deleteFirst(uncommitted);
}

function deleteFirst<Key>(map: Map<Key, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
