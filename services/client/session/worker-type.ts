/** Worker types as clients see them: what the handle of a worker can do, and how its operations look as bytes. */
import type { Buffer } from 'node:buffer';
import { A_FUNCTION, AN_OBJECT, checkArgument, WORKER_TYPE } from '../check-options.ts';
import type { CallOptions } from '../options.ts';
import type { Outcome } from './outcome.ts';
import type { ResultsFormat } from './results-format.ts';

/**
 * A worker type: its name, the methods of its handles, and how results are read.
 *
 * @typeParam Methods what `session.worker(id, type)` gives, with `id` and `type` added
 * @typeParam Results what the results of a batch are decoded into: the bytes, without `decodeResults`
 */
export interface WorkerType<Methods extends object, Results = Uint8Array> extends ResultsFormat<Results> {
  /** Makes the methods of one handle. Called once for each worker that a session uses. */
  methods(calls: Calls<Results>): Methods;
}

/** One operation of a worker type. */
export interface Operation<Argument, Value, Results = Uint8Array> {
  /** How many bytes it has: the same for every argument, or told by the argument. At most `limits.MAX_OPERATION_BYTES`. */
  readonly size: number | ((argument: Argument) => number);
  /**
   * Writes the operation to `bytes` from `at` on, straight into the batch that is to be sent.
   *
   * @returns where it ends: `at + size`
   * @throws any error when the argument cannot be used: the call throws it, and nothing is sent
   */
  write(bytes: Buffer, at: number, argument: Argument): number;
  /** The value that the operation at this place of the batch gave. */
  read(results: Results, index: number): Value;
}

/** Many operations of equal size, whose arguments or values are kept in a form of their own, such as a typed array. */
export interface OperationList<Arguments extends { readonly length: number }, Values, Results = Uint8Array> {
  /** How many bytes each operation has. */
  readonly size: number;
  /** Writes all of them to `bytes` from `at` on. @returns where they end: `at + size * list.length` */
  write(bytes: Buffer, at: number, list: Arguments): number;
  /** What the values of `count` operations are put into. */
  create(count: number): Values;
  /** Puts the values of the `count` operations from place `index` of the batch on into `values`, from place `to` on. */
  read(results: Results, index: number, count: number, values: Values, to: number): void;
}

/** Makes the methods of a handle. Calls of one tick travel together, whatever their operations. */
export interface Calls<Results = Uint8Array> {
  /** A method that performs the operation once. */
  one<Argument, Value>(
    operation: Operation<Argument, Value, Results>,
  ): (argument: Argument, options?: CallOptions) => Outcome<Value>;
  /** A method that performs it for each argument, in order, with one promise for all: none is sent unless all can be written. */
  many<Argument, Value>(
    operation: Operation<Argument, Value, Results>,
  ): (list: readonly Argument[], options?: CallOptions) => Outcome<Value[]>;
  /** The same for arguments and values in a form of their own. */
  list<Arguments extends { readonly length: number }, Values>(
    operations: OperationList<Arguments, Values, Results>,
  ): (list: Arguments, options?: CallOptions) => Outcome<Values>;
}

/** What every handle has besides its methods. */
export interface TypedHandle {
  /** The worker's id. */
  readonly id: number;
  /** The name of the worker's type. */
  readonly type: string;
}

/**
 * Describe a worker type once, and have its methods on every handle.
 *
 * @throws TypeError that names what is missing or wrong
 * @example
 * const ANSWER: Operation<string, boolean> = {
 *   size: (member) => 1 + Buffer.byteLength(member),
 *   write(bytes, at, member) {
 *     const end = at + 1 + bytes.write(member, at + 1);
 *     return bytes.writeUInt8(end - at - 1, at) && end;
 *   },
 *   read: (results, index) => results[index] === 1,
 * };
 * const setType = defineWorkerType({
 *   name: 'set',
 *   methods: (calls) => ({ add: calls.one(ANSWER), addAll: calls.many(ANSWER) }),
 * });
 * const isNew = await session.worker(2, setType).add('order-17');
 */
export function defineWorkerType<Methods extends object, Results = Uint8Array>(
  type: WorkerType<Methods, Results>,
): WorkerType<Methods, Results> {
  checkWorkerType(type);
  return type;
}

/** @throws TypeError that names what is missing or wrong; types from elsewhere come past `defineWorkerType` */
export function checkWorkerType(type: WorkerType<object, unknown>): void {
  checkArgument('the worker type', type, AN_OBJECT);
  checkArgument("the worker type's name", type.name, WORKER_TYPE);
  const { name, failures } = type;
  checkFunction(name, type, 'methods');
  if (type.decodeResults !== undefined) checkFunction(name, type, 'decodeResults');
  if (failures === undefined) return;
  checkArgument(`'failures' of worker type '${name}'`, failures, AN_OBJECT);
  checkFunction(name, failures, 'find');
  checkFunction(name, failures, 'error');
}

function checkFunction<Owner extends object>(type: string, owner: Owner, key: keyof Owner & string): void {
  checkArgument(`'${key}' of worker type '${type}'`, owner[key], A_FUNCTION);
}
