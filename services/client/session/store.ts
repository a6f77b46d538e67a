/** A store as a session has it. */
import {
  type Data,
  decodeResults,
  type DeleteOperation,
  type Found,
  type IncrementOperation,
  readDone,
  readFound,
  readKeys,
  readRevision,
  readStatus,
  readSum,
  type Results,
  type ScanOperation,
  type SetOperation,
  sizeOfDelete,
  sizeOfGet,
  sizeOfIncrement,
  sizeOfScan,
  sizeOfSet,
  STATUS,
  STORE_TYPE,
  writeDelete,
  writeGet,
  writeIncrement,
  writeScan,
  writeSet,
} from '@dpr/store/operations';
import { StoreError, type StoreFailure } from '../errors.ts';
import type { CallOptions } from '../options.ts';
import { hashes, type Hash } from './hash.ts';
import type { Outcome } from './outcome.ts';
import { scanned, type ScanOptions } from './scan.ts';
import { defineWorkerType, type Operation, type TypedHandle, type WorkerType } from './worker-type.ts';

export type { Data, Found, SetOperation } from '@dpr/store/operations';

/** When a key is written, and for how long. */
export type SetOptions = Omit<SetOperation, 'key' | 'value'> & CallOptions;
/** When a key is removed. */
export type DeleteOptions = Pick<DeleteOperation, 'ifRevision'> & CallOptions;

/**
 * A store of one session: keys with values, both bytes; text stands for its UTF-8 bytes. All calls of one tick travel together. What of
 * `...All` fails does not keep the others of the same call from being done.
 */
export interface Store extends TypedHandle {
  /**
   * What the key holds; undefined: it is not there, or its time is over.
   *
   * @example
   * const cart = await session.store(2).get('cart-17');
   * console.log(cart === undefined ? 'none' : Buffer.from(cart.value).toString());
   */
  get(key: Data, options?: CallOptions): Outcome<Found | undefined>;
  getAll(keys: readonly Data[], options?: CallOptions): Outcome<(Found | undefined)[]>;

  /**
   * Write a key. Gives the revision that it then has; undefined: a condition of the options was not met, and nothing changed.
   *
   * @throws RangeError at once when key, value or options are not within their limits
   * @example
   * await session.store(2).set('lock', 'mine', { ifAbsent: true, timeToLiveMs: 30_000 });
   */
  set(key: Data, value: Data, options?: SetOptions): Outcome<number | undefined>;
  setAll(list: readonly SetOperation[], options?: CallOptions): Outcome<(number | undefined)[]>;

  /** Remove a key. Gives whether that was done: not if it was not there, or had another revision. */
  delete(key: Data, options?: DeleteOptions): Outcome<boolean>;
  deleteAll(keys: readonly Data[], options?: CallOptions): Outcome<boolean[]>;

  /**
   * Add to a value that is a whole number in decimal, 0 if there is none. Gives the value after it; rejects with StoreError, and changes
   * nothing, when the value is no such number or the sum does not fit into 64 bits. The time that the key has stays as it is.
   */
  increment(key: Data, amount?: number | bigint, options?: CallOptions): Outcome<bigint>;

  /** The hash that a key holds, or that it will hold once a field of it is written. Nothing is sent for it. */
  hash(key: Data): Hash;

  /**
   * Keys, page by page, as long as the loop asks for more. A key that is there all the time is met; a rollback or a new start of the worker
   * meanwhile ends that promise.
   *
   * @example
   * for await (const key of session.store(2).scan({ pattern: 'cart-*' })) console.log(Buffer.from(key).toString());
   */
  scan(options?: ScanOptions): AsyncIterable<Uint8Array>;
}

const GET: Operation<Data, Found | undefined, Results> = { size: sizeOfGet, write: writeGet, read: readFound };
const SET: Operation<SetOperation, number | undefined, Results> = {
  size: sizeOfSet,
  write: writeSet,
  read: readRevision,
};
const DELETE: Operation<DeleteOperation, boolean, Results> = {
  size: sizeOfDelete,
  write: writeDelete,
  read: readDone,
};
const INCREMENT: Operation<IncrementOperation, bigint, Results> = {
  size: sizeOfIncrement,
  write: writeIncrement,
  read: readSum,
};
const SCAN: Operation<ScanOperation, ReturnType<typeof readKeys>, Results> = {
  size: sizeOfScan,
  write: writeScan,
  read: readKeys,
};

const FAILURES: ReadonlyMap<number, StoreFailure> = new Map([
  [STATUS.notNumber, 'notNumber'],
  [STATUS.overflow, 'overflow'],
  [STATUS.full, 'full'],
  [STATUS.tooLarge, 'tooLarge'],
  [STATUS.wrongType, 'wrongType'],
]);

/** The type that `session.store(id)` gives handles of. */
export const storeType: WorkerType<Omit<Store, keyof TypedHandle>, Results> = defineWorkerType({
  name: STORE_TYPE,
  decodeResults,
  failures: {
    find(results: Results, count: number) {
      const places: number[] = [];
      for (let index = 0; index < count; index++) if (FAILURES.has(readStatus(results, index))) places.push(index);
      return places;
    },
    error({ indexes, operations, read }) {
      const [first = 0] = indexes;
      const status = read(readStatus)[first] ?? STATUS.full;
      return new StoreError(FAILURES.get(status) ?? 'full', indexes, operations);
    },
  },
  methods(calls) {
    const set = calls.one(SET);
    const remove = calls.one(DELETE);
    const removeAll = calls.many(DELETE);
    const increment = calls.one(INCREMENT);
    const scan = calls.one(SCAN);
    return {
      get: calls.one(GET),
      getAll: calls.many(GET),
      set(key, value, { ifAbsent, ifPresent, ifRevision, timeToLiveMs, ...options } = {}) {
        return set({ key, value, ifAbsent, ifPresent, ifRevision, timeToLiveMs }, options);
      },
      setAll: calls.many(SET),
      delete: (key, { ifRevision, ...options } = {}) => remove({ key, ifRevision }, options),
      deleteAll: (keys, options) =>
        removeAll(
          keys.map((key) => ({ key })),
          options,
        ),
      increment: (key, amount = 1, options) => increment({ key, amount: BigInt(amount) }, options),
      hash: hashes(calls),
      scan: (options) => scanned(scan, options),
    };
  },
});
