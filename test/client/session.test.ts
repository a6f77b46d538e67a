import { OverflowError } from '@dpr/client';
import { MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { amounts, cut, fakeWorker, reply } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';

describe('a session', () => {
  const { closing, clusterOf, oneWorker, twoWorkers } = smallClusters();

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
    assert.equal(await result.committed, 1_300n, 'also for a caller that looks later');
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
});
