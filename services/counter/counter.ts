/** The counter's state object: one signed 64-bit integer, kept as two halves so that adding needs no big integers. */
import { MalformedOperations, type StateObject, type WorkerType } from '@dpr/runtime';
import { AMOUNT_BYTES, INDEX_BYTES, memoryViews } from './operations.ts';

export const counter: WorkerType = { name: 'counter', create: createCounter };

const TWO_TO_32 = 2 ** 32;
const MAX_HIGH = 2 ** 31 - 1;
const MIN_HIGH = -(2 ** 31);
const SNAPSHOT_BYTES = 8;

export function createCounter(): StateObject {
  /** The value is high * 2^32 + low: high is signed, low is not. */
  let high = 0;
  let low = 0;
  const memoryOfAmounts = memoryViews();
  const memoryOfValues = memoryViews();

  function apply(operations: Uint8Array, count: number): Uint8Array {
    const size = operations.length;
    if (size !== count * AMOUNT_BYTES) {
      const text = `${count} operations of a counter have ${AMOUNT_BYTES} bytes each, and ${size} bytes came`;
      throw new MalformedOperations(text);
    }
    const results = Buffer.allocUnsafe(size);
    const amounts = memoryOfAmounts(operations);
    const values = memoryOfValues(results);
    const { byteOffset: from } = operations;
    const { byteOffset: to } = results;
    let overflowed: number[] | undefined;
    for (let at = 0; at < size; at += AMOUNT_BYTES) {
      const fits = add(amounts.getInt32(from + at + 4, true), amounts.getUint32(from + at, true));
      if (!fits) (overflowed ??= []).push(at / AMOUNT_BYTES);
      values.setUint32(to + at, low, true);
      values.setInt32(to + at + 4, high, true);
    }
    return overflowed === undefined ? results : Buffer.concat([results, encodeIndexes(overflowed)]);
  }

  /** Whether the sum fits; if not, nothing changed. */
  function add(amountHigh: number, amountLow: number): boolean {
    const lowSum = low + amountLow;
    const carry = lowSum >= TWO_TO_32 ? 1 : 0;
    const highSum = high + amountHigh + carry;
    if (highSum > MAX_HIGH || highSum < MIN_HIGH) return false;
    high = highSum;
    low = lowSum - carry * TWO_TO_32;
    return true;
  }

  return {
    apply,
    snapshot() {
      const bytes = Buffer.alloc(SNAPSHOT_BYTES);
      bytes.writeUInt32LE(low, 0);
      bytes.writeInt32LE(high, 4);
      return bytes;
    },
    restore(snapshot = Buffer.alloc(SNAPSHOT_BYTES)) {
      if (!(snapshot instanceof Uint8Array) || snapshot.length !== SNAPSHOT_BYTES) {
        throw new Error(`a counter's snapshot has ${SNAPSHOT_BYTES} bytes`);
      }
      const bytes = Buffer.from(snapshot);
      low = bytes.readUInt32LE(0);
      high = bytes.readInt32LE(4);
    },
  };
}

function encodeIndexes(indexes: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(indexes.length * INDEX_BYTES);
  for (const [place, index] of indexes.entries()) bytes.writeUInt32LE(index, place * INDEX_BYTES);
  return bytes;
}
