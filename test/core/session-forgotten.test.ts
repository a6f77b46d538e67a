import { stepSession, type SessionEffect, type SessionEvent } from '@dpr/core';
import type { Decision, Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { smallSession } from './small-session.ts';

const ID = 'e'.repeat(32);
const WORKER = 0;
const STAMP = { start: 'f'.repeat(16), counter: 1 };

/** A session whose first calls executed in version 5, whose next one is under way, and that hears of a rollback to version 5. */
function rolledBack(knowsOfCut: boolean, answered: number): (event: SessionEvent) => readonly SessionEffect[] {
  const core = smallSession({ id: ID, mode: 'strict' });
  const step = (event: SessionEvent): readonly SessionEffect[] => stepSession(core, event, 0);
  const hear = (message: Message) => step({ kind: 'frames', worker: WORKER, messages: [message] });
  const submit = () => step({ kind: 'submit', calls: [{ worker: WORKER, operations: new Uint8Array(1), count: 1 }] });
  const cut = new Map([[WORKER, 5]]);
  for (let sequence = 1; sequence <= answered; sequence++) {
    submit();
    if (sequence === 1) step({ kind: 'connected', worker: WORKER, generation: 1 });
    const reply = { session: ID, worldLine: 1, incarnation: 1, sequence, version: 5 } as const;
    hear({ kind: 'reply', count: 1, results: new Uint8Array(1), ...reply });
  }
  if (knowsOfCut) {
    const committed = hear({ kind: 'cut', stamp: STAMP, worldLine: 1, decisions: [], cut });
    assert.deepEqual(committed, [
      { kind: 'committed', calls: Array.from({ length: answered }, (_, index) => index + 1) },
    ]);
  }
  submit();
  const decision: Decision = { worldLine: 2, prefix: cut, entitled: new Map([[WORKER, 1]]) };
  hear({ kind: 'cut', stamp: STAMP, worldLine: 2, decisions: [decision], cut });
  return step;
}

function answerTable(last: number, knowsOfCut: boolean, answered = 1): readonly string[] {
  const answer = { kind: 'tableAnswer', session: ID, worldLine: 2, last } as const;
  return rolledBack(
    knowsOfCut,
    answered,
  )({ kind: 'frames', worker: WORKER, messages: [answer] }).map(({ kind }) => kind);
}

describe('a session that asks, after a rollback, what its worker remembers of it', () => {
  it('goes on from there', () => {
    assert.deepEqual(answerTable(1, true), ['rolledBack']);
    assert.deepEqual(answerTable(2, true), ['send']);
    assert.deepEqual(answerTable(1, false), ['committed', 'rolledBack']);
    assert.deepEqual(answerTable(2, false), ['committed', 'send']);
    assert.deepEqual(answerTable(3, true, 3), ['rolledBack']);
    assert.deepEqual(answerTable(4, false, 3), ['committed', 'send']);
  });

  it('ends if that is less than what is committed: the worker forgot it, and may remember after another rollback', () => {
    assert.deepEqual(answerTable(0, true), ['ended']);
  });

  it('ends, too, if only the decision tells that it is committed', () => {
    assert.deepEqual(answerTable(0, false), ['ended']);
    assert.deepEqual(answerTable(2, false, 3), ['ended']);
  });
});

describe('a session that is told that it expired', () => {
  function told(sequence: number): readonly string[] {
    const step = rolledBack(true, 1);
    step({
      kind: 'frames',
      worker: WORKER,
      messages: [{ kind: 'tableAnswer', session: ID, worldLine: 2, last: 2 }],
    });
    const error = { kind: 'error', code: 'sessionExpired', session: ID, sequence, detail: 0, text: '' } as const;
    return step({ kind: 'frames', worker: WORKER, messages: [error] }).map(({ kind }) => kind);
  }

  it('ends, if that is about a batch without an answer', () => {
    assert.deepEqual(told(2), ['ended']);
    assert.deepEqual(told(0), ['ended'], 'or about its question for the table');
  });

  it('goes on, if it is about a copy of one that was answered', () => {
    assert.deepEqual(told(1), []);
  });
});
