import {
  AMOUNT_BYTES,
  checkResults,
  INDEX_BYTES,
  MAX_AMOUNT,
  MIN_AMOUNT,
  readOverflows,
  readValue,
  readValues,
  writeAmount,
  writeAmounts,
} from '@dpr/counter/operations';
import { MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import fc from 'fast-check';
import assert from 'node:assert/strict';

const amount = fc.oneof(fc.maxSafeInteger(), fc.bigInt(MIN_AMOUNT, MAX_AMOUNT));

describe('operations of counters', () => {
  it('carry every 64-bit amount, from numbers and bigints alike', () => {
    fc.assert(
      fc.property(fc.array(amount), (amounts) => {
        const bytes = Buffer.alloc(amounts.length * AMOUNT_BYTES);
        writeAmounts(bytes, 0, amounts);
        assert.deepEqual(
          amounts.map((_, index) => readValue(bytes, index)),
          amounts.map(BigInt),
        );
        const single = Buffer.alloc(bytes.length);
        for (const [index, one] of amounts.entries()) writeAmount(single, index * AMOUNT_BYTES, one);
        assert.deepEqual(single, bytes);
      }),
    );
  });

  it('are written from a typed array, wherever it lies in its buffer', () => {
    const amounts = BigInt64Array.of(7n, MIN_AMOUNT, MAX_AMOUNT, -1n).subarray(1);
    const bytes = Buffer.alloc(4 * AMOUNT_BYTES);
    writeAmounts(bytes, AMOUNT_BYTES, amounts);
    const values = new BigInt64Array(3);
    readValues(bytes, 2, 2, values, 1);
    assert.deepEqual(values, BigInt64Array.of(0n, MAX_AMOUNT, -1n));
  });

  it('refuse what is not an exact integer of 64 bits', () => {
    const bytes = Buffer.alloc(AMOUNT_BYTES);
    for (const wrong of [0.5, NaN, Infinity, 2 ** 53, MAX_AMOUNT + 1n, MIN_AMOUNT - 1n]) {
      assert.throws(() => writeAmount(bytes, 0, wrong), RangeError);
    }
  });

  it('have results that name overflows by their place', () => {
    const results = Buffer.alloc(3 * AMOUNT_BYTES + 2 * 4);
    results.writeUInt32LE(0, 3 * AMOUNT_BYTES);
    results.writeUInt32LE(2, 3 * AMOUNT_BYTES + 4);
    checkResults(results, 3);
    assert.deepEqual(readOverflows(results, 3, 0, 3), [0, 2]);
    assert.deepEqual(readOverflows(results, 3, 1, 2), [2]);
    assert.deepEqual(readOverflows(results, 3, 1, 1), []);
    for (const count of [2, 4]) assert.throws(() => checkResults(results.subarray(0, 3 * AMOUNT_BYTES - 1), count));
    assert.throws(() => checkResults(results, 1), /not the results of 1 counter operations/);
  });
  it('finds the overflows of each of the many calls of a batch in their own time, not in that of all', () => {
    const results = Buffer.alloc(MAX_BATCH_OPERATIONS * (AMOUNT_BYTES + INDEX_BYTES));
    for (let index = 0; index < MAX_BATCH_OPERATIONS; index++) {
      results.writeUInt32LE(index, MAX_BATCH_OPERATIONS * AMOUNT_BYTES + index * INDEX_BYTES);
    }
    const began = performance.now();
    for (let index = 0; index < MAX_BATCH_OPERATIONS; index++) {
      if (readOverflows(results, MAX_BATCH_OPERATIONS, index, 1)[0] !== index) assert.fail(`not found: ${index}`);
    }
    assert.ok(performance.now() - began < 2_000);
    assert.deepEqual(readOverflows(results, MAX_BATCH_OPERATIONS, MAX_BATCH_OPERATIONS - 2, 5), [65_534, 65_535]);
  });
});
