import { limits, OverloadedError } from '@dpr/client';
import assert from 'node:assert/strict';
import { cut, reply } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';

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
});
