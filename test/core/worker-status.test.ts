import assert from 'node:assert/strict';
import { workerStatus } from '@dpr/core';
import { batchOf, servingWorker, SESSION } from './serving-worker.ts';

const STAMP = { start: 'f'.repeat(16), counter: 2 };
const CONNECTION = 1;

describe("a worker's status", () => {
  it('tells what is not committed, and since when: from the first operation until the cut or a rollback', () => {
    const interval = 100;
    const { worker, step } = servingWorker(() => new Uint8Array(8), { checkpointIntervalMs: interval });
    const told = () => {
      const { operations, uncommittedOperations, uncommittedSince } = workerStatus(worker);
      return [operations, uncommittedOperations, uncommittedSince];
    };
    const execute = (sequence: number, now: number) =>
      step({ kind: 'clientFrames', connection: CONNECTION, messages: [batchOf(sequence)] }, now, now);
    const fromFinder = (worldLine: number, decided: number[], now: number) => {
      const prefix = new Map([[0, worker.committed]]);
      const decisions = decided.map((one) => ({ worldLine: one, prefix, entitled: new Map([[0, 1]]) }));
      const cut = new Map([[0, decided.length === 0 ? worker.predecessor : worker.committed]]);
      step({ kind: 'finderFrame', message: { kind: 'cut', stamp: STAMP, worldLine, decisions, cut } }, now, now);
    };
    step({ kind: 'clientOpened', connection: CONNECTION, origin: undefined });

    assert.deepEqual(told(), [0, 0, undefined]);
    execute(1, 10);
    execute(2, 20);
    assert.deepEqual(told(), [2, 2, 10]);
    step({ kind: 'wake' }, interval * 2, interval * 2);
    execute(3, interval * 2 + 5);
    assert.deepEqual(told(), [3, 3, 10]);
    const info = worker.unwritten[0];
    assert.ok(info !== undefined);
    step({ kind: 'durable', worldLine: 1, version: info.version }, interval * 2 + 6, interval * 2 + 6);
    fromFinder(1, [], interval * 2 + 7);
    assert.deepEqual(told(), [3, 1, interval * 2 + 5]);
    fromFinder(2, [2], interval * 2 + 8);
    assert.deepEqual(told(), [3, 0, undefined]);
  });

  it('tells for how long batches waited for the disk, and since when some do', () => {
    const interval = 100;
    const limits = { checkpointIntervalMs: interval, maxUnwrittenVersions: 1 };
    const { worker, step } = servingWorker(() => new Uint8Array(8), limits);
    const told = () => [workerStatus(worker).blockedMs, workerStatus(worker).blockedSince];
    const send = (sequence: number, now: number) =>
      step({ kind: 'clientFrames', connection: CONNECTION, messages: [batchOf(sequence)] }, now, now);
    step({ kind: 'clientOpened', connection: CONNECTION, origin: undefined });
    send(1, 10);
    step({ kind: 'wake' }, interval * 2, interval * 2);
    assert.deepEqual(told(), [0, undefined], 'nothing waits for the version that the disk writes');
    send(2, 210);
    send(3, 215);
    assert.deepEqual(told(), [0, 210]);
    const version = worker.unwritten[0]?.version ?? assert.fail();
    step({ kind: 'durable', worldLine: 1, version }, 250, 250);
    assert.deepEqual(told(), [40, undefined]);
  });

  it('counts the batches that were refused, by why, and nothing else that was', () => {
    const { worker, step } = servingWorker(() => new Uint8Array(8));
    step({ kind: 'clientOpened', connection: CONNECTION, origin: undefined });
    const table = { kind: 'table', session: SESSION, worldLine: 1, generation: 2 } as const;
    const messages = [batchOf(2), batchOf(1), batchOf(3), batchOf(2, { generation: 2 }), table];
    step({ kind: 'clientFrames', connection: CONNECTION, messages });
    assert.deepEqual(
      [...workerStatus(worker).refused],
      [
        ['sequenceGap', 2],
        ['wrongGeneration', 1],
      ],
    );
  });
});
