import {
  AMOUNT_BYTES,
  checkResults,
  createCounter,
  MAX_AMOUNT,
  MIN_AMOUNT,
  readOverflows,
  readValue,
  writeAmounts,
} from '@dpr/counter';
import { MalformedOperations } from '@dpr/runtime';
import assert from 'node:assert/strict';
import fc from 'fast-check';

/** Amounts of any size, often such that sums come near the limits. */
const amount = fc.oneof(
  fc.bigInt(MIN_AMOUNT, MAX_AMOUNT),
  fc.bigInt(-10n, 10n),
  fc.constantFrom(MIN_AMOUNT, MIN_AMOUNT + 1n, MAX_AMOUNT, MAX_AMOUNT - 1n, 2n ** 32n, -(2n ** 32n), 2n ** 32n - 1n),
);

function operations(amounts: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(amounts.length * AMOUNT_BYTES);
  writeAmounts(bytes, 0, amounts);
  return bytes;
}

/** The value after each operation and the indexes of those that overflowed, as big integers have it. */
function expected(start: bigint, amounts: readonly bigint[]): { values: bigint[]; overflows: number[] } {
  let value = start;
  const overflows: number[] = [];
  const values = amounts.map((one, index) => {
    const fits = BigInt.asIntN(64, value + one) === value + one;
    if (fits) value += one;
    else overflows.push(index);
    return value;
  });
  return { values, overflows };
}

describe('a counter', () => {
  it('adds as big integers do, and an overflow changes nothing but is named', () => {
    fc.assert(
      fc.property(fc.array(fc.array(amount, { minLength: 1 })), (batches) => {
        const counter = createCounter();
        let value = 0n;
        for (const amounts of batches) {
          const results = counter.apply(operations(amounts), amounts.length);
          assert.ok(results instanceof Uint8Array, 'the fast path');
          checkResults(results, amounts.length);
          const { values, overflows } = expected(value, amounts);
          assert.deepEqual(
            amounts.map((_, index) => readValue(results, index)),
            values,
          );
          assert.deepEqual(readOverflows(results, amounts.length, 0, amounts.length), overflows);
          value = values.at(-1) ?? value;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('goes back to any snapshot, which later operations did not change', () => {
    fc.assert(
      fc.property(fc.array(amount), fc.array(amount, { minLength: 1 }), (before, after) => {
        const counter = createCounter();
        const read = () => readValue(counter.apply(operations([0n]), 1) as Uint8Array, 0);
        if (before.length > 0) void counter.apply(operations(before), before.length);
        const value = read();
        const snapshot = counter.snapshot() as Uint8Array;
        void counter.apply(operations(after), after.length);
        void counter.restore(snapshot);
        assert.equal(read(), value);
        void counter.restore(undefined);
        assert.equal(read(), 0n);
      }),
    );
  });

  it('refuses operations that are not 8 bytes each, before any of them changes it', () => {
    const counter = createCounter();
    const bytes = operations([1n, 2n]);
    for (const [length, count] of [
      [15, 2],
      [16, 1],
      [16, 3],
      [0, 1],
    ] as const) {
      assert.throws(() => counter.apply(bytes.subarray(0, length), count), MalformedOperations);
    }
    assert.equal(readValue(counter.apply(operations([0n]), 1) as Uint8Array, 0), 0n);
  });

  it('refuses a snapshot that is not one', () => {
    const counter = createCounter();
    assert.throws(() => counter.restore(Buffer.alloc(7)), /a counter's snapshot has 8 bytes/);
    assert.throws(() => counter.restore({ file: 'snapshot' }), /a counter's snapshot has 8 bytes/);
  });
});
