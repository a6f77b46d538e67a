import { MAX_VALUE_BYTES, readStatus, STATUS } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { SAMPLED_SLOTS } from '../../../services/store/engine/key-index.ts';
import { BYTES_PER_EVICTION, EVICTED_KEYS, LOOKED_SLOTS } from '../../../services/store/eviction/evictor.ts';
import { get, remove, set } from '../calls.ts';
import { viewOf } from '../engine/driver.ts';
import { countLive, keyOf, LimitedStore, MIB } from './limited-store.ts';

const LIMIT = 2 * MIB;
const VALUE = 'v'.repeat(200);
const BATCH = 50;
/** Of a store of this limit, about. */
const KEYS = 8_500;

/** Write so many keys, in batches that are committed one by one. @param also operations of each batch */
function fill(store: LimitedStore, name: string, count: number, also: (batch: number) => Buffer[] = () => []): void {
  for (let from = 0; from < count; from += BATCH) {
    const sets = Array.from({ length: BATCH }, (_, index) => set(keyOf(name, from + index), VALUE));
    store.apply([...sets, ...also(from / BATCH)]);
    if ((from / BATCH) % 4 === 0) store.commit();
  }
  store.commit();
}

function present(store: LimitedStore, name: string, from: number, end: number): number {
  let count = 0;
  for (let number = from; number < end; number++) if (store.has(keyOf(name, number))) count++;
  return count;
}

