import type { BatchTrace, CommitTrace } from '@dpr/client';
import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { MAX_LINKED_BATCHES, MAX_SESSIONS } from '../../services/opentelemetry/limits.ts';
import { telemetry } from './telemetry.ts';

describe('what is remembered for links', () => {
  const { spans } = telemetry();

  // No client is needed: what it tells goes by the names of its channels.
  function send(session: string, first: number): BatchTrace {
    const batch = { session, worker: 0, type: 'counter', first, count: 1, bytes: 8 };
    channel('tracing:dpr:batch:start').publish(batch);
    channel('tracing:dpr:batch:asyncEnd').publish(batch);
    return batch;
  }

  function commitBatch(batch: BatchTrace): void {
    channel('dpr:committed').publish(batch);
  }

  function commit(session: string): void {
    const trace: CommitTrace = { session, upTo: Infinity };
    channel('tracing:dpr:commit:start').publish(trace);
    channel('tracing:dpr:commit:asyncEnd').publish(trace);
  }

  /** @returns which of the batches that were sent, in their order, a commit's span is linked with */
  function linksOf(session: string): number[] {
    commit(session);
    const batches = spans('dpr batch').map((span) => span.spanContext().spanId);
    return (
      spans('dpr commit')
        .at(-1)
        ?.links.map((link) => batches.indexOf(link.context.spanId)) ?? []
    );
  }

  it('is at most MAX_LINKED_BATCHES batches of a session, the newest', () => {
    const batches = Array.from({ length: MAX_LINKED_BATCHES }, (_, index) => send('one', index + 1));
    assert.deepEqual(linksOf('one'), [...batches.keys()]);
    send('one', MAX_LINKED_BATCHES + 1);
    assert.deepEqual(
      linksOf('one'),
      Array.from({ length: MAX_LINKED_BATCHES }, (_, index) => index + 1),
    );
    for (const batch of batches) commitBatch(batch);
    assert.deepEqual(linksOf('one'), [MAX_LINKED_BATCHES]);
  });

  it('is at most MAX_SESSIONS sessions, without the one that began nothing for longest', () => {
    const sessions = Array.from({ length: MAX_SESSIONS }, (_, index) => `session ${index}`);
    for (const session of sessions) send(session, 1);
    send('session 0', 2);
    assert.deepEqual(linksOf('session 1'), [1]);
    send('session 0', 3);
    send('one more', 1);
    assert.deepEqual(linksOf('session 0'), [0, MAX_SESSIONS, MAX_SESSIONS + 1]);
    assert.deepEqual(linksOf('session 3'), [3]);
    assert.deepEqual(linksOf('session 2'), []);
  });

  it('is nothing of a session of which all is committed, so that it takes the place of no other', () => {
    send('idle', 1);
    for (let index = 0; index < MAX_SESSIONS; index++) {
      const early = send(`${index}, which commits before it is told`, 1);
      commit(early.session);
      commitBatch(early);
      const late = send(`${index}, which commits afterwards`, 1);
      commitBatch(late);
      commit(late.session);
    }
    assert.deepEqual(linksOf('idle'), [0]);
  });
});
