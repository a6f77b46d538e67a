import { limits } from '@dpr/client';
import { createSession, sessionWakeAt, stepSession } from '@dpr/core';
import { ABSURD_RETRY_LIMIT_MS, CLIENT_RETRY_LIMIT_MS, type ErrorCode, type Message } from '@dpr/protocol';
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
      absurdRetryLimitMs: ABSURD_RETRY_LIMIT_MS,
    });
    stepSession(session, { kind: 'submit', calls: [{ worker: 0, operations: new Uint8Array(8), count: 1 }] }, 0);
    stepSession(session, { kind: 'connected', worker: 0, generation: 1 }, 0);
    return {
      session,
      refuse: (now: number, code: ErrorCode = 'overloaded') => {
        const message: Message = { kind: 'error', code, session: ID, sequence: 1, detail: 0, text: 'refused' };
        return stepSession(session, { kind: 'frames', worker: 0, messages: [message] }, now);
      },
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

  it('is sent again for ABSURD_RETRY_LIMIT_MS when its version is absurd, counted from the first refusal since a reply', () => {
    const { session, refuse } = refused();
    refuse(1_000, 'absurdVersion');
    assert.ok(sessionWakeAt(session) < 1_000 + ABSURD_RETRY_LIMIT_MS);
    refuse(1_000 + ABSURD_RETRY_LIMIT_MS - 1, 'absurdVersion');
    assert.equal(session.phase, 'open');
    const answer = { session: ID, worldLine: 1, incarnation: 1, sequence: 1, version: 5, count: 1 };
    const reply: Message = { kind: 'reply', ...answer, results: new Uint8Array(8) };
    const answered = 1_000 + ABSURD_RETRY_LIMIT_MS;
    stepSession(session, { kind: 'frames', worker: 0, messages: [reply] }, answered);
    refuse(answered + 1, 'absurdVersion');
    refuse(answered + ABSURD_RETRY_LIMIT_MS, 'absurdVersion');
    assert.equal(session.phase, 'open');
    const [ended] = refuse(answered + 1 + ABSURD_RETRY_LIMIT_MS, 'absurdVersion');
    assert.ok(ended?.kind === 'ended' && ended.code === 'absurdVersion');
  });

  it('ends the session once CLIENT_RETRY_LIMIT_MS have passed, and not before', () => {
    const { session } = refused();
    stepSession(session, { kind: 'wake' }, CLIENT_RETRY_LIMIT_MS - 1);
    assert.equal(session.phase, 'open');
    const [ended] = stepSession(session, { kind: 'wake' }, CLIENT_RETRY_LIMIT_MS);
    assert.ok(ended?.kind === 'ended' && ended.code === 'sessionExpired');
  });
});
