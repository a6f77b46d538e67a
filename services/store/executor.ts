/** Operations on the keys of a store, one batch after another. */
import { MalformedOperations, MAX_BATCH_OPERATIONS } from '@dpr/runtime';
import { BatchReader } from './batch-reader.ts';
import { addDecimal, DECIMAL_BYTES, parseDecimal, writeDecimal } from './decimal.ts';
import { countAt, marksAt } from './collections/head.ts';
import { Teardown, tornPages } from './collections/teardown.ts';
import { type Keyspace, MAX_PREFETCHED, TYPES } from './engine/index.ts';
import { Evictor } from './eviction/evictor.ts';
import { isUse } from './eviction/uses.ts';
import { Hashes } from './hashes/hashes.ts';
import { Lists } from './lists/lists.ts';
import {
  GET_GUARD,
  isHashKind,
  isSetKind,
  isSortedSetKind,
  KINDS,
  OPTIONS,
  SIZE_OF_DEADLINES,
  STATUS,
} from './operations.ts';
import { ResultWriter } from './result-writer.ts';
import { Rewriter } from './rewriter.ts';
import { Sets } from './sets/sets.ts';
import { SortedSets } from './sorted-sets/sorted-sets.ts';
import { Walker } from './walker.ts';

export class Executor {
  readonly #keyspace: () => Keyspace;
  readonly #reader = new BatchReader();
  readonly #results = new ResultWriter();
  readonly #rewriter = new Rewriter(this.#reader, this.#results);
  readonly #walker = new Walker(this.#reader, this.#results);
  readonly #hashes: Hashes;
  readonly #lists: Lists;
  readonly #sets: Sets;
  readonly #sortedSets: SortedSets;
  readonly #teardown = new Teardown();
  readonly #evictor = new Evictor(this.#teardown);
  /** Of the keys of a batch. */
  readonly #keyHashes = new Uint32Array(MAX_BATCH_OPERATIONS);
  readonly #digits = new DataView(new ArrayBuffer(DECIMAL_BYTES));
  /** What is to be written; one object for all, since a batch may write thousands of times. */
  readonly #content = { type: TYPES.string, value: this.#digits as DataView, from: 0, length: 0, deadline: 0 };
  /** How many operations are not done, because of one before them. */
  #skipped = 0;
  #why: number = STATUS.skipped;

  /** @param nodeBytes of collections, if it is not the usual number */
  constructor(keyspace: () => Keyspace, nodeBytes?: number) {
    this.#keyspace = keyspace;
    this.#hashes = new Hashes(this.#reader, this.#results, nodeBytes);
    this.#lists = new Lists(this.#reader, this.#results, nodeBytes);
    this.#sets = new Sets(this.#reader, this.#results, nodeBytes);
    this.#sortedSets = new SortedSets(this.#reader, this.#results, nodeBytes);
  }

  /** Keys that were evicted since the process started. */
  get evictedKeys(): number {
    return this.#evictor.evictedKeys;
  }

