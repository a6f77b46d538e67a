import { connect, RollbackError, WorkerRemovedError, type RollbackReport, type SessionOptions } from '@dpr/client';
import { MAX_BATCH_OPERATIONS, type MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { cleanUp } from './clean-up.ts';
import { amounts, cut, decided, fakeFinder, fakeWorker, reply, type FakePeer } from './fake-cluster.ts';

describe('a session after a rollback', () => {
  const closing = cleanUp();

  async function twoWorkers(options: SessionOptions = {}) {
    const workers = [closing(await fakeWorker(0)), closing(await fakeWorker(1))] as const;
    const finder = closing(await fakeFinder());
    finder.members = workers.map(({ member }) => member);
    const cluster = closing(await connect({ cluster: `ws://127.0.0.1:${finder.port}`, membershipPollMs: 10 }));
    return { workers, finder, session: cluster.session(options) };
  }

  async function answer(peer: FakePeer, version: number, values: readonly bigint[]): Promise<MessageOf<'batch'>> {
    const batch = await peer.next('batch');
    peer.send(reply(batch, version, values));
    return batch;
  }

  /**
   * A strict session of which operation 1 is committed, 2 and 3 completed, 4 was sent, and 5 is waiting for its reply; then a
   * failure from which 2 survived.
   */
  async function losing(options: SessionOptions = {}) {
    const reports: RollbackReport[] = [];
    const { workers, session } = await twoWorkers({ ...options, onRollback: (report) => reports.push(report) });
    const first = session.counter(0).add(1);
    const peer0 = await workers[0].accept();
    await answer(peer0, 5, [1n]);
    await first;
    peer0.send(cut({ 0: 5 }));
    await first.committed;
    const second = session.counter(0).add(2);
    await answer(peer0, 6, [3n]);
    await second;
    const third = session.counter(1).add(3);
    const peer1 = await workers[1].accept();
    await answer(peer1, 7, [3n]);
    await third;
    const fourth = session.counter(0).add(4);
    const fifth = session.counter(1).add(5);
    const commit = session.commit();
    await peer0.next('batch');
    peer0.send(decided({ 0: 6 }));
    const { session: id, worldLine, generation } = await peer0.next('table');
    assert.deepEqual({ id, worldLine, generation }, { id: session.id, worldLine: 2, generation: 1 });
    peer0.send({ kind: 'tableAnswer', session: session.id, worldLine: 2, last: 2 });
    return { session, reports, peer0, peer1, first, second, third, fourth, fifth, commit };
  }

  function isTheRollback(error: unknown): error is RollbackError {
    assert.ok(error instanceof RollbackError);
    assert.deepEqual(
      {
        worldLine: error.worldLine,
        lastSurvivor: error.lastSurvivor,
        lost: error.lost,
        exceptions: error.exceptions,
        unsent: error.unsent,
        lostCount: error.report.lostCount,
        replaying: error.report.replaying,
      },
      {
        worldLine: 2,
        lastSurvivor: 2,
        lost: [
          { worker: 1, first: 3, count: 1 },
          { worker: 0, first: 4, count: 1 },
        ],
        exceptions: [],
        unsent: [{ worker: 1, first: 5, count: 1 }],
        lostCount: 2,
        replaying: false,
      },
    );
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((operation) => error.isLost(operation)),
      [false, false, true, true, true],
    );
    assert.equal(
      error.message,
      'world-line 2 began after a failure. Survived: this session up to operation 2. Lost: 2 operations. ' +
        'Not sent: 1 operation. Call session.resume() to go on, or use replay: true',
    );
    return true;
  }

  it('is told exactly what survived and what was lost', async () => {
    const { session, reports, second, third, fourth, fifth, commit } = await losing();
    await assert.rejects(commit, isTheRollback);
    assert.equal(await second.committed, 3n);
    assert.equal(await third, 3n, 'what completed stays what the application saw');
    for (const lost of [third.committed, fourth, fourth.committed, fifth, fifth.committed]) {
      await assert.rejects(lost, isTheRollback);
    }
    assert.equal(reports.length, 1);
    assert.ok(isTheRollback(session.broken));
    assert.equal(session.worldLine, 2);
    assert.deepEqual(session.uncommitted, { operations: 0, bytes: 0 });
  });

  it('is told of the lost part of a call of several batches, and not what failed of the rest', async () => {
    const { workers, session } = await twoWorkers();
    const split = session.counter(0).addAll(new BigInt64Array(MAX_BATCH_OPERATIONS + 1));
    const { committed } = split;
    const peer = await workers[0].accept();
    peer.send(reply(await peer.next('batch'), 5, Array<bigint>(MAX_BATCH_OPERATIONS).fill(0n), [0]));
    await answer(peer, 6, [0n]);
    peer.send(decided({ 0: 5 }));
    await assert.rejects(committed, (error) => {
      assert.ok(error instanceof RollbackError);
      const last = MAX_BATCH_OPERATIONS + 1;
      assert.deepEqual([error.isLost(1), error.isLost(last - 1), error.isLost(last)], [false, false, true]);
      return true;
    });
    session.resume();
    await session.commit();
  });

  it('takes no calls until it is resumed, and then goes on after the last survivor', async () => {
    const { session, peer0, peer1, commit } = await losing();
    await assert.rejects(commit, isTheRollback);
    const refused = session.counter(0).add(9);
    await assert.rejects(refused, isTheRollback);
    assert.ok(session.broken?.isLost(refused.operation), 'who issues again what was lost finds it among that');
    await assert.rejects(session.commit(), isTheRollback);
    session.resume();
    assert.equal(session.broken, undefined);
    const again = session.counter(0).add(9);
    const { sequence, worldLine, dependencies } = await answer(peer0, 8, [12n]);
    assert.deepEqual(
      { sequence, worldLine, dependencies: dependencies.size },
      { sequence: 3, worldLine: 2, dependencies: 0 },
    );
    assert.equal(await again, 12n);
    const other = session.counter(1).add(1);
    assert.equal((await answer(peer1, 9, [1n])).sequence, 1);
    peer1.send(cut({ 0: 8, 1: 9 }, { worldLine: 2 }));
    assert.equal(await other.committed, 1n);
    await session.commit();
  });

  it('issues again, in order, what was lost, if it is to replay', async () => {
    const { session, reports, peer0, peer1, third, fourth, fifth, commit } = await losing({ replay: true });
    assert.deepEqual(amounts(await answer(peer1, 11, [103n])), [3n]);
    assert.deepEqual(amounts(await answer(peer0, 12, [7n])), [4n]);
    assert.deepEqual(amounts(await answer(peer1, 13, [108n])), [5n]);
    assert.equal(await third, 3n, 'what was seen does not change');
    assert.equal(await fourth, 7n);
    assert.equal(await fifth, 108n);
    peer0.send(cut({ 0: 12, 1: 13 }, { worldLine: 2 }));
    await commit;
    assert.equal(await third.committed, 103n, 'what was committed is what was replayed');
    assert.deepEqual(
      reports.map(({ lostCount, unsent, replaying }) => ({ lostCount, unsent, replaying })),
      [{ lostCount: 2, unsent: [], replaying: true }],
    );
    assert.equal(session.broken, undefined);
  });

  it('fails what it would issue again to a worker that was removed before the rollback', async () => {
    const { workers, finder, session } = await twoWorkers({ replay: true });
    const [kept, gone] = [session.counter(0).add(1), session.counter(1).add(2)];
    const peer0 = await workers[0].accept();
    await answer(peer0, 5, [1n]);
    const peer1 = await workers[1].accept();
    await answer(peer1, 6, [2n]);
    assert.equal(await gone, 2n);
    finder.members = [workers[0].member];
    finder.removed = [{ id: 1, generation: 1 }];
    finder.version++;
    await peer1.closed;
    peer0.send(decided({ 0: 5 }));
    assert.equal(await kept.committed, 1n);
    await assert.rejects(gone.committed, (error) => {
      assert.ok(error instanceof WorkerRemovedError);
      assert.equal(error.outcome, 'notExecuted');
      return true;
    });
    await session.commit();
  });

  it('names the exceptions of a relaxed session', async () => {
    const { workers, session } = await twoWorkers({ mode: 'relaxed' });
    const results = [session.counter(0).add(1), session.counter(1).add(2), session.counter(0).add(3)];
    const [peer0, peer1] = [await workers[0].accept(), await workers[1].accept()];
    await answer(peer0, 5, [1n, 4n]);
    await answer(peer1, 5, [2n]);
    await Promise.all(results);
    peer1.send(decided({ 1: 5 }));
    const error = await rejection(results[0]?.committed);
    assert.ok(error instanceof RollbackError);
    assert.equal(error.lastSurvivor, 2);
    assert.deepEqual(error.lost, [
      { worker: 0, first: 1, count: 1 },
      { worker: 0, first: 3, count: 1 },
    ]);
    assert.deepEqual(error.exceptions, [{ worker: 0, first: 1, count: 1 }]);
    assert.match(error.message, /up to operation 2, but for 1 operation\. Lost: 2 operations\./);
    assert.equal(await results[1]?.committed, 2n);
  });

  it('names the last operation that survived, also of batches that were gathered in one tick', async () => {
    const { workers, session } = await twoWorkers({ mode: 'relaxed' });
    const calls = [session.counter(0).add(1), session.counter(1).addAll([2, 3]), session.counter(0).add(4)];
    const [peer0, peer1] = [await workers[0].accept(), await workers[1].accept()];
    assert.equal((await peer0.next('batch')).count, 2); // operations 1 and 4
    assert.equal((await peer1.next('batch')).count, 2); // and 2 and 3
    const lost = session.counter(1).add(5);
    await peer1.next('batch');
    for (const peer of [peer0, peer1]) {
      peer.send(decided({ 0: 6, 1: 6 }));
      await peer.next('table');
      peer.send({ kind: 'tableAnswer', session: session.id, worldLine: 2, last: 1 });
    }
    const error = await rejection(lost);
    assert.ok(error instanceof RollbackError);
    assert.deepEqual([error.lastSurvivor, error.lost], [4, [{ worker: 1, first: 5, count: 1 }]]);
    session.close();
    await Promise.allSettled(calls);
  });

  it('is told nothing if nothing of it was lost', async () => {
    const reports: RollbackReport[] = [];
    const { workers, session } = await twoWorkers({ onRollback: (report) => reports.push(report) });
    const before = session.counter(0).add(1);
    const peer = await workers[0].accept();
    await answer(peer, 5, [1n]);
    await before;
    peer.send(decided({ 0: 5 }));
    assert.equal(await before.committed, 1n);
    const after = session.counter(0).add(1);
    assert.equal((await answer(peer, 6, [2n])).worldLine, 2);
    assert.equal(await after, 2n);
    assert.deepEqual(reports, []);
  });

  it('hears of it from the Finder when no worker can tell', async () => {
    const { workers, finder, session } = await twoWorkers();
    const result = session.counter(0).add(1);
    const peer = await workers[0].accept();
    await answer(peer, 5, [1n]);
    await result;
    const control = await finder.accept();
    await workers[0].close();
    const { worldLine } = await control.next('refresh');
    assert.equal(worldLine, 1);
    control.send(decided({ 0: 4 }));
    await assert.rejects(result.committed, RollbackError);
  });

  it('stops telling a listener that does not want to hear any more', async () => {
    const { workers, session } = await twoWorkers();
    const heard: string[] = [];
    const stop = session.onRollback(() => heard.push('first'));
    session.onRollback(() => heard.push('second'));
    stop();
    const result = session.counter(0).add(1);
    const peer = await workers[0].accept();
    await answer(peer, 5, [1n]);
    await result;
    peer.send(decided({}));
    await assert.rejects(result.committed, RollbackError);
    assert.deepEqual(heard, ['second']);
  });
});

async function rejection(promise: Promise<unknown> | undefined): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('a rejection was expected');
}
