import { limits } from '@dpr/client';
import type { Message, MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { createOutbox } from '../../services/client/connection/outbox.ts';

describe('what waits to be sent to a worker', () => {
  /** A socket that takes nothing until it is told to. */
  function blocked() {
    const sent: Message[] = [];
    let unsent = limits.MAX_UNSENT_BYTES;
    let room = 0;
    function send(message: Message): void {
      sent.push(message);
      if (--room === 0) unsent = limits.MAX_UNSENT_BYTES;
    }
    const outbox = createOutbox({ send, unsentBytes: () => unsent });
    const names = () =>
      sent
        .splice(0)
        .map((message) => (message.kind === 'batch' ? `${message.session}${message.sequence}` : message.kind));
    /** Let the socket take so many frames. */
    function take(count: number): string[] {
      room = count;
      unsent = 0;
      outbox.drained();
      unsent = limits.MAX_UNSENT_BYTES;
      return names();
    }
    return { outbox, names, take, setUnsent: (bytes: number) => (unsent = bytes) };
  }

  it('begins to wait at MAX_UNSENT_BYTES', () => {
    const { outbox, names, setUnsent } = blocked();
    setUnsent(limits.MAX_UNSENT_BYTES - 1);
    outbox.send(batch('a', 1));
    assert.deepEqual(names(), ['a1']);
    setUnsent(limits.MAX_UNSENT_BYTES);
    outbox.send(batch('a', 2));
    assert.deepEqual(names(), []);
    setUnsent(0);
    outbox.send(batch('a', 3));
    assert.deepEqual(names(), [], 'and then in order');
    outbox.drained();
    assert.deepEqual(names(), ['a2', 'a3']);
  });

  it('leaves in turn, however much one session has', () => {
    const { outbox, take } = blocked();
    for (let sequence = 1; sequence <= 100; sequence++) outbox.send(batch('a', sequence));
    outbox.send(batch('b', 1));
    assert.deepEqual(take(3), ['a1', 'b1', 'a2']);
    outbox.send(batch('c', 7));
    assert.deepEqual(take(3), ['a3', 'c7', 'a4']);
  });

  it('is replaced by what is sent again', () => {
    const { outbox, take } = blocked();
    for (const sequence of [4, 5, 6]) outbox.send(batch('a', sequence));
    for (const sequence of [5, 6]) outbox.send(batch('a', sequence));
    assert.deepEqual(take(9), ['a4', 'a5', 'a6']);
  });

  it('is dropped when the session ends, or asks after a rollback, or the connection is lost', () => {
    const { outbox, names, take } = blocked();
    outbox.send(batch('a', 1));
    outbox.send(batch('b', 1));
    outbox.send({ kind: 'sessionEnded', session: 'a' });
    outbox.send({ kind: 'table', session: 'b', worldLine: 2, generation: 1 });
    outbox.send({ kind: 'commit', worldLine: 1, version: 1 });
    assert.deepEqual(names(), ['sessionEnded', 'table', 'commit']);
    outbox.send(batch('c', 1));
    outbox.clear();
    assert.deepEqual(take(9), []);
  });
});

function batch(session: string, sequence: number): MessageOf<'batch'> {
  return {
    kind: 'batch',
    urgent: false,
    count: 1,
    session,
    worldLine: 1,
    generation: 1,
    sequence,
    acknowledged: 0,
    version: 0,
    dependencies: new Map(),
    operations: new Uint8Array(8),
  };
}
