import type { WorkerEffect } from '@dpr/core';
import type { Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { batchOf, servingWorker } from './serving-worker.ts';

const CONNECTION = 1;
const FORBIDDEN: readonly Message[] = [
  { kind: 'status' },
  { kind: 'left' },
  { kind: 'fetchCluster', known: 0 },
  { kind: 'tableAnswer', session: 'e'.repeat(32), worldLine: 1, last: 0 },
];

describe('a frame that a client may not send to a worker', () => {
  for (const forbidden of FORBIDDEN) {
    it(`is refused by name and ends the connection: '${forbidden.kind}'`, () => {
      const { step } = servingWorker(() => new Uint8Array(0));
      const messages = [batchOf(1), forbidden, batchOf(2)];
      const effects = step({ kind: 'clientFrames', connection: CONNECTION, messages });
      assert.deepEqual(effects.flatMap(told), ['reply 1', 'error unauthorized', 'close']);
      const error = effects.find((effect) => effect.kind === 'send' && effect.message.kind === 'error');
      assert.ok(error?.kind === 'send' && error.message.kind === 'error');
      assert.equal(error.message.text, `a client may not send '${forbidden.kind}' to a worker`);
    });
  }
});

function told(effect: WorkerEffect): string[] {
  if (effect.kind === 'close') return ['close'];
  if (effect.kind !== 'send') return [];
  const { message } = effect;
  if (message.kind === 'reply') return [`reply ${message.sequence}`];
  return [message.kind === 'error' ? `error ${message.code}` : message.kind];
}
