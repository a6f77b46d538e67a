import { stepSession } from '@dpr/core';
import type { Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { smallSession } from './small-session.ts';

describe('replies that came together', () => {
  const ID = 'f'.repeat(32);
  const reply = (sequence: number): Message => {
    const place = { session: ID, worldLine: 1, incarnation: 1, sequence, version: 5 };
    return { kind: 'reply', ...place, count: 1, results: new Uint8Array(8) };
  };
  const error: Message = { kind: 'error', code: 'overloaded', session: ID, sequence: 3, detail: 0, text: 'refused' };

  for (const [what, messages] of [
    ['complete their calls', [reply(1), reply(2)]],
    ['complete their calls also behind another frame', [reply(1), error, reply(2)]],
  ] as const) {
    it(what, () => {
      const session = smallSession({ id: ID, mode: 'relaxed' });
      for (let call = 1; call <= 3; call++) {
        const one = { worker: 0, operations: new Uint8Array(8), count: 1 };
        stepSession(session, { kind: 'submit', calls: [one] }, 0);
      }
      stepSession(session, { kind: 'connected', worker: 0, generation: 1 }, 0);
      const effects = stepSession(session, { kind: 'frames', worker: 0, messages }, 0);
      assert.deepEqual(
        effects.flatMap((effect) => (effect.kind === 'completed' ? [effect.call] : [])),
        [1, 2],
      );
    });
  }
});