  apply(operations: Uint8Array, count: number, now: number): Uint8Array {
    const keyspace = this.#keyspace();
    this.#check(keyspace, operations, count);
    keyspace.advance(now);
    this.#reader.begin(operations);
    this.#results.begin(count);
    this.#skipped = 0;
    const evicts = keyspace.maxLiveBytes < Infinity;
    for (let index = 0; index < count; index++) {
      if (index % MAX_PREFETCHED === 0) keyspace.prefetch(this.#keyHashes, index, count);
      this.#reader.read();
      if (this.#skipped > 0) {
        this.#skipped--;
        this.#results.status(this.#reader.kind, this.#why);
        continue;
      }
      if (evicts) keyspace.notesUse = isUse(this.#reader);
      keyspace.seek(this.#reader.memory, this.#reader.key, this.#reader.keyLength, this.#keyHashes[index]);
      this.#perform(keyspace);
    }
    keyspace.notesUse = false;
    this.#teardown.work(keyspace, tornPages(operations.length));
    if (evicts) this.#evictor.work(keyspace, operations.length);
    return this.#results.finish();
  }

  /** Look at all operations, and hash their keys. @throws MalformedOperations before the first of them changes anything */
  #check(keyspace: Keyspace, operations: Uint8Array, count: number): void {
    this.#reader.begin(operations);
    for (let index = 0; index < count; index++) {
      if (!this.#reader.read()) throw new MalformedOperations(`operation ${index} of ${count} is none of a store`);
      this.#keyHashes[index] = keyspace.hashOf(this.#reader.memory, this.#reader.key, this.#reader.keyLength);
    }
    if (!this.#reader.isAtEnd) throw new MalformedOperations(`there is more than ${count} operations of a store`);
  }

  #perform(keyspace: Keyspace): void {
    switch (this.#reader.kind) {
      case KINDS.get:
        return this.#inOrder(this.#get(keyspace));
      case KINDS.set:
        return this.#set(keyspace);
      case KINDS.delete:
        return this.#delete(keyspace);
      case KINDS.increment:
        return this.#increment(keyspace);
      case KINDS.head:
        return this.#head(keyspace);
      case KINDS.range:
        return this.#inOrder(this.#rewriter.range(keyspace));
      case KINDS.patch:
        return this.#rewriter.patch(keyspace);
      case KINDS.expire:
        return this.#rewriter.expire(keyspace);
      case KINDS.copy:
        return this.#rewriter.copy(keyspace);
      case KINDS.incrementFloat:
        return this.#inOrder(this.#rewriter.incrementFloat(keyspace));
      case KINDS.scan:
        return this.#inOrder(this.#walker.scan(keyspace));
      case KINDS.flush:
        return this.#walker.flush(keyspace);
      case KINDS.expect:
        return this.#expect(keyspace);
      case KINDS.size:
        return this.#size(keyspace);
      default:
        return this.#inOrder(this.#performOnCollection(keyspace));
    }
  }

  #performOnCollection(keyspace: Keyspace): boolean {
    const { kind } = this.#reader;
    if (isHashKind(kind)) return this.#hashes.perform(keyspace);
    if (isSortedSetKind(kind)) return this.#sortedSets.perform(keyspace);
    return isSetKind(kind) ? this.#sets.perform(keyspace) : this.#lists.perform(keyspace);
  }

  #inOrder(fits: boolean): void {
    if (!fits && (this.#reader.options & OPTIONS.inOrder) !== 0) this.#skip(Infinity, STATUS.notReached);
  }

  #skip(operations: number, why: number): void {
    this.#skipped = operations;
    this.#why = why;
  }

  #get(keyspace: Keyspace): boolean {
    if (!keyspace.exists) {
      this.#results.status(KINDS.get, STATUS.absent);
      return true;
    }
    if (keyspace.type !== TYPES.string) {
      if ((this.#reader.options & GET_GUARD) !== 0) this.#skip(1, STATUS.skipped);
      this.#results.status(KINDS.get, STATUS.wrongType);
      return true;
    }
    const { revision, deadline, value, valueFrom, valueLength } = keyspace;
    return this.#results.found(revision, deadline, value, valueFrom, valueLength);
  }

  #set(keyspace: Keyspace): void {
    const { memory, value, valueLength } = this.#reader;
    if (!this.#isMet(keyspace)) {
      this.#results.status(KINDS.set, STATUS.unmet);
      return;
    }
    if (this.#write(keyspace, memory, value, valueLength, this.#deadline(keyspace)))
      this.#results.revision(keyspace.revision);
    else this.#results.status(KINDS.set, STATUS.full);
  }

  /** When a key that is set will be gone. */
  #deadline(keyspace: Keyspace): number {
    const { options, time } = this.#reader;
    if ((options & OPTIONS.keepDeadline) !== 0) return keyspace.exists ? keyspace.deadline : 0;
    return (options & OPTIONS.timeToLive) === 0 ? time : keyspace.progress.clock + time;
  }

  #delete(keyspace: Keyspace): void {
    let status: number = STATUS.done;
    if (!keyspace.exists) status = STATUS.absent;
    else if (this.#isMet(keyspace)) keyspace.remove();
    else status = STATUS.unmet;
    this.#results.status(KINDS.delete, status);
  }

  #increment(keyspace: Keyspace): void {
    if (keyspace.exists && keyspace.type !== TYPES.string) {
      this.#results.status(KINDS.increment, STATUS.wrongType);
      return;
    }
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
    if (this.#write(keyspace, this.#digits, 0, length, deadline)) this.#results.integer(KINDS.increment, BigInt(sum));
    else this.#results.status(KINDS.increment, STATUS.full);
  }

  #head(keyspace: Keyspace): void {
    if (!keyspace.exists) {
      this.#results.status(KINDS.head, STATUS.absent);
      return;
    }
    const { revision, deadline, progress, valueLength, type, value, valueFrom, isPaged } = keyspace;
    const isString = type === TYPES.string;
    const length = isString ? valueLength : countAt(value, valueFrom, isPaged);
    const marks = isString ? 0 : marksAt(value, valueFrom, isPaged);
    this.#results.head(revision, deadline, progress.clock, length, type, marks);
  }

  #expect(keyspace: Keyspace): void {
    const { first: revision, second: operations } = this.#reader;
    const isMet = keyspace.exists ? keyspace.revision === revision : revision === 0;
    if (!isMet) this.#skip(operations, STATUS.skipped);
    this.#results.status(KINDS.expect, isMet ? STATUS.done : STATUS.unmet);
  }

  #size({ keys, deadlines }: Keyspace): void {
    const isOfDeadlines = (this.#reader.options & SIZE_OF_DEADLINES) !== 0;
    this.#results.integer(KINDS.size, BigInt(isOfDeadlines ? deadlines : keys));
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
