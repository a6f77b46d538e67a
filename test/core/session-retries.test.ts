import { limits } from '@dpr/client';
import { createSession, sessionWakeAt, stepSession } from '@dpr/core';
import { CLIENT_RETRY_LIMIT_MS, type Message } from '@dpr/protocol';
import assert from 'node:assert/strict';

describe('a batch that a worker goes on refusing', () => {
  const ID = 'e'.repeat(32);
  function refused() {
    const session = createSession({
      id: ID,
      worldLine: 1,
      mode: 'strict',
      replay: false,
      maxInFlight: limits.MAX_BATCHES_IN_FLIGHT,
      retryMs: limits.BATCH_RETRY_MS,
      maxRetryMs: limits.MAX_BATCH_RETRY_MS,
      retryLimitMs: CLIENT_RETRY_LIMIT_MS,
    });
    const overloaded: Message = { kind: 'error', code: 'overloaded', session: ID, sequence: 1, detail: 0, text: '' };
    stepSession(session, { kind: 'submit', calls: [{ worker: 0, operations: new Uint8Array(8), count: 1 }] }, 0);
    stepSession(session, { kind: 'connected', worker: 0, generation: 1 }, 0);
    return {
      session,
      refuse: (now: number) => stepSession(session, { kind: 'frames', worker: 0, messages: [overloaded] }, now),
    };
  }

  it('is sent again after pauses that grow to MAX_BATCH_RETRY_MS', () => {
    const { session, refuse } = refused();
    let now = 0;
    const pauses: number[] = [];
    for (let round = 0; round < 12; round++) {
      refuse(now);
      const at = sessionWakeAt(session);
      pauses.push(at - now);
      now = at;
      assert.equal(stepSession(session, { kind: 'wake' }, now)[0]?.kind, 'send');
    }
    assert.ok((pauses[0] ?? 0) >= limits.BATCH_RETRY_MS);
    assert.equal(pauses.at(-1), limits.MAX_BATCH_RETRY_MS);
    assert.ok(pauses.every((pause) => pause <= limits.MAX_BATCH_RETRY_MS));
  });

  it('ends the session once CLIENT_RETRY_LIMIT_MS have passed, and not before', () => {
    const { session } = refused();
    stepSession(session, { kind: 'wake' }, CLIENT_RETRY_LIMIT_MS - 1);
    assert.equal(session.phase, 'open');
    const [ended] = stepSession(session, { kind: 'wake' }, CLIENT_RETRY_LIMIT_MS);
    assert.ok(ended?.kind === 'ended' && ended.code === 'sessionExpired');
  });
});
