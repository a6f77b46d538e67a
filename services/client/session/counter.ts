/** The worker type of counters. */
import {
  AMOUNT_BYTES,
  checkResults,
  readOverflows,
  readValue,
  readValues,
  writeAmount,
  writeAmounts,
} from '@dpr/counter/operations';
import { isBigInt64Array } from 'node:util/types';
import { checkArgument, type Rule } from '../check-options.ts';
import { OverflowError } from '../errors.ts';
import type { CallOptions } from '../options.ts';
import type { Outcome } from './outcome.ts';
import {
  defineWorkerType,
  type Operation,
  type OperationList,
  type TypedHandle,
  type WorkerType,
} from './worker-type.ts';

/** A counter of one session: a signed 64-bit number, 0 at first. Values are bigint, so that every one is exact. */
export interface Counter extends TypedHandle {
  /**
   * Add to the counter. Gives the value after it; rejects with OverflowError, and changes nothing, if the sum does not fit into
   * 64 bits. All calls of one tick travel together.
   *
   * @throws TypeError or RangeError at once when the amount is not an exact integer of 64 bits, or the options are none
   * @example
   * const result = session.counter(0).add(300);
   * console.log(await result); // 300n: completed
   * await result.committed; // and now nothing can take it back
   */
  add(amount: number | bigint, options?: CallOptions): Outcome<bigint>;

  /**
   * Read the counter, after everything that the session did before.
   *
   * @example
   * const value = await session.counter(0).get();
   */
  get(options?: CallOptions): Outcome<bigint>;

  /**
   * Add many amounts, in order, with one promise for all: the fast path. Gives the value after each. If some overflow, those
   * change nothing, the others are done, and OverflowError tells which.
   *
   * @throws TypeError or RangeError at once when an amount is not an exact integer of 64 bits, or the options are none
   * @example
   * const values = await session.counter(0).addAll([1, 2, 3]);
   * console.log(values); // BigInt64Array [1n, 3n, 6n]
   */
  addAll(amounts: BigInt64Array | readonly (number | bigint)[], options?: CallOptions): Outcome<BigInt64Array>;
}

type Amounts = BigInt64Array | readonly (number | bigint)[];

const AMOUNTS: Rule = {
  expected: 'a BigInt64Array, or an array of numbers or bigints',
  accepts: (value) => Array.isArray(value) || isBigInt64Array(value),
  fault: TypeError,
};

const ADD: Operation<number | bigint, bigint> = { size: AMOUNT_BYTES, write: writeAmount, read: readValue };

const ADD_ALL: OperationList<Amounts, BigInt64Array> = {
  size: AMOUNT_BYTES,
  write: writeAmounts,
  create: (count) => new BigInt64Array(count),
  read: readValues,
};

/** The type that `session.counter(id)` gives handles of. */
export const counterType: WorkerType<Omit<Counter, keyof TypedHandle>> = defineWorkerType({
  name: 'counter',
  decodeResults(results, count) {
    checkResults(results, count);
    return results;
  },
  failures: {
    find: (results, count) =>
      results.length === count * AMOUNT_BYTES ? NO_PLACES : readOverflows(results, count, 0, count),
    error: ({ indexes, operations, read }) =>
      new OverflowError(indexes, BigInt64Array.from(read(readValue)), operations),
  },
  methods(calls) {
    const add = calls.one(ADD);
    const addAll = calls.list(ADD_ALL);
    return {
      add,
      get: (options) => add(0, options),
      addAll(amounts, options) {
        checkArgument('what is to be added', amounts, AMOUNTS);
        if (amounts.length === 0) throw new RangeError('there is nothing to add: pass at least one amount');
        return addAll(amounts, options);
      },
    };
  },
});

const NO_PLACES: readonly number[] = [];
