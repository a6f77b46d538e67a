import {
  limits,
  OverflowError,
  OverloadedError,
  RollbackError,
  UnknownWorkerError,
  WorkerRemovedError,
} from '@dpr/client';
import assert from 'node:assert/strict';
import { cut, decided, reply, type FakePeer } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';
import { until } from './until.ts';

describe('a commit', () => {
  const { oneWorker } = smallClusters();

  /** Answer the next batch in version `version` with these values, of which those in these places overflowed. */
  async function answer(peer: FakePeer, version: number, values: bigint[], overflows: number[] = []): Promise<void> {
    peer.send(reply(await peer.next('batch'), version, values, overflows));
  }

  async function start(options = {}) {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const session = cluster.session(options);
    const counter = session.counter(0);
    const peer = async (): Promise<FakePeer> => {
      void counter.get();
      const accepted = await worker.accept();
      await answer(accepted, 1, [0n]);
      accepted.send(cut({ 0: 1 }));
      await until(() => session.uncommitted.operations === 0);
      return accepted;
    };
    return { finder, session, counter, peer };
  }

  it('tells of a sum that overflowed and that the application did not look at, once', async () => {
    const { session, counter, peer } = await start();
    const one = await peer();
    void counter.add(1);
    void counter.add(2);
    const committing = session.commit();
    await answer(one, 2, [7n, 7n], [0, 1]);
    await assert.rejects(committing, (error) => {
      assert.ok(error instanceof OverflowError);
      assert.deepEqual(error.operations, [2, 3]);
      assert.deepEqual(error.indexes, [0, 1]);
      assert.deepEqual(error.values, BigInt64Array.of(7n, 7n));
      return true;
    });
    one.send(cut({ 0: 2 }));
    await session.commit();
  });

  it('tells of one that overflowed before it was asked for', async () => {
    const { session, counter, peer } = await start();
    const one = await peer();
    void counter.addAll([1, 2, 3]);
    await answer(one, 2, [1n, 1n, 4n], [1]);
    one.send(cut({ 0: 2 }));
    await until(() => session.uncommitted.operations === 0);
    await assert.rejects(session.commit(), (error) => {
      assert.ok(error instanceof OverflowError);
      assert.deepEqual(error.operations, [3]);
      return true;
    });
    await session.commit();
  });

  for (const when of ['before', 'after'] as const) {
    it(`does not tell of what the application began to wait for ${when} it failed`, async () => {
      const { session, counter, peer } = await start();
      const one = await peer();
      const calls = [counter.add(1), counter.addAll([2, 3]), counter.add(4)] as const;
      const looking = () =>
        Promise.all([
          assert.rejects(calls[0], OverflowError),
          assert.rejects(calls[1].committed, OverflowError),
          calls[2].catch((error: unknown) => assert.ok(error instanceof OverflowError)),
        ]);
      const looks = when === 'before' ? looking() : undefined;
      await answer(one, 2, [7n, 7n, 7n, 7n], [0, 2, 3]);
      one.send(cut({ 0: 2 }));
      await until(() => session.uncommitted.operations === 0);
      await (looks ?? looking());
      await session.commit();
    });
  }

  it('tells, of calls that travelled together, of that which the application did not look at', async () => {
    const { session, counter, peer } = await start();
    const one = await peer();
    const looked = counter.add(1);
    void counter.add(2);
    const rejected = assert.rejects(looked, OverflowError);
    const committing = session.commit();
    await answer(one, 2, [7n, 7n], [0, 1]);
    await rejected;
    await assert.rejects(committing, (error) => error instanceof OverflowError && error.operations.join() === '3');
  });

  it('tells of a repetition that overflowed, unless who looked at the commit was told', async () => {
    for (const watches of [true, false]) {
      const { session, counter, peer } = await start({ replay: true });
      const one = await peer();
      const call = counter.add(1);
      const watching = watches ? assert.rejects(call.committed, OverflowError) : undefined;
      await answer(one, 2, [1n]);
      assert.equal(await call, 1n);
      one.send(decided({ 0: 1 }));
      await answer(one, 3, [7n], [0]);
      one.send(cut({ 0: 3 }, { worldLine: 2 }));
      await until(() => session.uncommitted.operations === 0);
      await watching;
      if (watches) await session.commit();
      else await assert.rejects(session.commit(), OverflowError);
    }
  });

  it('does not tell of an overflow that the repetition did not have', async () => {
    const { session, counter, peer } = await start({ replay: true });
    const one = await peer();
    void counter.add(1);
    await answer(one, 2, [7n], [0]);
    one.send(cut({}));
    one.send(decided({ 0: 1 }));
    await answer(one, 3, [1n]);
    one.send(cut({ 0: 3 }, { worldLine: 2 }));
    await until(() => session.uncommitted.operations === 0);
    await session.commit();
  });

  it('tells of calls of a removed worker that the application did not look at, and of no others', async () => {
    for (const looks of [true, false]) {
      const { finder, session, counter, peer } = await start();
      const one = await peer();
      const call = counter.add(1);
      const rejected = looks ? assert.rejects(call, WorkerRemovedError) : undefined;
      await one.next('batch');
      finder.removeOnly();
      await until(() => session.uncommitted.operations === 0);
      await rejected;
      if (!looks) await assert.rejects(session.commit(), WorkerRemovedError);
      await session.commit();
    }
  });

  it('tells of a worker that there is not', async () => {
    const { session } = await start();
    void session.counter(8).add(1);
    await assert.rejects(session.commit(), UnknownWorkerError);
    const seen = session.counter(8).add(1);
    await Promise.all([assert.rejects(seen, UnknownWorkerError), session.commit()]);
    await session.commit();
  });

  it('tells of a call that there was no room for, if the application did not look at it', async () => {
    for (const looks of [true, false]) {
      const { session, counter, peer } = await start({ maxUncommittedOperations: 1, whenFull: 'reject' });
      const one = await peer();
      void counter.add(1);
      const refused = counter.add(2);
      if (looks) await assert.rejects(refused, OverloadedError);
      await answer(one, 2, [1n]);
      one.send(cut({ 0: 2 }));
      if (!looks) await assert.rejects(session.commit(), OverloadedError);
      await session.commit();
    }
  });

  it('tells of a rollback, also if other callers were told, until the session is resumed', async () => {
    const { session, counter, peer } = await start();
    const one = await peer();
    const call = counter.add(1);
    const committing = session.commit();
    await answer(one, 2, [1n]);
    await call;
    one.send(decided({ 0: 1 }));
    await assert.rejects(committing, RollbackError);
    await assert.rejects(call.committed, RollbackError);
    await assert.rejects(session.commit(), RollbackError);
    session.resume();
    await session.commit();
  });

  it('tells that the session is closed', async () => {
    const { session, counter } = await start();
    void counter.add(1);
    const committing = session.commit();
    session.close();
    await assert.rejects(committing, { code: 'closed' });
    await assert.rejects(session.commit(), { code: 'closed' });
  });

  it('is not held up by a call that was given up', async () => {
    const { session, counter } = await start();
    const given = counter.add(1, { signal: AbortSignal.abort(new Error('too late')) });
    await session.commit();
    await assert.rejects(given, /too late/);
  });

  it('remembers MAX_UNREPORTED_OPERATIONS for the case that the application looks at the first', async () => {
    const { session, counter, peer } = await start();
    const one = await peer();
    for (const [count, remembers] of [
      [limits.MAX_UNREPORTED_OPERATIONS - 1, true],
      [limits.MAX_UNREPORTED_OPERATIONS, false],
    ] as const) {
      const values = new Array<bigint>(count).fill(7n);
      const first = counter.addAll(new BigInt64Array(count));
      await answer(one, 2, values, [...values.keys()]);
      void counter.add(1);
      await answer(one, 2, [7n], [0]);
      const last = counter.get(); // answered after both
      await answer(one, 2, [7n]);
      await last;
      await assert.rejects(first, OverflowError);
      const committing = session.commit();
      if (remembers) await assert.rejects(committing, OverflowError);
      else {
        await one.next('commit');
        session.close();
        await assert.rejects(committing, { code: 'closed' });
      }
    }
  });
});
