import { createSession, stepSession, type Session, type SessionEffect, type SessionEvent } from '@dpr/core';
import type { Decision, Message } from '@dpr/protocol';
import assert from 'node:assert/strict';

const OPERATIONS = new Uint8Array(8);

/** A session and its only worker, which answers what it is sent. @param calls that it submits, each a batch of its own */
function start(calls: number, options: Partial<Session['config']>) {
  const session = createSession({
    id: 'e'.repeat(32),
    worldLine: 1,
    mode: 'strict',
    replay: false,
    maxInFlight: 128,
    retryMs: 1,
    maxRetryMs: 1,
    retryLimitMs: 1_000_000,
    absurdRetryLimitMs: 60_000,
    ...options,
  });
  const tally = { completed: 0, committed: 0, failed: 0 };
  let rolledBack: Extract<SessionEffect, { kind: 'rolledBack' }> | undefined;

  function step(event: SessionEvent, answers = true): void {
    let effects = stepSession(session, event, 0);
    while (effects.length > 0) {
      const replies: Message[] = [];
      for (const effect of effects) {
        if (effect.kind === 'completed') tally.completed++;
        else if (effect.kind === 'committed') tally.committed += effect.calls.length;
        else if (effect.kind === 'failed') tally.failed++;
        else if (effect.kind === 'rolledBack') rolledBack = effect;
        else if (effect.kind === 'send' && effect.message.kind === 'batch') {
          const { session: id, worldLine, sequence, count } = effect.message;
          const version = worldLine * 10;
          replies.push({
            kind: 'reply',
            session: id,
            worldLine,
            sequence,
            count,
            version,
            incarnation: 1,
            results: OPERATIONS,
          });
        }
      }
      if (!answers || replies.length === 0) return;
      effects = stepSession(session, { kind: 'frames', worker: 0, messages: replies }, 0);
    }
  }
  const submit = () =>
    step({
      kind: 'submit',
      calls: Array.from({ length: calls }, () => ({ worker: 0, operations: OPERATIONS, count: 1 })),
    });
  return { session, tally, step, submit, rolledBack: () => rolledBack };
}

function rollback(worldLine: number, version: number): Message {
  const prefix = new Map([[0, version]]);
  const decisions: Decision[] = [{ worldLine, prefix, entitled: new Map([[0, worldLine]]) }];
  return { kind: 'cut', stamp: { start: 'f'.repeat(16), counter: 1 }, worldLine, decisions, cut: prefix };
}

/** @param patienceMs for each test: what is quadratic in the number of calls takes far longer */
export function describeLargeSession(calls: number, patienceMs: number): void {
  describe(`a session with ${calls} calls`, function () {
    this.timeout(patienceMs);

    for (const mode of ['strict', 'relaxed'] as const) {
      it(`sends all of them once its worker is there, when it is ${mode}`, () => {
        const { tally, step, submit } = start(calls, { mode });
        submit();
        step({ kind: 'connected', worker: 0, generation: 1 });
        assert.equal(tally.completed, calls);
        step({ kind: 'frames', worker: 0, messages: [{ ...rollback(1, 10), decisions: [] } as Message] });
        assert.equal(tally.committed, calls);
      });
    }

    it('is told that all of them are lost', () => {
      const { step, submit, rolledBack } = start(calls, {});
      step({ kind: 'connected', worker: 0, generation: 1 });
      submit();
      step({ kind: 'connected', worker: 0, generation: 1 });
      step({ kind: 'frames', worker: 0, messages: [rollback(2, 0)] });
      assert.equal(rolledBack()?.report.lost.length, calls);
    });

    it('issues all of them again that a rollback took', () => {
      const { tally, step, submit, rolledBack } = start(calls, { replay: true });
      submit();
      step({ kind: 'connected', worker: 0, generation: 1 });
      assert.equal(tally.completed, calls);
      step({ kind: 'frames', worker: 0, messages: [rollback(2, 0)] });
      assert.equal(rolledBack()?.report.lost.length, calls);
      assert.equal(tally.completed, 2 * calls);
    });

    it('is told that all of them failed when their worker is removed', () => {
      const { tally, step, submit } = start(calls, {});
      submit();
      step({ kind: 'removed', worker: 0, generation: 1 });
      assert.equal(tally.failed, calls);
    });

    it('learns of their commit also once their worker was removed', () => {
      const { tally, step, submit } = start(calls, { replay: true });
      submit();
      step({ kind: 'connected', worker: 0, generation: 1 });
      step({ kind: 'removed', worker: 0, generation: 1 });
      step({ kind: 'frames', worker: undefined, messages: [{ ...rollback(1, 10), decisions: [] } as Message] });
      assert.equal(tally.committed, calls);
    });
  });
}
