import { createWorker, stepWorker, WORKER_DEFAULTS, type WorkerEffect, type WorkerEvent } from '@dpr/core';
import assert from 'node:assert/strict';

const STAMP = { start: 'f'.repeat(16), counter: 1 };
const TICKET = 1;

/** A worker that serves, and whose batches execute in another process. */
function serving(): (event: WorkerEvent) => WorkerEffect[] {
  const config = { ...WORKER_DEFAULTS, id: 0, type: 'count', host: '', port: 6380 };
  const worker = createWorker(config, { apply: () => undefined, snapshot: () => undefined });
  const step = (event: WorkerEvent): WorkerEffect[] => stepWorker(worker, event, 0, 0);
  step({ kind: 'finderOpened' });
  step({ kind: 'surveyed', boot: 'b'.repeat(32), generation: 0, checkpoints: [], stamp: undefined });
  const claimed = { kind: 'claimed', cluster: 'c'.repeat(32), generation: 1, incarnation: 1 } as const;
  step({ kind: 'finderFrame', message: claimed });
  step({ kind: 'volumeOpened', checkpoints: [], clean: undefined });
  const registered = {
    kind: 'registered',
    stamp: STAMP,
    worldLine: 1,
    decisions: [],
    cut: new Map(),
    base: 0,
  } as const;
  step({ kind: 'finderFrame', message: registered });
  step({ kind: 'restored', version: 0, sections: [], since: 0 });
  return step;
}

function batchOn(connection: number): WorkerEvent {
  const batch = { urgent: false, count: 1, session: 'e'.repeat(32), worldLine: 1, generation: 1, sequence: 1 } as const;
  const rest = { acknowledged: 0, version: 0, dependencies: new Map(), operations: new Uint8Array(0) };
  return { kind: 'clientFrames', connection, messages: [{ kind: 'batch', ...batch, ...rest }] };
}

/** On which connections the batch is answered once it has executed, after it came on these, in order. */
function answeredOn(...connections: readonly number[]): readonly number[] {
  const step = serving();
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
