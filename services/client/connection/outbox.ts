/**
 * What the sessions have to send to one worker. The socket takes some of it at a time, and the sessions take turns: one with
 * much to send holds no other up. What waits is in its session's memory anyway.
 */
import type { Message, MessageOf } from '@dpr/protocol';
import { MAX_UNSENT_BYTES } from '../limits.ts';
import type { Link } from './link.ts';

export interface Outbox {
  readonly send: (message: Message) => void;
  /** The socket has room again. */
  readonly drained: () => void;
  /** The connection is gone: the sessions send again, on the next one, what was not answered. */
  readonly clear: () => void;
}

export function createOutbox(link: Pick<Link, 'send' | 'unsentBytes'>): Outbox {
  /** The batches that wait, by session, the one whose turn it is first. None is empty. */
  const waiting = new Map<string, MessageOf<'batch'>[]>();

  function put(batch: MessageOf<'batch'>): void {
    const mine = waiting.get(batch.session);
    if (mine === undefined) {
      waiting.set(batch.session, [batch]);
      return;
    }
    // A session that sends a batch again does so with all that followed it.
    while ((mine.at(-1)?.sequence ?? 0) >= batch.sequence) mine.pop();
    mine.push(batch);
  }

  function drained(): void {
    for (const [session, batches] of waiting) {
      if (link.unsentBytes() >= MAX_UNSENT_BYTES) return;
      waiting.delete(session);
      const next = batches.shift();
      if (batches.length > 0) waiting.set(session, batches); // at the end, where this loop comes to it again
      if (next !== undefined) link.send(next);
    }
  }

  return {
    send(message) {
      if (message.kind === 'batch') {
        if (waiting.size > 0 || link.unsentBytes() >= MAX_UNSENT_BYTES) {
          put(message);
          return;
        }
      } else if (message.kind === 'table' || message.kind === 'sessionEnded') {
        // What the session has not sent belongs to a world-line that is over, or to a session that is.
        waiting.delete(message.session);
      }
      link.send(message);
    },
    drained,
    clear: () => waiting.clear(),
  };
}
