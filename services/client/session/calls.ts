/** How the calls of a typed handle are written into batches, and their values read from results. */
import { Buffer } from 'node:buffer';
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import { resultsOf, throwFailure } from './batch-answer.ts';
import { appended, createCargo, fail, reserve, type Cargo, type Part } from './batch.ts';
import { AN_ARRAY, checkArgument, wholeNumber } from '../check-options.ts';
import type { Engine } from './engine.ts';
import { MAX_OPERATION_BYTES } from '../limits.ts';
import { signalOf, type CallOptions } from '../options.ts';
import { CallOutcome, type Outcome, type ReadValue } from './outcome.ts';
import type { Calls, Operation, OperationList, WorkerType } from './worker-type.ts';

const SIZE = wholeNumber(MAX_OPERATION_BYTES);

/** The bytes of each operation of a list: the same for all, or one size for each. */
type Sizes = number | readonly number[];

/** What a call of several operations writes and reads. */
interface Coded<Value> {
  readonly count: number;
  readonly sizes: Sizes;
  readonly write: (bytes: Buffer) => number;
  readonly read: ReadValue<Value>;
}

export function callsOf<Results>(engine: Engine, type: WorkerType<object, Results>, id: number): Calls<Results> {
  return {
    one: (operation) => oneCall(engine, type, id, operation),
    many(operation) {
      const read = readerOfMany(operation);
      return (list, options) => {
        const signal = signalOf(options);
        checkArgument('what is to be done', list, AN_ARRAY);
        const sizes = list.map((argument) => sizeOf(operation, argument, type.name));
        const write = (bytes: Buffer) => writeMany(operation, bytes, list, sizes, type.name);
        return callMany(engine, type, id, { count: list.length, sizes, write, read }, signal);
      };
    },
    list(operations) {
      const read = readerOfList(operations);
      checkSize(operations.size, type.name);
      return (list, options) => {
        const write = (bytes: Buffer) => operations.write(bytes, 0, list);
        const coded = { count: list.length, sizes: operations.size, write, read };
        return callMany(engine, type, id, coded, signalOf(options));
      };
    },
  };
}

/** The hot path: one operation, written where it is sent from. */
function oneCall<Argument, Value, Results>(
  engine: Engine,
  type: WorkerType<object, Results>,
  id: number,
  operation: Operation<Argument, Value, Results>,
): (argument: Argument, options?: CallOptions) => Outcome<Value> {
  const { collector } = engine;
  const read: ReadValue<Value> = (parts, which) => {
    throwFailure(parts, which);
    const [part] = parts;
    if (part === undefined) throw new Error('a call has at least one part');
    return operation.read(resultsOf(part, which) as Results, part.index);
  };
  return (argument, options) => {
    const signal = signalOf(options);
    const size = sizeOf(operation, argument, type.name);
    const refusal = engine.refusal(1, size, signal);
    if (refusal !== undefined) return refused(engine, refusal, id, 1, read);
    const cargo = collector.open(id, type, size);
    const at = reserve(cargo, size);
    // Not `at`: another call that `write` makes must not have moved the end of the batch.
    const end = operation.write(cargo.bytes, at, argument);
    if (end !== cargo.batch.length + size) throw wrongEnd(type.name, end - at, size);
    const number = collector.number(1);
    const part = engine.append(cargo, number, 1, size);
    return new CallOutcome(number, read, [part], signal);
  };
}

/** Several operations, in as many batches as they take. All are written before the first one is on its way. */
function callMany<Value, Results>(
  engine: Engine,
  type: WorkerType<object, Results>,
  id: number,
  { count, sizes, write, read }: Coded<Value>,
  signal: AbortSignal | undefined,
): Outcome<Value> {
  if (count === 0) throw new RangeError(`there is nothing to do: pass at least one operation for worker ${id}`);
  const total = typeof sizes === 'number' ? sizes * count : sizes.reduce((sum, size) => sum + size, 0);
  const refusal = engine.refusal(count, total, signal);
  if (refusal !== undefined) return refused(engine, refusal, id, count, read);
  const bytes = Buffer.allocUnsafe(total);
  const end = write(bytes);
  if (end !== total) throw wrongEnd(type.name, end, total);
  const number = engine.collector.number(count);
  const parts: Part[] = [];
  for (let done = 0, from = 0; done < count;) {
    const cargo = engine.collector.open(id, type, sizeAt(sizes, done), Math.min(total - from, MAX_BATCH_BYTES));
    const fitting = fitIn(cargo, sizes, done, count);
    const to = reserve(cargo, fitting.bytes);
    bytes.copy(cargo.bytes, to, from, from + fitting.bytes);
    parts.push(engine.append(cargo, number + done, fitting.operations, fitting.bytes));
    done += fitting.operations;
    from += fitting.bytes;
  }
  return new CallOutcome(number, read, parts, signal);
}

