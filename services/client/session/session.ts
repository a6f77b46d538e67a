/** A session, as applications see it. */
import { isUint8Array } from 'node:util/types';
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import { resultsOf, type Which } from './batch-answer.ts';
import { reserve, type Part } from './batch.ts';
import { A_FUNCTION, AN_OBJECT, checkArgument, WORKER_ID, WORKER_TYPE, type Rule } from '../check-options.ts';
import { callsOf, refused } from './calls.ts';
import { counterType, type Counter } from './counter.ts';
import type { Engine } from './engine.ts';
import { ClosedError, type RollbackError } from '../errors.ts';
import { signalOf, type CallOptions } from '../options.ts';
import { CallOutcome, type Outcome } from './outcome.ts';
import type { RollbackReport } from './rollback-report.ts';
import { type Store, storeType } from './store.ts';
import { tracedCommit } from '../tracing.ts';
import { checkWorkerType, type TypedHandle, type WorkerType } from './worker-type.ts';

/** A worker of any type, for which the application codes operations and results itself. */
export interface WorkerHandle {
  readonly id: number;
  readonly type: string;

  /**
   * Send operations, as a batch of their own. Gives the results in the worker type's own format; they are valid as long as
   * they are held. Operations that the worker does not understand end the session, with MalformedOperationsError for this call and
   * all later ones.
   *
   * @param count how many operations these bytes are
   * @example
   * const results = await session.worker(2, 'kv').call(encodePut('key', 'value'), 1);
   */
  call(operations: Uint8Array, count: number, options?: CallOptions): Outcome<Uint8Array>;
}

/** An ordered stream of operations over any workers. After a failure, what survives of it is a prefix of what it did. */
export interface Session {
  /** 128 random bits, as 32 hex digits. */
  readonly id: string;
  readonly mode: 'strict' | 'relaxed';
  /** The consistent history that the session is in: a number that grows with each failure that lost something. */
  readonly worldLine: number;
  /** Operations that were called and are not committed, and their bytes. */
  readonly uncommitted: { readonly operations: number; readonly bytes: number };
  /** The rollback that the session has to be resumed after, if any. */
  readonly broken: RollbackError | undefined;

  /**
   * The counter with this worker id. Calls reject with UnknownWorkerError if there is none, and with WrongTypeError if the
   * worker is no counter.
   *
   * @example
   * const visits = session.counter(0);
   * await visits.add(1);
   */
  counter(id: number): Counter;

  /**
   * The store with this worker id: keys with values. Calls reject with UnknownWorkerError if there is none, and with WrongTypeError if
   * the worker is no store.
   *
   * @example
   * await session.store(2).set('cart-17', 'two apples');
   */
  store(id: number): Store;

  /**
   * A worker of a type that the application knows, with that type's methods. Calls reject with WrongTypeError if the worker is of
   * another type.
   *
   * @throws TypeError at once when `type` is no worker type; see `defineWorkerType`
   * @example
   * const isNew = await session.worker(2, setType).add('order-17');
   */
  worker<Methods extends object, Results>(id: number, type: WorkerType<Methods, Results>): Methods & TypedHandle;

  /**
   * A worker of any type, for which the application codes operations itself.
   *
   * @param type the name that the worker type has in the stack's config
   * @example
   * const queue = session.worker(3, 'queue');
   * const results = await queue.call(operations, 1);
   */
  worker(id: number, type: string): WorkerHandle;

  /**
   * Wait until everything called so far is committed, and hurry it. Rejects
   *
   * - with RollbackError, if a failure took something that is not issued again, and with the error that ended the session;
   * - with the first error of a call that failed by itself or was refused (no such worker, a removed one, no room, a sum that does
   *   not fit), if the application does not look at that call: neither its result was awaited, with `await`, `then`, `catch` or `finally`, nor its
   *   `committed` read. Where the result was fine and only its repetition after a failure was not, who reads `committed` looks.
   *
   * What was told once, by the call or by a commit, the next commit does not tell again. A call that its own signal gave up is
   * no failure.
   *
   * @example
   * session.counter(0).add(300);
   * session.counter(1).add(300);
   * await session.commit(); // both are committed now, or this rejects and says which of them survived
   */
  commit(options?: CallOptions): Promise<void>;

  /**
   * Wait until nothing waits for room any more. A producer that does not await its results awaits this now and then.
   *
   * @example
   * for (const amount of amounts) {
   *   session.counter(0).add(amount);
   *   await session.ready();
   * }
   */
  ready(options?: CallOptions): Promise<void>;

  /**
   * Go on after a RollbackError, from the last survivor.
   *
   * @example
   * try {
   *   await session.commit();
   * } catch (error) {
   *   if (!(error instanceof RollbackError)) throw error;
   *   session.resume();
   *   redo(error.lost);
   * }
   */
  resume(): void;

  /**
   * Be told of each failure that took something of this session, whether it is issued again or not.
   *
   * @returns a function that ends it
   * @example
   * session.onRollback(({ lostCount, replaying }) => console.log(`${lostCount} lost`, { replaying }));
   */
  onRollback(listener: (report: RollbackReport) => void): () => void;

