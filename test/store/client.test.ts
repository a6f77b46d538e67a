import { StoreError } from '@dpr/client';
import { createStore } from '@dpr/store';
import { MAX_VALUE_BYTES } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { fakeWorker } from '../client/fake-cluster.ts';
import { smallClusters } from '../client/small-clusters.ts';
import { answerBatch } from './answer-batch.ts';

describe('a store, for applications', () => {
  const { closing, clusterOf } = smallClusters();

  /** A handle of a store that answers each batch. */
  async function handle() {
    const state = createStore({ seed: [5, 6], maxBytes: 100_000_000, tableBits: 4 });
    const worker = closing(await fakeWorker(2, { type: 'store' }));
    const { cluster } = await clusterOf([worker]);
    const store = cluster.session().store(2);
    let now = 1_000;
    const serve = async (batches: number): Promise<void> => {
      const peer = await worker.accept();
      for (let left = batches; left > 0; left--) {
        await answerBatch(peer, state, () => now);
      }
    };
    return { store, serve, pass: (ms: number) => (now += ms) };
  }

  it('gets, sets, deletes and increments, many at once, with conditions', async () => {
    const { store, serve } = await handle();
    const serving = serve(1);
    const calls = {
      first: store.set('k', 'value', { ifAbsent: true }),
      second: store.set('k', 'other', { ifAbsent: true }),
      third: store.set(Buffer.of(1, 2), Buffer.of(3), { ifPresent: true }),
      got: store.getAll(['k', 'missing']),
      stale: store.delete('k', { ifRevision: 7 }),
      deleted: store.deleteAll(['k', 'missing']),
      sums: Promise.all([store.increment('n'), store.increment('n', -3n), store.get('n')]),
      several: store.setAll([
        { key: 'a', value: 'b' },
        { key: 'a', value: 'c', ifRevision: 1 },
      ]),
    };
    await serving;
    assert.deepEqual([await calls.first, await calls.second, await calls.third], [1, undefined, undefined]);
    const [found, missing] = await calls.got;
    assert.deepEqual(
      [Buffer.from(found?.value ?? []).toString(), found?.revision, found?.expiresAt],
      ['value', 1, undefined],
    );
    assert.equal(missing, undefined);
    assert.equal(await calls.stale, false);
    assert.deepEqual(await calls.deleted, [true, false]);
    const [one, two, text] = await calls.sums;
    assert.deepEqual([one, two, Buffer.from(text?.value ?? []).toString()], [1n, -2n, '-2']);
    assert.deepEqual(
      (await calls.several).map((revision) => revision !== undefined),
      [true, false],
    );
  });

  it('lets keys go when their time is over', async () => {
    const { store, serve, pass } = await handle();
    const serving = serve(2);
    const set = store.set('k', 'v', { timeToLiveMs: 500 });
    const found = await store.get('k');
    assert.equal(found?.expiresAt, 1_500);
    await set;
    pass(500);
    assert.equal(await store.get('k'), undefined);
    await serving;
  });

  it('rejects with what failed, and has done the rest', async () => {
    const { store, serve } = await handle();
    const serving = serve(2);
    const set = store.set('k', 'no number');
    const increment = store.increment('k');
    const after = store.get('k');
    await assert.rejects(increment, (error) => {
      assert.ok(error instanceof StoreError);
      assert.deepEqual([error.reason, error.indexes, error.operations], ['notNumber', [0], [2]]);
      return true;
    });
    assert.equal(await set, 1);
    assert.equal((await after)?.revision, 1);
    const large = Buffer.alloc(MAX_VALUE_BYTES);
    await Promise.all([assert.rejects(store.increment('k', -(2n ** 63n)), /not a whole number/), serving]);
    assert.throws(() => store.set('k', Buffer.concat([large, Buffer.of(1)])), RangeError);
    assert.throws(() => store.increment('k', 0.5), RangeError);
  });
});