/** What a call gives that is not made at all. */
export function refused<Value>(
  engine: Engine,
  error: Error,
  worker: number,
  count: number,
  read: ReadValue<Value>,
): Outcome<Value> {
  const cargo = createCargo(worker, '', undefined, 0);
  const part = appended(cargo, 0, count, 0);
  fail(cargo.batch, error);
  engine.refused(cargo, error);
  return new CallOutcome(0, read, [part]);
}

function sizeOf<Argument>({ size }: SizedBy<Argument>, argument: Argument, type: string): number {
  const bytes = typeof size === 'number' ? size : size(argument);
  checkSize(bytes, type);
  return bytes;
}

interface SizedBy<Argument> {
  readonly size: number | ((argument: Argument) => number);
}

function checkSize(bytes: number, type: string): void {
  if (!SIZE.accepts(bytes)) checkArgument(`the size in bytes of an operation of worker type '${type}'`, bytes, SIZE);
}

function wrongEnd(type: string, written: number, size: number): RangeError {
  const text = `'write' of worker type '${type}' returned an end that makes ${written} bytes, and 'size' said ${size}`;
  return new RangeError(`${text}: return where the operation ends, and make no other call meanwhile`);
}

function writeMany<Argument, Results>(
  operation: Operation<Argument, unknown, Results>,
  bytes: Buffer,
  list: readonly Argument[],
  sizes: readonly number[],
  type: string,
): number {
  let at = 0;
  for (const [index, argument] of list.entries()) {
    const size = sizeAt(sizes, index);
    const end = operation.write(bytes, at, argument);
    if (end !== at + size) throw wrongEnd(type, end - at, size);
    at = end;
  }
  return at;
}

function readerOfMany<Argument, Value, Results>(operation: Operation<Argument, Value, Results>): ReadValue<Value[]> {
  return (parts, which) => {
    throwFailure(parts, which);
    const values: Value[] = [];
    for (const part of parts) {
      const results = resultsOf(part, which) as Results;
      for (let place = part.index; place < part.index + part.count; place++) {
        values.push(operation.read(results, place));
      }
    }
    return values;
  };
}

function readerOfList<Values, Results>(
  operations: Pick<OperationList<{ length: number }, Values, Results>, 'create' | 'read'>,
): ReadValue<Values> {
  return (parts, which) => {
    throwFailure(parts, which);
    const values = operations.create(parts.reduce((sum, { count }) => sum + count, 0));
    let to = 0;
    for (const part of parts) {
      operations.read(resultsOf(part, which) as Results, part.index, part.count, values, to);
      to += part.count;
    }
    return values;
  };
}

function sizeAt(sizes: Sizes, index: number): number {
  return typeof sizes === 'number' ? sizes : (sizes[index] ?? 0);
}

/** How many operations, from the one with this index on, the batch has room for, and their bytes. */
function fitIn({ batch }: Cargo, sizes: Sizes, index: number, end: number): { operations: number; bytes: number } {
  const most = Math.min(end - index, MAX_BATCH_OPERATIONS - batch.count);
  const room = MAX_BATCH_BYTES - batch.length;
  if (typeof sizes === 'number') {
    const operations = sizes === 0 ? most : Math.min(most, Math.floor(room / sizes));
    return { operations, bytes: operations * sizes };
  }
  let [operations, bytes] = [0, 0];
  while (operations < most && bytes + sizeAt(sizes, index + operations) <= room) {
    bytes += sizeAt(sizes, index + operations);
    operations++;
  }
  return { operations, bytes };
}
