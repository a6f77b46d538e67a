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

  it('has hashes: fields with values, many at once', async () => {
    const { store, serve } = await handle();
    const serving = serve(1);
    const hash = store.hash('h');
    const calls = {
      set: hash.set('a', '1'),
      again: hash.set('a', '2'),
      setAll: hash.setAll([
        ['a', '3'],
        ['b', Buffer.of(4)],
        ['c', ''],
      ]),
      got: hash.get('a'),
      missing: store.hash('none').get('a'),
      gotAll: hash.getAll(['a', 'x', 'c']),
      noneOfAll: store.hash('none').getAll(['a', 'x']),
      sum: hash.increment('n', -3n),
      size: hash.size(),
      deleted: hash.delete('a'),
      deletedAll: hash.deleteAll(['a', 'c', 'n']),
      entries: hash.entries(),
      noEntries: store.hash('none').entries(),
      noSize: store.hash('none').size(),
    };
    await serving;
    const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('latin1');
    assert.deepEqual([await calls.set, await calls.again, await calls.setAll], [true, false, 2]);
    assert.deepEqual([text(await calls.got), await calls.missing], ['3', undefined]);
    assert.deepEqual((await calls.gotAll).map(text), ['3', undefined, '']);
    assert.deepEqual(await calls.noneOfAll, [undefined, undefined]);
    assert.deepEqual([await calls.sum, await calls.size], [-3n, 4]);
    assert.deepEqual([await calls.deleted, await calls.deletedAll], [true, 2]);
    assert.deepEqual(
      (await calls.entries).map((entry) => entry.map(text)),
      [['b', '\x04']],
    );
    assert.deepEqual([await calls.noEntries, await calls.noSize], [[], 0]);
  });

  it('says that a key holds another type, and has done the rest', async () => {
    const { store, serve } = await handle();
    const serving = serve(1);
    const set = store.set('k', 'v');
    const failing: PromiseLike<unknown>[] = [
      store.hash('k').get('a'),
      store.hash('k').set('a', '1'),
      store.hash('k').entries(),
    ];
    const hash = store.hash('h').set('a', '1');
    failing.push(store.get('h'), store.increment('h'));
    for (const call of failing) {
      await assert.rejects(
        Promise.resolve(call),
        (error) => error instanceof StoreError && error.reason === 'wrongType',
      );
    }
    await serving;
    assert.deepEqual([await set, await hash], [1, true]);
    assert.throws(() => store.hash('h').setAll([]), RangeError);
    assert.throws(() => store.hash('h').get('f'.repeat(MAX_VALUE_BYTES + 1)), RangeError);
  });

  it('walks over keys and over fields, page by page', async () => {
    const { store, serve } = await handle();
    const names = Array.from({ length: 250 }, (_, index) => `key-${index}`);
    serve(1_000).catch(() => undefined); // it ends with the connection
    await store.setAll(names.map((key) => ({ key, value: 'v' })));
    await store.hash('other').setAll(names.map((field) => [field, field]));
    const keys: string[] = [];
    for await (const key of store.scan({ pattern: 'key-*', count: 100 })) keys.push(Buffer.from(key).toString());
    assert.deepEqual(keys.sort(), names.toSorted());
    const fields: string[] = [];
    for await (const [field, value] of store.hash('other').scan({ count: 40 })) {
      assert.deepEqual(field, value);
      fields.push(Buffer.from(field).toString());
    }
    assert.deepEqual(fields.sort(), names.toSorted());
    for await (const nothing of store.hash('none').scan()) assert.fail(String(nothing));
    for await (const key of store.scan()) {
      assert.ok(key.length > 0);
      break; // nobody asks for more
    }
    const tooLong = store.scan({ pattern: 'x'.repeat(70_000) })[Symbol.asyncIterator]();
    await assert.rejects(tooLong.next(), RangeError);
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
