/** The handle of a counter: how its calls are written into batches, and values read from their results. */
import {
  AMOUNT_BYTES,
  checkResults,
  readOverflows,
  readValue,
  readValues,
  writeAmount,
  writeAmounts,
} from '@dpr/counter/operations';
import { MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import { isBigInt64Array } from 'node:util/types';
import { appended, createCargo, fail, operationAt, reserve, type Batch, type FailuresIn, type Part } from './batch.ts';
import { checkArgument, type Rule } from './check.ts';
import type { Engine } from './engine.ts';
import { OverflowError, ProtocolError } from './errors.ts';
import { signalOf, type CallOptions } from './options.ts';
import { CallOutcome, type Outcome } from './outcome.ts';

export const COUNTER_TYPE = 'counter';

/** A counter of one session: a signed 64-bit number, 0 at first. Values are bigint, so that every one is exact. */
export interface Counter {
  /** The worker's id. */
  readonly id: number;

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

const OVERFLOWS: FailuresIn = {
  places(batch, results) {
    if (results.length === batch.count * AMOUNT_BYTES) return NO_PLACES; // nearly always
    checkBatch(batch, results);
    return readOverflows(results, batch.count, 0, batch.count);
  },
  error(batch, results, places) {
    const values = BigInt64Array.from(places, (place) => readValue(results, place));
    return new OverflowError([...values.keys()], values, numbersOf(batch, places));
  },
};
const AMOUNTS: Rule = {
  expected: 'a BigInt64Array, or an array of numbers or bigints',
  accepts: (value) => Array.isArray(value) || isBigInt64Array(value),
  fault: TypeError,
};
const NO_PLACES: readonly number[] = [];

function numbersOf(batch: Batch, places: readonly number[]): number[] {
  return places.map((place) => operationAt(batch, place));
}

export function counterHandle(engine: Engine, id: number): Counter {
  const { collector } = engine;

  function add(amount: number | bigint, options?: CallOptions): Outcome<bigint> {
    const signal = signalOf(options);
    const refusal = engine.refusal(1, AMOUNT_BYTES, signal);
    if (refusal !== undefined) return refused(engine, refusal, id, 1, readOne);
    const cargo = collector.open(id, COUNTER_TYPE, AMOUNT_BYTES);
    cargo.failuresIn = OVERFLOWS;
    const at = reserve(cargo, AMOUNT_BYTES);
    writeAmount(cargo.bytes, at, amount);
    const operation = collector.number(1);
    const part = engine.append(cargo, operation, 1, AMOUNT_BYTES);
    return new CallOutcome(operation, readOne, [part], signal);
  }

  function addAll(amounts: BigInt64Array | readonly (number | bigint)[], options?: CallOptions) {
    const signal = signalOf(options);
    checkArgument('what is to be added', amounts, AMOUNTS);
    const total = amounts.length;
    if (total === 0) throw new RangeError('there is nothing to add: pass at least one amount');
    const refusal = engine.refusal(total, total * AMOUNT_BYTES, signal);
    if (refusal !== undefined) return refused(engine, refusal, id, total, readAll);
    // All amounts are checked before the first one is on its way.
    const bytes = Buffer.allocUnsafe(total * AMOUNT_BYTES);
    writeAmounts(bytes, 0, amounts);
    const operation = collector.number(total);
    const parts: Part[] = [];
    for (let at = 0; at < total;) {
      const rest = total - at;
      const hint = Math.min(rest, MAX_BATCH_OPERATIONS) * AMOUNT_BYTES;
      const cargo = collector.open(id, COUNTER_TYPE, AMOUNT_BYTES, hint);
      cargo.failuresIn = OVERFLOWS;
      const count = Math.min(rest, MAX_BATCH_OPERATIONS - cargo.batch.count);
      const size = count * AMOUNT_BYTES;
      const to = reserve(cargo, size);
      bytes.copy(cargo.bytes, to, at * AMOUNT_BYTES, at * AMOUNT_BYTES + size);
      parts.push(engine.append(cargo, operation + at, count, size));
      at += count;
    }
    return new CallOutcome(operation, readAll, parts, signal);
  }

  return { id, add, get: (options) => add(0, options), addAll };
}

/** What a call gives that is not made at all. */
export function refused<T>(
  engine: Engine,
  error: Error,
  worker: number,
  count: number,
  read: (parts: readonly Part[], which: 'results' | 'finalResults') => T,
): Outcome<T> {
  const cargo = createCargo(worker, '', 0);
  const part = appended(cargo, 0, count, 0);
  fail(cargo.batch, error);
  engine.refused(cargo, error);
  return new CallOutcome(0, read, [part]);
}

function readOne([part]: readonly Part[], which: 'results' | 'finalResults'): bigint {
  if (part === undefined) throw new Error('a call has at least one part');
  const { cargo, index } = part;
  const results = resultsOf(part, which);
  const value = readValue(results, index);
  if (readOverflows(results, cargo.batch.count, index, 1).length > 0)
    throw new OverflowError([0], BigInt64Array.of(value), numbersOf(cargo.batch, [index]));
  return value;
}

function readAll(parts: readonly Part[], which: 'results' | 'finalResults'): BigInt64Array {
  const values = new BigInt64Array(parts.reduce((sum, { count }) => sum + count, 0));
  const overflows: number[] = [];
  const numbers: number[] = [];
  let to = 0;
  for (const part of parts) {
    const { cargo, index, count } = part;
    const results = resultsOf(part, which);
    readValues(results, index, count, values, to);
    for (const place of readOverflows(results, cargo.batch.count, index, count)) {
      overflows.push(place - index + to);
      numbers.push(operationAt(cargo.batch, place));
    }
    to += count;
  }
  if (overflows.length > 0) throw new OverflowError(overflows, values, numbers);
  return values;
}

/** The results of the part's whole batch. @throws ProtocolError when they are not those of counters */
function resultsOf({ cargo }: Part, which: 'results' | 'finalResults'): Uint8Array {
  const { batch } = cargo;
  const results = cargo[which];
  if (results === undefined) throw new Error('results are read before they are there');
  checkBatch(batch, results);
  return results;
}

/** @throws ProtocolError when these are no results of the batch */
function checkBatch(batch: Batch, results: Uint8Array): void {
  try {
    checkResults(results, batch.count);
  } catch (error) {
    throw new ProtocolError(`worker ${batch.worker} answered wrongly: ${String(error)}`, { cause: error });
  }
}
