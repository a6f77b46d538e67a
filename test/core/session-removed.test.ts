import { stepSession, type SessionEvent } from '@dpr/core';
import assert from 'node:assert/strict';
import { smallSession } from './small-session.ts';

const WORKER = 0;

describe('a session whose worker was removed', () => {
  const core = smallSession({ id: '5e'.repeat(16), mode: 'strict' });
  /** The kinds of what the event leads to. */
  const step = (event: SessionEvent): string[] => stepSession(core, event, 0).map(({ kind }) => kind);
  const submit = () => step({ kind: 'submit', calls: [{ worker: WORKER, operations: new Uint8Array(1), count: 1 }] });
  const connected = (generation: number) => step({ kind: 'connected', worker: WORKER, generation });

  it('sends nothing to a process of the removed generation that lives on, and what waits to the next one', () => {
    submit();
    assert.deepEqual(connected(1), ['send']);
    assert.deepEqual(step({ kind: 'removed', worker: WORKER, generation: 1 }), ['failed']);
    assert.deepEqual(submit(), ['connect']);
    assert.deepEqual(connected(1), []);
    assert.deepEqual(connected(2), ['send']);
  });
});
