import { sizeOfHashFields, sizeOfHashSet, writeHashGet, writeHashSet } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { NODE_BYTES } from '../../../services/store/collections/collection.ts';
import { audit } from '../collections/audit.ts';
import { encoded, get, set } from '../calls.ts';
import { countLive, keyOf, LimitedStore, MIB } from './limited-store.ts';

const LIMIT = 4 * MIB;
const VALUE = 'v'.repeat(100);
const LARGE_VALUE = 'v'.repeat(40_000);
const FIELDS = 300;

function hashSet(key: string, from: number, count: number): Buffer {
  const entries = Array.from({ length: count }, (_, index) => [`field ${from + index}`, VALUE] as const);
  return encoded(sizeOfHashSet({ key, entries }), (bytes) => writeHashSet(bytes, 0, { key, entries }));
}

function hashGet(key: string): Buffer {
  const operation = { key, fields: ['field 1'] };
  return encoded(sizeOfHashFields(operation), (bytes) => writeHashGet(bytes, 0, operation));
}

function limitedStore(): LimitedStore {
  return new LimitedStore({ maxBytes: (LIMIT * 4) / 3, maxLiveBytes: LIMIT });
}

/** A large hash that was evicted, because keys beside it were written later: most of its pages are there still. */
function storeWithLargeHash(): LimitedStore {
  const store = limitedStore();
  for (let from = 0; from < 9_000; from += FIELDS) store.apply([hashSet('large', from, FIELDS)]);
  store.commit();
  for (let number = 0; store.has('large'); number++) {
    store.apply([set(keyOf('key', number), LARGE_VALUE)]);
    store.commit();
  }
  assert.ok(audit(store.keyspace, NODE_BYTES).doomed > 0);
  return store;
}

describe('collections in a store that evicts', () => {
  it('are evicted with all of their pages, while ten times the limit is written', () => {
    const store = limitedStore();
    const count = 800;
    for (let number = 0; number < count; number++) {
      store.apply([hashSet(keyOf('hash', number), 0, FIELDS), hashGet(keyOf('hash', 0))]);
      store.commit();
    }
    assert.equal(store.full, 0);
    assert.ok(store.mostLive <= LIMIT && store.keyspace.liveBytes > LIMIT * 0.9, `${store.mostLive} bytes`);
    assert.ok(store.has(keyOf('hash', 0)), 'the one that is read is there');
    assert.ok(store.evicted > count * 0.85);
    audit(store.keyspace, NODE_BYTES);
    assert.equal(store.keyspace.liveBytes, countLive(store.keyspace));
  });

  it('count as gone while their pages are removed: no other key goes meanwhile', () => {
    const store = storeWithLargeHash();
    const { evicted } = store;
    let batches = 0;
    for (; store.keyspace.progress.doomed > 0; batches++) {
      assert.equal(store.evicted, evicted);
      assert.ok(batches < 1_000);
      store.apply([set(keyOf('more', batches), VALUE)]);
      store.commit();
    }
    assert.ok(batches > 10, `${batches} batches`);
    assert.equal(store.evicted, evicted);
    assert.equal(audit(store.keyspace, NODE_BYTES).doomed, 0);
  });

  it('come back as they were when a version is undone that removed some of their pages', () => {
    const store = storeWithLargeHash();
    const version = store.seal();
    const before = store.dump();
    const { pages } = audit(store.keyspace, NODE_BYTES);
    for (let number = 0; number < 5; number++) store.apply([get('none')]);
    assert.ok(audit(store.keyspace, NODE_BYTES).pages < pages);
    store.rollback(version);
    assert.deepEqual(store.dump(), before);
    assert.equal(audit(store.keyspace, NODE_BYTES).pages, pages);
  });

  it('are found among their pages, where there are few keys', () => {
    const store = limitedStore();
    for (let round = 0; round < 20; round++) {
      for (const key of ['a', 'b', 'c']) {
        store.apply([hashSet(`${key}-${round}`, 0, 2_000)]);
        store.commit();
      }
    }
    assert.equal(store.full, 0);
    assert.ok(store.mostLive < LIMIT * 1.1, `${store.mostLive} bytes`);
  });
});

describe('memory between records in a store that evicts', () => {
  it('is given back when values become larger or smaller, and keys that are used stay', () => {
    const store = limitedStore();
    const hot = Array.from({ length: 50 }, (_, number) => keyOf('hot', number));
    store.apply(hot.map((key) => set(key, VALUE)));
    store.apply([hashSet('hash', 0, FIELDS)]);
    store.commit();
    for (const [phase, bytes] of [60, 600, 3_000, 100, 20].entries()) {
      for (let written = 0, number = 0; written < 2 * LIMIT;) {
        const sets = Array.from({ length: 10 }, () => set(keyOf(`p${phase}`, number++), 'v'.repeat(bytes)));
        store.apply([...sets, get(hot[(number / 10) % hot.length] ?? ''), hashGet('hash')]);
        written += 10 * (bytes + 40);
        // At each batch, something that is committed was not given back yet.
        while (store.engine.release(1_000));
        store.engine.committed(store.seal());
      }
    }
    assert.equal(store.full, 0);
    assert.ok(store.keyspace.memoryBytes < LIMIT * 1.15, `${store.keyspace.memoryBytes} bytes of memory`);
    assert.ok(hot.filter((key) => store.has(key)).length >= 48);
    assert.ok(store.has('hash'));
    audit(store.keyspace, NODE_BYTES);
    assert.equal(store.keyspace.liveBytes, countLive(store.keyspace));
  });
});
