/** The store's state: keys with values, deadlines and revisions. */
import { randomBytes } from 'node:crypto';
import { type IncrementalState, MalformedOperations, type WorkerType } from '@dpr/runtime';
import { BatchReader } from './batch.ts';
import { addDecimal, DECIMAL_BYTES, parseDecimal, writeDecimal } from './decimal.ts';
import { createEngine, type Keyspace, type KeyspaceOptions, MAX_PREFETCHED, TYPES } from './engine/index.ts';
import { KINDS, OPTIONS, STATUS, STORE_TYPE } from './operations.ts';
import { ResultWriter } from './result-writer.ts';

/** Of the memory that the process may use, what records and their index may take: beyond it, writes are refused as `full`. */
const SHARE = 1 / 2;

export const store: WorkerType = {
  name: STORE_TYPE,
  create: ({ memoryBytes }) => createStore({ seed: drawSeed(), maxBytes: Math.floor(SHARE * memoryBytes) }),
};

/** Operations on the keys of a store, one batch after another. */
class Executor {
  readonly #keyspace: () => Keyspace;
  readonly #reader = new BatchReader();
  readonly #results = new ResultWriter();
  readonly #hashes = new Uint32Array(MAX_PREFETCHED);
  readonly #digits = new DataView(new ArrayBuffer(DECIMAL_BYTES));
  /** What is to be written; one object for all, since a batch may write thousands of times. */
  readonly #content = { type: TYPES.string, value: this.#digits as DataView, from: 0, length: 0, deadline: 0 };

  constructor(keyspace: () => Keyspace) {
    this.#keyspace = keyspace;
  }

  apply(operations: Uint8Array, count: number, now: number): Uint8Array {
    this.#check(operations, count);
    const keyspace = this.#keyspace();
    keyspace.advance(now);
    this.#reader.begin(operations);
    this.#results.begin(count);
    for (let from = 0; from < count; from += MAX_PREFETCHED)
      this.#some(keyspace, Math.min(MAX_PREFETCHED, count - from));
    return this.#results.finish();
  }

  #some(keyspace: Keyspace, count: number): void {
    const reader = this.#reader;
    const begin = reader.position;
    for (let index = 0; index < count; index++) {
      reader.read();
      this.#hashes[index] = keyspace.hashOf(reader.memory, reader.key, reader.keyLength);
    }
    keyspace.prefetch(this.#hashes, count);
    reader.position = begin;
    for (let index = 0; index < count; index++) {
      reader.read();
      keyspace.seek(reader.memory, reader.key, reader.keyLength, this.#hashes[index]);
      this.#perform(keyspace);
    }
  }

  /** @throws MalformedOperations before the first operation changes anything */
  #check(operations: Uint8Array, count: number): void {
    this.#reader.begin(operations);
    for (let index = 0; index < count; index++) {
      if (!this.#reader.read()) throw new MalformedOperations(`operation ${index} of ${count} is none of a store`);
    }
    if (!this.#reader.isAtEnd) throw new MalformedOperations(`there is more than ${count} operations of a store`);
  }

  #perform(keyspace: Keyspace): void {
    if (this.#reader.kind === KINDS.get) this.#get(keyspace);
    else if (this.#reader.kind === KINDS.set) this.#set(keyspace);
    else if (this.#reader.kind === KINDS.delete) this.#delete(keyspace);
    else this.#increment(keyspace);
  }

  #get(keyspace: Keyspace): void {
    if (!keyspace.exists) {
      this.#results.status(KINDS.get, STATUS.absent);
      return;
    }
    const { revision, deadline, value, valueFrom, valueLength } = keyspace;
    this.#results.found(revision, deadline, value, valueFrom, valueLength);
  }

  #set(keyspace: Keyspace): void {
    const { memory, value, valueLength, timeToLiveMs } = this.#reader;
    if (!this.#isMet(keyspace)) {
      this.#results.status(KINDS.set, STATUS.unmet);
      return;
    }
    const deadline = timeToLiveMs === 0 ? 0 : keyspace.progress.clock + timeToLiveMs;
    if (this.#write(keyspace, memory, value, valueLength, deadline)) this.#results.revision(keyspace.revision);
    else this.#results.status(KINDS.set, STATUS.full);
  }

  #delete(keyspace: Keyspace): void {
    let status: number = STATUS.done;
    if (!keyspace.exists) status = STATUS.absent;
    else if (this.#isMet(keyspace)) keyspace.remove();
    else status = STATUS.unmet;
    this.#results.status(KINDS.delete, status);
  }

  #increment(keyspace: Keyspace): void {
    const before = keyspace.exists ? parseDecimal(keyspace.value, keyspace.valueFrom, keyspace.valueLength) : 0;
    if (before === undefined) {
      this.#results.status(KINDS.increment, STATUS.notNumber);
      return;
    }
    const sum = addDecimal(before, this.#reader.memory.getBigInt64(this.#reader.amount, true));
    if (sum === undefined) {
      this.#results.status(KINDS.increment, STATUS.overflow);
      return;
    }
    const length = writeDecimal(this.#digits, sum);
    const deadline = keyspace.exists ? keyspace.deadline : 0;
    if (this.#write(keyspace, this.#digits, 0, length, deadline)) this.#results.sum(BigInt(sum));
    else this.#results.status(KINDS.increment, STATUS.full);
  }

  #isMet(keyspace: Keyspace): boolean {
    const { options, revision } = this.#reader;
    if ((options & OPTIONS.ifAbsent) !== 0 && keyspace.exists) return false;
    if ((options & OPTIONS.ifPresent) !== 0 && !keyspace.exists) return false;
    return (options & OPTIONS.ifRevision) === 0 || (keyspace.exists && keyspace.revision === revision);
  }

  #write(keyspace: Keyspace, value: DataView, from: number, length: number, deadline: number): boolean {
    this.#content.value = value;
    this.#content.from = from;
    this.#content.length = length;
    this.#content.deadline = deadline;
    return keyspace.write(this.#content);
  }
}

export function createStore(options: KeyspaceOptions): IncrementalState {
  const engine = createEngine(options);
  const executor = new Executor(() => engine.keyspace);
  return Object.assign(engine, { apply: executor.apply.bind(executor) });
}

function drawSeed(): [number, number] {
  const bytes = randomBytes(8);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
