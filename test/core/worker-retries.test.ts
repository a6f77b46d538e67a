import type { WorkerEvent } from '@dpr/core';
import assert from 'node:assert/strict';
import { batchOf, servingWorker } from './serving-worker.ts';

const TICKET = 1;

function batchOn(connection: number): WorkerEvent {
  return { kind: 'clientFrames', connection, messages: [batchOf(1)] };
}

/** On which connections the batch is answered once it has executed, after it came on these, in order. */
function answeredOn(...connections: readonly number[]): readonly number[] {
  const { step } = servingWorker(() => undefined); // in another process
  for (const connection of connections) step(batchOn(connection));
  const effects = step({ kind: 'executed', ticket: TICKET, results: new Uint8Array(0) });
  return effects.flatMap((effect) => (effect.kind === 'send' ? effect.connection : []));
}

describe('a batch that is sent again while it executes', () => {
  it('is answered on the connection that it came on last', () => {
    assert.deepEqual(answeredOn(1, 2), [2]);
  });

  it('is answered on the newest connection, although what an earlier one still held came after it', () => {
    assert.deepEqual(answeredOn(2, 1), [2]);
    assert.deepEqual(answeredOn(1, 2, 1), [2]);
  });
});