describe('a store that evicts', () => {
  it('refuses nothing while ten times its limit is written, and keeps within it after each batch', () => {
    const store = new LimitedStore({ maxBytes: (LIMIT * 4) / 3, maxLiveBytes: LIMIT });
    fill(store, 'key', KEYS * 10);
    assert.equal(store.full, 0);
    assert.ok(store.mostLive <= LIMIT && store.mostLive > LIMIT * 0.99, `${store.mostLive} bytes`);
    assert.ok(store.mostMemory < LIMIT * 1.15, `${store.mostMemory} bytes of memory`);
    assert.equal(store.keyspace.liveBytes, countLive(store.keyspace));
    assert.equal(store.keyspace.keys + store.evicted, KEYS * 10);
  });

  it('evicts nothing up to its limit, and one key beyond it', () => {
    const store = new LimitedStore({ maxLiveBytes: Infinity });
    for (let number = 0; number < 1_000; number++) store.apply([set(keyOf('key', number), VALUE)]);
    const { liveBytes } = store.keyspace;
    for (const [limit, evicted] of [
      [liveBytes, 0],
      [liveBytes - 1, 1],
    ] as const) {
      const again = new LimitedStore({ maxLiveBytes: limit });
      for (let number = 0; number < 1_000; number++) again.apply([set(keyOf('key', number), VALUE)]);
      assert.equal(again.evicted, evicted);
      assert.equal(again.keyspace.keys, 1_000 - evicted);
    }
  });

  it('keeps keys that are read, and those that were written last', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    const hot = 250;
    fill(store, 'hot', hot);
    fill(store, 'key', KEYS * 3, (batch) =>
      Array.from({ length: 5 }, (_, index) => get(keyOf('hot', (batch * 5 + index) % hot))),
    );
    assert.ok(present(store, 'hot', 0, hot) >= hot * 0.95);
    const half = Math.floor(store.keyspace.keys / 2);
    const newest = present(store, 'key', KEYS * 3 - half, KEYS * 3);
    assert.ok(newest > half * 0.95, `${newest} of the newest ${half}`);
    assert.ok(present(store, 'key', 0, KEYS) < KEYS * 0.01);
  });

  it('does not keep keys that are only looked at', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    const head = (key: string) => Buffer.concat([Buffer.of(5, 1, key.length, 0), Buffer.from(key)]);
    fill(store, 'seen', 500);
    fill(store, 'key', KEYS * 3, (batch) => [head(keyOf('seen', batch % 500))]);
    assert.ok(present(store, 'seen', 0, 500) < 5);
  });

  it('takes keys whose time is over first, and counts them as none that it evicted', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    fill(store, 'key', KEYS - 2_000);
    for (let number = 0; number < 2_000; number++) {
      store.apply([set(keyOf('brief', number), VALUE, { timeToLiveMs: 100 })]);
    }
    store.seal();
    store.apply(
      Array.from({ length: 2_000 }, (_, index) => set(keyOf('new', index), VALUE)),
      200,
    );
    const over = 2_000 - store.keyspace.deadlines;
    assert.ok(over > 500 && over > store.evicted / 2, `${store.evicted} evicted, and ${over} were over`);
    assert.equal(store.keyspace.keys, KEYS + 2_000 - over - store.evicted);
    assert.ok(store.keyspace.liveBytes <= LIMIT);
  });

  it('brings back what a rollback undoes, byte for byte, and goes on', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    fill(store, 'key', KEYS * 2);
    const version = store.seal();
    const [before, { evicted }] = [store.dump(), store];
    for (let number = 0; number < 5_000; number++) {
      store.apply([get(keyOf('key', KEYS * 2 - number)), set(keyOf('new', number), VALUE)]);
      if (number % 1_000 === 0) store.seal();
    }
    assert.ok(store.evicted > evicted + 4_000);
    store.rollback(version);
    assert.deepEqual(store.dump(), before);
    assert.equal(store.keyspace.liveBytes, countLive(store.keyspace));
    fill(store, 'after', KEYS);
    assert.equal(store.full, 0);
    assert.equal(store.keyspace.liveBytes, countLive(store.keyspace));
  });

  it('is the same after a restart, and goes by when keys were written then', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    fill(store, 'key', KEYS * 2);
    const before = store.dump();
    store.restart();
    assert.deepEqual(store.dump(), before);
    const half = Math.floor(store.keyspace.keys / 2);
    fill(store, 'new', half);
    const older = present(store, 'key', KEYS * 2 - 2 * half, KEYS * 2 - half);
    const newer = present(store, 'key', KEYS * 2 - half, KEYS * 2);
    assert.ok(newer > half * 0.8 && older < newer / 4, `${older} and ${newer} of ${half}`);
  });

  it('comes to a lower limit after a restart batch by batch', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    fill(store, 'key', KEYS);
    const lower = new LimitedStore({ maxLiveBytes: LIMIT / 2 });
    lower.sections.push(...store.sections);
    lower.restart();
    const keys = lower.keyspace.keys;
    const operation = get('none');
    lower.apply([operation]);
    assert.equal(lower.evicted, EVICTED_KEYS + Math.floor(operation.length / BYTES_PER_EVICTION));
    for (let batch = 0; lower.keyspace.liveBytes > LIMIT / 2; batch++) {
      assert.ok(batch < keys / EVICTED_KEYS);
      lower.apply([operation]);
    }
  });

  it('looks at so many places with each batch, and at no more, where it finds no key', () => {
    const store = new LimitedStore({ maxLiveBytes: 1 });
    const { index } = store.keyspace;
    let looks = 0;
    index.sample = (_hash, group) => {
      looks++;
      group.count = 0;
    };
    const operation = get('none');
    store.apply([operation]);
    assert.equal(looks, Math.ceil((LOOKED_SLOTS + operation.length) / SAMPLED_SLOTS));
  });

  it('evicts of the open version only where there is nothing else', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    fill(store, 'old', KEYS - 1_000);
    for (let number = 0; number < 3_000; number++) store.apply([set(keyOf('new', number), VALUE)]);
    assert.ok(store.evicted > 1_000);
    assert.equal(present(store, 'new', 0, 3_000), 3_000);
    const alone = new LimitedStore({ maxBytes: 2 * LIMIT, maxLiveBytes: LIMIT });
    for (let number = 0; number < KEYS * 3; number++) alone.apply([set(keyOf('new', number), VALUE)]);
    assert.equal(alone.full, 0);
    assert.ok(alone.keyspace.liveBytes <= LIMIT);
  });

  it('does the same with the same batches', () => {
    const dumps = [1, 2].map(() => {
      const store = new LimitedStore({ maxLiveBytes: MIB });
      fill(store, 'key', KEYS, (batch) => [get(keyOf('key', batch))]);
      return [store.dump(), store.evicted];
    });
    assert.deepEqual(dumps[0], dumps[1]);
  });

  it('refuses what has no room in all memory, and takes it again once what was evicted is committed', () => {
    const store = new LimitedStore({ maxBytes: 7.5 * MIB, maxLiveBytes: 6 * MIB });
    const large = 'v'.repeat(MAX_VALUE_BYTES);
    store.apply([set('a', large)]);
    store.commit();
    assert.equal(readStatus(store.apply([set('b', large), set('c', 'small')]), 0), STATUS.full);
    store.apply([set('d', large.slice(0, 3 * MIB))]);
    assert.equal(store.has('a'), false, 'it was evicted');
    assert.equal(readStatus(store.apply([set('b', large)]), 0), STATUS.full);
    store.commit();
    assert.equal(readStatus(store.apply([set('b', large)]), 0), STATUS.done);
  });

  it('evicts nothing by itself while keys are removed and read', () => {
    const store = new LimitedStore({ maxLiveBytes: LIMIT });
    fill(store, 'key', KEYS * 2);
    const { evicted } = store;
    for (let number = 0; number < 1_000; number++) {
      store.apply([remove(keyOf('key', KEYS * 2 - number)), get(keyOf('key', KEYS))]);
      if (number % 100 === 0) store.commit();
    }
    assert.equal(store.evicted, evicted);
  });

  it('notes uses only where there is a limit', () => {
    for (const [maxLiveBytes, isNoted] of [
      [undefined, false],
      [MIB, true],
    ] as const) {
      const store = new LimitedStore({ maxLiveBytes });
      store.apply([set('a', '1'), set('b', '1')]);
      store.commit();
      store.apply([get('b')]);
      const { records, index } = store.keyspace;
      const place = records.place(index.candidate(store.keyspace.hashOf(viewOf(Buffer.from('b')), 0, 1)));
      assert.equal(place >= 2 ** 31, isNoted);
    }
  });
});
