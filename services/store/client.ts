/** How applications talk to a store: `session.worker(2, storeType)` has these methods. */
import {
  type CallOptions,
  defineWorkerType,
  DprError,
  type Operation,
  type Outcome,
  type TypedHandle,
  type WorkerType,
} from '@dpr/client';
import {
  type Data,
  decodeResults,
  type DeleteOperation,
  type Found,
  type IncrementOperation,
  readDone,
  readFound,
  readRevision,
  readStatus,
  readSum,
  type Results,
  type SetOperation,
  sizeOfDelete,
  sizeOfGet,
  sizeOfIncrement,
  sizeOfSet,
  STATUS,
  STORE_TYPE,
  writeDelete,
  writeGet,
  writeIncrement,
  writeSet,
} from './operations.ts';

export type { Data, Found, SetOperation } from './operations.ts';

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
   * const cart = await session.worker(2, storeType).get('cart-17');
   * console.log(cart === undefined ? 'none' : Buffer.from(cart.value).toString());
   */
  get(key: Data, options?: CallOptions): Outcome<Found | undefined>;
  getAll(keys: readonly Data[], options?: CallOptions): Outcome<(Found | undefined)[]>;

  /**
   * Write a key. Gives the revision that it then has; undefined: a condition of the options was not met, and nothing changed.
   *
   * @throws RangeError at once when key, value or options are not within their limits
   * @example
   * await session.worker(2, storeType).set('lock', 'mine', { ifAbsent: true, timeToLiveMs: 30_000 });
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
}

/** Why an operation of a store was not done. */
export type StoreFailure = 'notNumber' | 'overflow' | 'full' | 'tooLarge';

/**
 * Operations of a store failed and changed nothing; the others of the same call executed. `notNumber`: what is to be incremented is no whole
 * number of 64 bits. `overflow`: the sum would be none. `full`: the worker has no memory for it. `tooLarge`: the values of one batch are
 * more than a reply holds, so ask for fewer at a time.
 */
export class StoreError extends DprError {
  override readonly name = 'StoreError';
  override readonly code = 'store';
  /** Why the first of them failed. */
  readonly reason: StoreFailure;
  /** Which operations of the call failed, counted from 0. */
  readonly indexes: readonly number[];
  /** The same by their numbers in the session, as in `Outcome.operation`. */
  readonly operations: readonly number[];

  constructor(reason: StoreFailure, indexes: readonly number[], operations: readonly number[]) {
    super(`${REASONS[reason]}; ${indexes.length} operations failed, the first at ${indexes[0] ?? 0} of its call`);
    this.reason = reason;
    this.indexes = indexes;
    this.operations = operations;
  }
}

const REASONS: Readonly<Record<StoreFailure, string>> = {
  notNumber: 'the value is not a whole number of 64 bits',
  overflow: 'the sum does not fit into 64 bits',
  full: 'the store has no memory left',
  tooLarge: 'the values are more than one reply holds: get fewer at a time',
};

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

const FAILURES: ReadonlyMap<number, StoreFailure> = new Map([
  [STATUS.notNumber, 'notNumber'],
  [STATUS.overflow, 'overflow'],
  [STATUS.full, 'full'],
  [STATUS.tooLarge, 'tooLarge'],
]);

/** The type for `session.worker(id, storeType)`. */
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
    };
  },
});