  /**
   * End the session. What is not committed yet may be or not; calls that wait for it reject with ClosedError.
   *
   * @example
   * await session.commit();
   * session.close();
   */
  close(): void;
}

export function sessionOf(engine: Engine): Session {
  return new ClientSession(engine);
}

/** A class for the same reason as `Engine`. */
class ClientSession implements Session {
  readonly #engine: Engine;
  readonly #counters = new Map<number, Counter>();
  /** The handles of each other type, by the worker's id. */
  #handles: Map<WorkerType<object, unknown>, Map<number, object>> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get id(): string {
    return this.#engine.id;
  }
  get mode(): 'strict' | 'relaxed' {
    return this.#engine.mode;
  }
  get worldLine(): number {
    return this.#engine.worldLine();
  }
  get uncommitted(): Session['uncommitted'] {
    return this.#engine.uncommitted();
  }
  get broken(): RollbackError | undefined {
    return this.#engine.broken();
  }

  counter(id: number): Counter {
    return this.#counters.get(id) ?? typedHandle(this.#engine, counterType, id, this.#counters);
  }

  store(id: number): Store {
    return this.worker(id, storeType);
  }

  worker<Methods extends object, Results>(id: number, type: WorkerType<Methods, Results>): Methods & TypedHandle;
  worker(id: number, type: string): WorkerHandle;
  worker(id: number, type: WorkerType<object, unknown> | string): object {
    if (type === counterType) return this.counter(id);
    if (typeof type === 'object') return typedHandle(this.#engine, type, id, this.#handlesOf(type));
    checkArgument("a worker's id", id, WORKER_ID);
    checkArgument("a worker's type", type, WORKER_TYPE);
    return workerHandle(this.#engine, id, type);
  }

  commit(options?: CallOptions): Promise<void> {
    return tracedCommit(this.#engine, options);
  }

  ready(options?: CallOptions): Promise<void> {
    return this.#engine.ready(options);
  }

  resume(): void {
    this.#engine.resume();
  }

  onRollback(listener: (report: RollbackReport) => void): () => void {
    checkArgument('the listener', listener, A_FUNCTION);
    return this.#engine.addListener(listener);
  }

  close(): void {
    this.#engine.end(new ClosedError('the session was closed'));
  }

  #handlesOf(type: WorkerType<object, unknown>): Map<number, object> {
    this.#handles ??= new Map();
    let known = this.#handles.get(type);
    if (known === undefined) {
      checkWorkerType(type);
      known = new Map();
      this.#handles.set(type, known);
    }
    return known;
  }
}

/** @param known those of the type that the session has, by the worker's id */
function typedHandle<Methods extends object, Results>(
  engine: Engine,
  type: WorkerType<Methods, Results>,
  id: number,
  known: Map<number, object>,
): Methods & TypedHandle {
  let handle = known.get(id);
  if (handle === undefined) {
    checkArgument("a worker's id", id, WORKER_ID);
    handle = handleOf(engine, type, id);
    known.set(id, handle);
  }
  return handle as Methods & TypedHandle;
}

const OPERATIONS: Rule = {
  expected: 'a Uint8Array with operations as the worker type codes them',
  accepts: isUint8Array,
  fault: TypeError,
};

const OPERATION_COUNT: Rule = {
  expected: `a whole number from 1 to ${MAX_BATCH_OPERATIONS}`,
  accepts: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_BATCH_OPERATIONS,
  fault: RangeError,
};

function handleOf<Results>(engine: Engine, type: WorkerType<object, Results>, id: number): TypedHandle {
  const methods = type.methods(callsOf(engine, type, id));
  checkArgument(`what 'methods' of worker type '${type.name}' gave`, methods, AN_OBJECT);
  return { ...methods, id, type: type.name };
}

function workerHandle(engine: Engine, id: number, type: string): WorkerHandle {
  return {
    id,
    type,
    call(operations, count, options) {
      const signal = signalOf(options);
      checkArgument('what is to be sent', operations, OPERATIONS);
      checkArgument('the count of operations', count, OPERATION_COUNT);
      const size = operations.length;
      if (size > MAX_BATCH_BYTES) throw new RangeError(`${size} bytes of operations exceed ${MAX_BATCH_BYTES}`);
      const refusal = engine.refusal(count, size, signal);
      if (refusal !== undefined) return refused(engine, refusal, id, count, readWhole);
      const cargo = engine.collector.alone(id, type, size);
      const at = reserve(cargo, size);
      cargo.bytes.set(operations, at);
      const operation = engine.collector.number(count);
      const part = engine.append(cargo, operation, count, size);
      return new CallOutcome(operation, readWhole, [part], signal);
    },
  };
}

function readWhole([part]: readonly Part[], which: Which): Uint8Array {
  if (part === undefined) throw new Error('a call has at least one part');
  return resultsOf(part, which) as Uint8Array;
}
