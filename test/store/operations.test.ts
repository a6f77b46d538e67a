import { MAX_BATCH_BYTES } from '@dpr/runtime';
import {
  decodeResults,
  KINDS,
  MAX_KEY_BYTES,
  MAX_TIME_TO_LIVE_MS,
  MAX_VALUE_BYTES,
  readFound,
  readStatus,
  STATUS,
  statusByte,
} from '@dpr/store/operations';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { createStore } from '@dpr/store';
import { apply, get, increment, remove, set } from './calls.ts';

const OPTIONS = { seed: [3, 4], maxBytes: 2 ** 30, tableBits: 4 } as const;

describe('operations of a store', () => {
  it('carry text and bytes, of any content', () => {
    const data = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 40 }));
    const store = createStore(OPTIONS);
    fc.assert(
      fc.property(data, data, (key, value) => {
        const found = readFound(apply(store, [set(key, value), get(key)]), 1);
        assert.deepEqual(found && Buffer.from(found.value), Buffer.from(value as string));
      }),
      { numRuns: 200 },
    );
  });

  it('have keys, values, times and revisions up to their limits, and not beyond', () => {
    const store = createStore(OPTIONS);
    const key = 'k'.repeat(MAX_KEY_BYTES);
    const value = Buffer.alloc(MAX_VALUE_BYTES, 1);
    const operation = set(key, value, { timeToLiveMs: MAX_TIME_TO_LIVE_MS, ifAbsent: true });
    assert.ok(operation.length <= MAX_BATCH_BYTES);
    assert.equal(readStatus(apply(store, [operation]), 0), STATUS.done);
    assert.equal(readFound(apply(store, [get(key)]), 0)?.value.length, MAX_VALUE_BYTES);
    assert.throws(() => get(`${key}k`), /at most 65535 bytes/);
    assert.throws(() => set('k', Buffer.alloc(MAX_VALUE_BYTES + 1)), /a value has at most/);
    for (const timeToLiveMs of [0, -1, 0.5, NaN, MAX_TIME_TO_LIVE_MS + 1]) {
      assert.throws(() => set('k', 'v', { timeToLiveMs }), /a time to live, in ms, is a whole number/);
    }
    for (const ifRevision of [0, 1.5, 2 ** 53]) assert.throws(() => remove('k', { ifRevision }), /a revision is/);
    assert.throws(() => increment('k', 2n ** 63n), RangeError);
    assert.throws(() => get(7 as unknown as string), /is text or a Uint8Array, not number/);
  });

  it('are refused, and change nothing, when one of a batch is none', () => {
    const store = createStore(OPTIONS);
    const good = set('a', 'b');
    const changed = (at: number, byte: number) => Buffer.from(good.with(at, byte));
    const badTime = set('k', 'v', { timeToLiveMs: 1 });
    badTime.writeDoubleLE(0.5, 8);
    const badRevision = remove('k', { ifRevision: 1 });
    badRevision.writeDoubleLE(-1, 4);
    const tooLong = Buffer.concat([good, Buffer.alloc(MAX_VALUE_BYTES)]);
    tooLong.writeUInt32LE(MAX_VALUE_BYTES + 1, 4);
    const bad = [
      changed(0, 0),
      changed(0, 99),
      changed(1, 16),
      changed(2, 9),
      changed(4, 9),
      badTime,
      badRevision,
      tooLong,
    ];
    const batches: [Buffer[], number][] = bad.map((one) => [[good, one], 2]);
    for (let length = 1; length < good.length; length++) batches.push([[good, good.subarray(0, length)], 2]);
    batches.push([[good], 2], [[good, good], 1], [[get('a').fill(2, 1, 2)], 1], [[good, Buffer.of(0)], 1]);
    for (const [parts, count] of batches) {
      assert.throws(() => store.apply(Buffer.concat(parts), count, 0), { name: 'MalformedOperations' });
    }
    assert.equal(readStatus(apply(store, [get('a')]), 0), STATUS.absent);
  });

  it('have results that are told from what is none', () => {
    const store = createStore(OPTIONS);
    const operations = [set('a', 'value'), get('a'), increment('n', 1n), remove('a'), get('a')];
    const results = store.apply(Buffer.concat(operations), 5, 0);
    assert.equal(decodeResults(results, 5).starts.length, 5);
    for (const count of [0, 4, 6]) assert.throws(() => decodeResults(results, count), /are not the results of/);
    for (let length = 0; length < results.length; length++) {
      assert.throws(() => decodeResults(results.subarray(0, length), 5), RangeError);
    }
    assert.throws(() => decodeResults(Buffer.of(0x90), 1), RangeError);
    assert.throws(() => decodeResults(Buffer.of(statusByte(KINDS.get, STATUS.done)), 1), RangeError);
  });
});
