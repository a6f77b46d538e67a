import { stepSession, type WorkerEffect } from '@dpr/core';
import type { Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { smallSession } from './small-session.ts';
import { batchOf, servingWorker, SESSION } from './serving-worker.ts';

describe('a session that is closed', () => {
  function session() {
    return smallSession({ id: SESSION, mode: 'relaxed' });
  }
  const call = (worker: number) => ({ worker, operations: new Uint8Array(1), count: 1 });

  it('tells the workers that it sent something to, and is silent from then on', () => {
    const core = session();
    stepSession(core, { kind: 'submit', calls: [call(0), call(1), call(2)] }, 0);
    for (const worker of [0, 1]) stepSession(core, { kind: 'connected', worker, generation: 1 }, 0);
    stepSession(core, { kind: 'disconnected', worker: 1 }, 0);
    assert.deepEqual(stepSession(core, { kind: 'close' }, 0), [
      { kind: 'send', worker: 0, message: { kind: 'sessionEnded', session: SESSION } },
    ]);
    assert.deepEqual(stepSession(core, { kind: 'connected', worker: 1, generation: 1 }, 0), []);
    assert.deepEqual(stepSession(core, { kind: 'submit', calls: [call(0)] }, 0), []);
  });
});

describe('a worker whose session was closed', () => {
  /** A worker that serves, and how often it executed something. */
  function serving() {
    let executed = 0;
    const { worker, step } = servingWorker(() => {
      executed++;
      return new Uint8Array(8);
    });
    const hear = (message: Message) => step({ kind: 'clientFrames', connection: 1, messages: [message] });
    return { worker, hear, executions: () => executed };
  }

  const sent = (effects: readonly WorkerEffect[]): readonly Message[] =>
    effects.flatMap((effect) => (effect.kind === 'send' ? effect.message : []));

  it('forgets the replies, also in the next checkpoint', () => {
    const { worker, hear } = serving();
    for (const sequence of [1, 2]) hear(batchOf(sequence));
    const entry = worker.sessions.entries.get(SESSION);
    assert.equal(entry?.replies.length, 2);
    worker.sessions.changed.clear();
    entry.changed = false; // as a checkpoint would leave it
    hear({ kind: 'sessionEnded', session: SESSION });
    assert.deepEqual(entry.replies, []);
    assert.deepEqual([...worker.sessions.changed], [entry]);
  });

  it('does not execute what still comes of it, as it knows its number', () => {
    const { hear, executions } = serving();
    hear(batchOf(1));
    hear({ kind: 'sessionEnded', session: SESSION });
    const [answer, ...more] = sent(hear(batchOf(1)));
    assert.deepEqual(more, []);
    assert.ok(answer?.kind === 'error' && answer.code === 'sequenceGap', JSON.stringify(answer));
    assert.equal(executions(), 1);
  });

  it('is not troubled by one that it does not know', () => {
    const { worker, hear } = serving();
    assert.deepEqual(hear({ kind: 'sessionEnded', session: SESSION }), []);
    assert.equal(worker.sessions.entries.size, 0);
  });
});
