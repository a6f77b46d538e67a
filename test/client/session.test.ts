import {
  connect,
  limits,
  MalformedOperationsError,
  OverflowError,
  OverloadedError,
  SessionExpiredError,
  UnknownWorkerError,
  WorkerRemovedError,
  WrongTypeError,
  type Cluster,
  type ConnectOptions,
} from '@dpr/client';
import { MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { cleanUp } from './clean-up.ts';
import {
  amounts,
  CLUSTER,
  cut,
  fakeFinder,
  fakeWorker,
  refusal,
  reply,
  welcome,
  type FakeFinder,
  type FakeWorker,
} from './fake-cluster.ts';
import { until } from './until.ts';

describe('a session', () => {
  const closing = cleanUp();

  async function clusterOf(workers: readonly FakeWorker[], options: Partial<ConnectOptions> = {}) {
    const finder: FakeFinder = closing(await fakeFinder());
    finder.members = workers.map(({ member }) => closing({ ...member, close: () => undefined }));
    const cluster: Cluster = closing(await connect({ cluster: `ws://127.0.0.1:${finder.port}`, ...options }));
    return { finder, cluster };
  }

  async function oneWorker(options: Partial<ConnectOptions> = {}) {
    const worker = closing(await fakeWorker(0));
    return { worker, ...(await clusterOf([worker], options)) };
  }

  async function twoWorkers() {
    const workers = [closing(await fakeWorker(0)), closing(await fakeWorker(1))] as const;
    return { workers, ...(await clusterOf(workers)) };
  }

  it('tells completed from committed', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const result = session.counter(0).add(300);
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    assert.deepEqual(
      { session: batch.session, worldLine: batch.worldLine, generation: batch.generation, sequence: batch.sequence },
      { session: session.id, worldLine: 1, generation: 1, sequence: 1 },
    );
    assert.deepEqual(amounts(batch), [300n]);
    let isCommitted = false;
    const committed = result.committed.then((value) => {
      isCommitted = true;
      return value;
    });
    peer.send(reply(batch, 7, [1_300n]));
    assert.equal(await result, 1_300n);
    assert.deepEqual(session.uncommitted, { operations: 1, bytes: 8 });
    peer.send(cut({ 0: 6 }));
    const next = session.counter(0).get();
    peer.send(reply(await peer.next('batch'), 8, [1_300n]));
    await next;
    assert.ok(!isCommitted, 'a cut below its version commits nothing');
    peer.send(cut({ 0: 7 }));
    assert.equal(await committed, 1_300n);
    assert.equal(await result.committed, 1_300n, 'also for whoever looks later');
    assert.deepEqual(session.uncommitted, { operations: 1, bytes: 8 });
  });

  it('sends the calls of one tick as one batch', async () => {
    const { worker, cluster } = await oneWorker();
    const counter = cluster.session().counter(0);
    const results = [counter.add(1), counter.add(-2n), counter.addAll([3, 4n]), counter.get()];
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    assert.deepEqual(amounts(batch), [1n, -2n, 3n, 4n, 0n]);
    assert.deepEqual(
      results.map(({ operation, operations }) => [operation, operations]),
      [
        [1, 1],
        [2, 1],
        [3, 2],
        [5, 1],
      ],
    );
    peer.send(reply(batch, 1, [1n, -1n, 2n, 6n, 6n]));
    assert.deepEqual(await Promise.all(results), [1n, -1n, BigInt64Array.of(2n, 6n), 6n]);
  });

  it('keeps the order over workers when it is strict', async () => {
    const { workers, cluster } = await twoWorkers();
    const session = cluster.session();
    for (const id of [0, 0, 1, 0]) void session.counter(id).add(id + 1);
    const [peer0, peer1] = [await workers[0].accept(), await workers[1].accept()];
    const first = await peer0.next('batch');
    assert.deepEqual(amounts(first), [1n, 1n]);
    assert.equal(peer1.received.length, 0, 'the second worker waits for the first one');
    peer0.send(reply(first, 5, [1n, 2n]));
    const second = await peer1.next('batch');
    assert.deepEqual([...second.dependencies], [[0, 5]]);
    assert.equal(second.version, 5);
    assert.equal(peer0.untaken('batch').length, 0);
    peer1.send(reply(second, 6, [2n]));
    assert.deepEqual(amounts(await peer0.next('batch')), [1n]);
  });

  it('sends to all workers at once when it is relaxed', async () => {
    const { workers, cluster } = await twoWorkers();
    const session = cluster.session({ mode: 'relaxed' });
    const results = [0, 1, 0].map((id) => session.counter(id).add(id + 1));
    const peers = [await workers[0].accept(), await workers[1].accept()];
    const batches = await Promise.all(peers.map((peer) => peer.next('batch')));
    assert.deepEqual(batches.map(amounts), [[1n, 1n], [2n]]);
    for (const [id, batch] of batches.entries()) peers[id]?.send(reply(batch, 1, amounts(batch)));
    assert.deepEqual(await Promise.all(results), [1n, 2n, 1n]);
  });

  it('splits what exceeds a batch, and puts the values together', async () => {
    const { worker, cluster } = await oneWorker();
    const counter = cluster.session().counter(0);
    const total = MAX_BATCH_OPERATIONS + 2;
    const single = counter.add(5);
    const result = counter.addAll(BigInt64Array.from({ length: total }, (_, index) => BigInt(index)));
    const peer = await worker.accept();
    const [first, second] = [await peer.next('batch'), await peer.next('batch')];
    assert.deepEqual([first.count, second.count], [MAX_BATCH_OPERATIONS, 3]);
    assert.deepEqual(amounts(second), [BigInt(total - 3), BigInt(total - 2), BigInt(total - 1)]);
    peer.send(reply(first, 1, amounts(first)));
    assert.equal(await single, 5n);
    peer.send(reply(second, 2, amounts(second)));
    const values = await result;
    assert.equal(values.length, total);
    assert.ok(values.every((value, index) => value === BigInt(index)));
    peer.send(cut({ 0: 2 }));
    assert.equal((await result.committed).length, total);
  });

  it('tells which operations overflowed', async () => {
    const { worker, cluster } = await oneWorker();
    const counter = cluster.session().counter(0);
    const results = [counter.add(1), counter.addAll([2, 3, 4]), counter.add(5)] as const;
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [10n, 12n, 12n, 12n, 12n], [2, 3, 4]));
    assert.equal(await results[0], 10n);
    await assert.rejects(results[1], (error) => {
      assert.ok(error instanceof OverflowError);
      assert.deepEqual(error.indexes, [1, 2]);
      assert.deepEqual(error.values, BigInt64Array.of(12n, 12n, 12n));
      assert.match(error.message, /at 2 of 3 operations, first at 1; the counter stays at 12 there/);
      return true;
    });
    await assert.rejects(results[2], /does not fit into 64 bits; the counter stays at 12/);
  });

  it('refuses at once what is no amount', async () => {
    const { cluster } = await oneWorker();
    const counter = cluster.session().counter(0);
    for (const wrong of [1.5, NaN, 2n ** 63n]) {
      assert.throws(() => counter.add(wrong), RangeError);
      assert.throws(() => counter.addAll([1, wrong]), RangeError);
    }
    assert.throws(() => counter.addAll([]), /nothing to add/);
  });

  it('hurries a commit, and waits for it', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    await session.commit(); // nothing to wait for
    const result = session.counter(0).add(1);
    const commit = session.commit();
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 9, [1n]));
    assert.deepEqual(await peer.next('commit'), { kind: 'commit', worldLine: 1, version: 9 });
    peer.send(cut({ 0: 9 }));
    await commit;
    assert.equal(await result.committed, 1n);
    assert.deepEqual(session.uncommitted, { operations: 0, bytes: 0 });
  });

  it('sends again, byte by byte, what a broken connection left unanswered', async () => {
    const { worker, cluster } = await oneWorker();
    const counter = cluster.session().counter(0);
    const first = counter.add(1);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 3, [1n]));
    await first;
    const second = counter.add(2);
    const sent = await peer.next('batch');
    peer.cut();
    const again = await worker.accept();
    const repeated = await again.next('batch');
    assert.deepEqual(repeated, sent);
    again.send(reply(repeated, 3, [3n]));
    assert.equal(await second, 3n);
    again.send(cut({ 0: 3 }));
    assert.equal(await first.committed, 1n);
  });

  it('leaves a worker that is silent for too long, and connects again', async () => {
    const worker = closing(await fakeWorker(0, { autoPong: false }));
    const { cluster } = await clusterOf([worker], { receiveTimeoutMs: 60 });
    const result = cluster.session().counter(0).add(1);
    const silent = await worker.accept();
    await silent.next('batch');
    await silent.closed;
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await result, 1n);
  });

  it('asks the Finder about a worker that it does not know', async () => {
    const { finder, cluster } = await oneWorker();
    const late = closing(await fakeWorker(9));
    finder.members.push(late.member);
    finder.version++;
    const result = cluster.session().counter(9).add(1);
    const peer = await late.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await result, 1n);
  });

  it('refuses a worker that nobody knows, and goes on with the others', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const wrong = session.counter(8).add(1);
    const right = session.counter(0).add(1);
    await assert.rejects(wrong, (error) => {
      assert.ok(error instanceof UnknownWorkerError);
      assert.equal(error.message, 'no worker has the id 8; the cluster has workers 0');
      return true;
    });
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    peer.send(cut({ 0: 1 }));
    assert.equal(await right.committed, 1n);
    await assert.rejects(session.commit(), UnknownWorkerError, 'a commit tells of what failed before, once');
    await session.commit();
  });

  it('says whether the outcome is known when a worker is removed', async () => {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const session = cluster.session();
    const sent = session.counter(0).add(1);
    const commit = session.commit();
    await (await worker.accept()).next('batch');
    finder.members = [];
    finder.removed = [{ id: 0, generation: 1 }];
    finder.version++;
    const removed = (outcome: string) => (error: unknown) => {
      assert.ok(error instanceof WorkerRemovedError);
      assert.equal(error.outcome, outcome);
      return true;
    };
    await assert.rejects(sent, removed('unknown'));
    await assert.rejects(commit, removed('unknown'));
    await assert.rejects(session.counter(0).add(1), removed('notExecuted'));
  });

  it('refuses a worker of another type, as the membership or the worker itself tells', async () => {
    const store = closing(await fakeWorker(0, { type: 'kv' }));
    const swapped = closing(
      await fakeWorker(1, {
        answer: () => welcome({ worker: { id: 1, generation: 1, incarnation: 1, type: 'kv' } }),
      }),
    );
    const { cluster } = await clusterOf([store, swapped]);
    await assert.rejects(cluster.session().counter(0).add(1), (error) => {
      assert.ok(error instanceof WrongTypeError);
      assert.equal(error.message, "worker 0 is of type 'kv', not 'counter'");
      return true;
    });
    await assert.rejects(cluster.session().counter(1).add(1), WrongTypeError);
  });

  it('sends nothing to a server that is another worker than it was looked for', async () => {
    let identity = { id: 5, generation: 1, incarnation: 1, type: 'counter' };
    const worker = closing(await fakeWorker(0, { answer: () => welcome({ worker: identity }), generation: 2 }));
    const { finder, cluster } = await clusterOf([worker]);
    const result = cluster.session().counter(0).add(1);
    const stranger = await worker.accept();
    await stranger.closed;
    assert.deepEqual(stranger.received, []);
    identity = { id: 0, generation: 1, incarnation: 1, type: 'counter' };
    const predecessor = await worker.accept();
    await predecessor.closed;
    identity = { id: 0, generation: 2, incarnation: 2, type: 'counter' };
    for (;;) {
      const peer = await worker.accept();
      if (peer.hello.cluster !== CLUSTER) continue;
      const batch = await peer.next('batch').catch(() => undefined);
      if (batch === undefined) continue;
      assert.equal(batch.generation, 2);
      peer.send(reply(batch, 1, [1n]));
      break;
    }
    assert.equal(await result, 1n);
    await until(() => finder.asked > 1); // the membership is fetched again
  });

  it('follows a worker to another address', async () => {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const counter = cluster.session().counter(0);
    const result = counter.add(1);
    const before = await worker.accept();
    await before.next('batch');
    const moved = closing(await fakeWorker(0));
    finder.members = [moved.member];
    finder.version++;
    const peer = await moved.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await result, 1n);
    await before.closed;
  });

  it('shares one connection per worker with other sessions', async () => {
    const { worker, cluster } = await oneWorker();
    const sessions = [cluster.session(), cluster.session()];
    const results = sessions.map((session) => session.counter(0).add(1));
    const peer = await worker.accept();
    const batches = [await peer.next('batch'), await peer.next('batch')];
    for (const batch of batches.reverse()) peer.send(reply(batch, 4, [batch.session === sessions[0]?.id ? 1n : 2n]));
    assert.deepEqual(await Promise.all(results), [1n, 2n]);
    peer.send(cut({ 0: 4 }));
    await Promise.all(results.map(({ committed }) => committed));
    assert.equal(worker.greeted(), 1);
  });

  it('keeps calls back that exceed what may be uncommitted', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session({ maxUncommittedOperations: 2 });
    const counter = session.counter(0);
    const first = counter.addAll([1, 2]);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n, 3n]));
    await first;
    const second = counter.add(3);
    let isReady = false;
    const ready = session.ready().then(() => (isReady = true));
    const commit = session.commit();
    assert.deepEqual(await peer.next('commit'), { kind: 'commit', worldLine: 1, version: 1 });
    assert.ok(!isReady);
    assert.equal(peer.untaken('batch').length, 0);
    peer.send(cut({ 0: 1 }));
    await ready;
    peer.send(reply(await peer.next('batch'), 2, [6n]));
    assert.equal(await second, 6n);
    assert.deepEqual(await peer.next('commit'), { kind: 'commit', worldLine: 1, version: 2 });
    peer.send(cut({ 0: 2 }));
    await commit;
  });

  it('refuses calls that exceed it, where that was asked for', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session({ maxUncommittedBytes: 16, whenFull: 'reject' });
    const first = session.counter(0).addAll([1, 2]);
    await assert.rejects(session.counter(0).add(3), OverloadedError);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n, 3n]));
    peer.send(cut({ 0: 1 }));
    await first.committed;
    // One that exceeds the limit by itself goes alone.
    const third = session.counter(0).addAll([3, 4, 5]);
    peer.send(reply(await peer.next('batch'), 2, [6n, 10n, 15n]));
    assert.equal((await third).at(-1), 15n);
    peer.send(cut({ 0: 2 }));
    await session.commit();
  });

  it('does not collect without end, and a commit tells of what it refused', async () => {
    const { cluster } = await oneWorker();
    const session = cluster.session();
    const counter = session.counter(0);
    void counter.addAll(new BigInt64Array(limits.MAX_WAITING_OPERATIONS)).catch(() => undefined);
    const refused = counter.add(1);
    const expected = { name: 'OverloadedError', message: /are too many: await results or session\.ready\(\)/ };
    await assert.rejects(session.commit(), expected, 'also if nobody looked');
    await assert.rejects(refused, expected);
  });

  it('refuses a call that never fits with the size that does', async () => {
    const { cluster } = await oneWorker();
    const counter = cluster.session().counter(0);
    const call = counter.addAll(new BigInt64Array(limits.MAX_WAITING_OPERATIONS + 1));
    await assert.rejects(
      call,
      /a call of 1048577 operations and 8388616 bytes is too large: .* up to 1048576 operations/,
    );
  });

  it('stops waiting when a call is aborted', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const abort = new AbortController();
    const { signal } = abort;
    const waiting = [session.counter(0).add(1, { signal }), session.commit({ signal })];
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    abort.abort(new Error('too late'));
    for (const one of waiting) await assert.rejects(one, /too late/);
    await assert.rejects(session.counter(0).add(2, { signal }), /too late/, 'and is not even sent');
    const after = session.counter(0).add(4);
    assert.deepEqual(amounts(await peer.next('batch')), [4n]);
    peer.send(reply(batch, 1, [1n]));
    peer.send({ ...reply(batch, 1, [5n]), sequence: 2 });
    assert.equal(await after, 5n);
  });

  it('lets many calls share one signal', async () => {
    const warnings: Error[] = [];
    const notice = (warning: Error): void => void warnings.push(warning);
    process.on('warning', notice);
    const { worker, cluster } = await oneWorker();
    const { signal } = new AbortController();
    const counter = cluster.session().counter(0);
    const results = Array.from({ length: 50 }, () => counter.add(1, { signal }));
    const all = Promise.all(results);
    const peer = await worker.accept();
    peer.send(
      reply(
        await peer.next('batch'),
        1,
        Array.from({ length: 50 }, (_, index) => BigInt(index + 1)),
      ),
    );
    assert.equal((await all).at(-1), 50n);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', notice);
    assert.deepEqual(warnings, []);
  });

  it('waits a little and sends again when a worker is overloaded', async () => {
    const { worker, cluster } = await oneWorker();
    const result = cluster.session().counter(0).add(1);
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    const { session, sequence } = batch;
    peer.send(refusal('overloaded', { session, sequence }));
    const again = await peer.next('batch');
    assert.deepEqual(again, batch);
    peer.send(reply(again, 1, [1n]));
    assert.equal(await result, 1n);
  });

  it('ends when its worker forgot it, or does not understand it', async () => {
    for (const [code, expected] of [
      ['sessionExpired', SessionExpiredError],
      ['malformed', MalformedOperationsError],
    ] as const) {
      const { worker, cluster } = await oneWorker();
      const session = cluster.session();
      const call = session.counter(0).add(1);
      const peer = await worker.accept();
      const batch = await peer.next('batch');
      peer.send(refusal(code, { session: batch.session, sequence: batch.sequence }));
      await assert.rejects(call, expected);
      await assert.rejects(call.committed, expected);
      await assert.rejects(session.counter(0).add(1), expected);
      await assert.rejects(session.commit(), expected);
    }
  });

  it('takes calls of any worker type, each in a batch of its own', async () => {
    const store = closing(await fakeWorker(2, { type: 'kv' }));
    const { cluster } = await clusterOf([store]);
    const handle = cluster.session().worker(2, 'kv');
    const results = [handle.call(Buffer.from('put a'), 1), handle.call(Buffer.from('get a get b'), 2)];
    const peer = await store.accept();
    for (const [index, text] of ['put a', 'get a get b'].entries()) {
      const batch = await peer.next('batch');
      assert.equal(Buffer.from(batch.operations).toString(), text);
      assert.equal(batch.count, index + 1);
      const { session, worldLine, sequence, count } = batch;
      const answer = Buffer.from(`answer ${sequence}`);
      peer.send({ kind: 'reply', count, session, worldLine, incarnation: 1, sequence, version: 1, results: answer });
    }
    const texts = (await Promise.all(results)).map((bytes) => Buffer.from(bytes).toString());
    assert.deepEqual(texts, ['answer 1', 'answer 2']);
    assert.throws(() => handle.call(Buffer.alloc(1), 0), RangeError);
    assert.throws(() => handle.call(Buffer.alloc(5 * 1024 * 1024), 1), RangeError);
  });

  it('ends with ClosedError, and nobody has to look at it', async () => {
    const unseen: unknown[] = [];
    const notice = (reason: unknown): void => void unseen.push(reason);
    process.on('unhandledRejection', notice);
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const completed = session.counter(0).add(1);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    await completed;
    void session.counter(0).add(2);
    void completed.committed;
    const commit = session.commit();
    session.close();
    await assert.rejects(commit, { name: 'ClosedError', code: 'closed' });
    await assert.rejects(completed.committed, { code: 'closed' });
    assert.equal(await completed, 1n, 'what completed stays so');
    await cluster.close();
    await assert.rejects(session.counter(0).add(1), { code: 'closed' });
    assert.throws(() => cluster.session(), { code: 'closed' });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', notice);
    assert.deepEqual(unseen, []);
  });
});
