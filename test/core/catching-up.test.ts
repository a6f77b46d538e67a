import { isCatchingUp, workerWakeAt } from '@dpr/core';
import assert from 'node:assert/strict';
import { batchOf, servingWorker } from './serving-worker.ts';

const BYTES = 40;
/** What a step executes: at least so many bytes, which is three of the batches. */
const CATCH_UP_BYTES = 2 * BYTES + 1;

describe('a worker whose batches waited', () => {
  function behind() {
    const executed: number[] = [];
    const { worker, step } = servingWorker(
      (operations) => {
        executed.push(operations[0] ?? 0);
        return new Uint8Array(0);
      },
      { maxUnwrittenVersions: 1, catchUpBytes: CATCH_UP_BYTES },
    );
    const send = (sequence: number) => {
      const operations = new Uint8Array(BYTES).fill(sequence);
      step({ kind: 'clientFrames', connection: 1, messages: [batchOf(sequence, { operations })] });
    };
    step({ kind: 'clientOpened', connection: 1, origin: undefined });
    send(1);
    const [sealed] = step({ kind: 'wake' }, 1_000, 1_000).filter(({ kind }) => kind === 'checkpoint');
    assert.ok(sealed?.kind === 'checkpoint');
    return { worker, step, send, executed, version: sealed.info.version };
  }

  it('executes some of them in each step, in order, and asks for the next step at once', () => {
    const { worker, step, send, executed, version } = behind();
    for (let sequence = 2; sequence <= 8; sequence++) send(sequence);
    assert.deepEqual([executed, isCatchingUp(worker), worker.waitingBytes], [[1], false, 7 * BYTES]);

    step({ kind: 'durable', worldLine: 1, version });
    assert.deepEqual([executed, isCatchingUp(worker), worker.waitingBytes], [[1, 2, 3, 4], true, 4 * BYTES]);
    assert.equal(workerWakeAt(worker), worker.now);
    send(9);
    assert.deepEqual(executed.at(-1), 4, 'what comes now is behind them');

    step({ kind: 'wake' });
    step({ kind: 'wake' });
    assert.deepEqual([executed, isCatchingUp(worker)], [[1, 2, 3, 4, 5, 6, 7, 8, 9], false]);
    assert.equal(worker.waitingBytes, 0);
    assert.notEqual(workerWakeAt(worker), worker.now);
  });

  it('stops again at one that must wait', () => {
    const { worker, step, send, executed, version } = behind();
    send(2);
    const ahead = batchOf(3, { operations: new Uint8Array(BYTES).fill(3), version: version + 1_000 });
    step({ kind: 'clientFrames', connection: 1, messages: [ahead] });
    send(4);
    step({ kind: 'durable', worldLine: 1, version });
    assert.deepEqual(executed, [1, 2], 'the third one needs a seal, which the disk has not written');
    assert.deepEqual([worker.waiting.map(({ batch }) => batch.sequence), isCatchingUp(worker)], [[3, 4], false]);
  });
});
