import { limits, OverloadedError, type Cluster, type Session } from '@dpr/client';
import { MAX_BATCH_BYTES, type MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { cut, reply, type FakePeer } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';
import { until } from './until.ts';

describe('a session at its limits', () => {
  const { oneWorker } = smallClusters();

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
    await assert.rejects(session.commit(), expected, 'also if the application did not look');
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

  /** What one session sent, once that is so much, and what another one sent after it has arrived. */
  async function sent(
    cluster: Cluster,
    session: Session,
    peer: FakePeer,
    isSoMuch: (batches: readonly MessageOf<'batch'>[]) => boolean = () => true,
  ): Promise<MessageOf<'batch'>[]> {
    const own = () => batchesOf(peer, session.id);
    await until(() => isSoMuch(own()));
    const other = cluster.session();
    void other.worker(0, 'counter').call(new Uint8Array(8), 1);
    await until(() => batchesOf(peer, other.id).length > 0);
    return own();
  }
  const sum = (batches: readonly MessageOf<'batch'>[], of: (batch: MessageOf<'batch'>) => number) =>
    batches.reduce((total, batch) => total + of(batch), 0);
  const answered = (batch: MessageOf<'batch'>) => reply(batch, 1, new Array<bigint>(batch.count).fill(0n));
  const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

  it('sends MAX_BATCHES_IN_FLIGHT, and the next once one is answered', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const handle = session.worker(0, 'counter');
    const calls = Array.from({ length: limits.MAX_BATCHES_IN_FLIGHT + 1 }, () => handle.call(new Uint8Array(8), 1));
    const peer = await worker.accept();
    const first = await peer.next('batch');
    const limit = limits.MAX_BATCHES_IN_FLIGHT;
    assert.equal((await sent(cluster, session, peer, (own) => own.length >= limit)).length, limit);
    peer.send(answered(first));
    await calls[0];
    assert.equal((await sent(cluster, session, peer, (own) => own.length > limit)).length, limit + 1);
  });

  it('sends MAX_UNCOMMITTED_OPERATIONS, and the next once they are committed', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const counter = session.counter(0);
    const all = counter.addAll(new BigInt64Array(limits.MAX_UNCOMMITTED_OPERATIONS));
    await nextTick();
    const next = counter.add(1);
    const peer = await worker.accept();
    const operations = (own: readonly MessageOf<'batch'>[]) => sum(own, ({ count }) => count);
    const limit = limits.MAX_UNCOMMITTED_OPERATIONS;
    const batches = await sent(cluster, session, peer, (own) => operations(own) >= limit);
    assert.equal(operations(batches), limit);
    for (const batch of batches) peer.send(answered(batch));
    await all;
    assert.equal((await sent(cluster, session, peer)).length, batches.length);
    peer.send(cut({ 0: 1 }));
    await all.committed;
    const last = (await sent(cluster, session, peer, (own) => own.length > batches.length)).at(-1);
    assert.ok(last?.count === 1);
    peer.send(answered(last));
    await next;
  });

  it('holds MAX_WAITING_BYTES, sends MAX_UNCOMMITTED_BYTES, and one byte more once they are committed', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const handle = session.worker(0, 'counter');
    const whole = new Uint8Array(MAX_BATCH_BYTES);
    const calls = Array.from({ length: limits.MAX_WAITING_BYTES / whole.length }, () => handle.call(whole, 1));
    await assert.rejects(handle.call(new Uint8Array(1), 1), OverloadedError);
    await nextTick();
    const next = handle.call(new Uint8Array(1), 1);
    const peer = await worker.accept();
    const bytes = (own: readonly MessageOf<'batch'>[]) => sum(own, ({ operations }) => operations.length);
    const batches = await sent(cluster, session, peer, (own) => bytes(own) >= limits.MAX_UNCOMMITTED_BYTES);
    assert.equal(bytes(batches), limits.MAX_UNCOMMITTED_BYTES);
    for (const batch of batches) peer.send(answered(batch));
    await Promise.all(calls);
    peer.send(cut({ 0: 1 }));
    await calls.at(-1)?.committed;
    const last = (await sent(cluster, session, peer, (own) => own.length > batches.length)).at(-1);
    assert.ok(last?.operations.length === 1);
    peer.send(answered(last));
    await next;
  });
});

function batchesOf(peer: FakePeer, session: string): MessageOf<'batch'>[] {
  return peer.received.filter(
    (message): message is MessageOf<'batch'> => message.kind === 'batch' && message.session === session,
  );
}
