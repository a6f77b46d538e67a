/** Operations that make a value of the one that is there, or of another key's. */
import type { BatchReader } from './batch-reader.ts';
import { PageCopies } from './collections/page-copies.ts';
import { type Keyspace, TYPES } from './engine/index.ts';
import { addFractions, MAX_FRACTION_TEXT_BYTES } from './fraction.ts';
import { EXPIRE_OPTIONS, KINDS, MAX_VALUE_BYTES, OPTIONS, STATUS, VALUE_LENGTH_BYTES } from './operations.ts';
import type { ResultWriter } from './result-writer.ts';
import { Scratch } from './scratch.ts';

export class Rewriter {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #scratch = new Scratch();
  readonly #pageCopies = new PageCopies();

  constructor(reader: BatchReader, results: ResultWriter) {
    this.#reader = reader;
    this.#results = results;
  }

  /** @returns whether the result fits */
  range(keyspace: Keyspace): boolean {
    if (!keyspace.exists) {
      this.#results.status(KINDS.range, STATUS.absent);
      return true;
    }
    if (keyspace.type !== TYPES.string) {
      this.#results.status(KINDS.range, STATUS.wrongType);
      return true;
    }
    const { value, valueFrom, valueLength: length } = keyspace;
    const fromEnd = (at: number): number => (at < 0 ? Math.max(0, length + at) : at);
    const first = fromEnd(this.#reader.first);
    const end = Math.min(fromEnd(this.#reader.second) + 1, length);
    const isReversed = this.#reader.first < 0 && this.#reader.second < 0 && this.#reader.first > this.#reader.second;
    const isEmpty = isReversed || first >= end;
    return this.#results.data(KINDS.range, value, valueFrom + first, isEmpty ? 0 : end - first);
  }

  patch(keyspace: Keyspace): void {
    if (keyspace.exists && keyspace.type !== TYPES.string) {
      this.#results.status(KINDS.patch, STATUS.wrongType);
      return;
    }
    const { memory, value, valueLength: added, first } = this.#reader;
    const before = keyspace.exists ? keyspace.valueLength : 0;
    const offset = first === -1 ? before : first;
    const length = added === 0 ? before : Math.max(before, offset + added);
    if (length > MAX_VALUE_BYTES) {
      this.#results.status(KINDS.patch, STATUS.tooMuch);
      return;
    }
    const isFirstOfAppends = first === -1 && !keyspace.exists; // which makes a key, of nothing too
    if (added > 0 || isFirstOfAppends) {
      this.#take(keyspace, length);
      this.#scratch.put(offset, memory, value, added);
      if (!this.#write(keyspace, keyspace.exists ? keyspace.deadline : 0)) {
        this.#results.status(KINDS.patch, STATUS.full);
        return;
      }
    }
    this.#results.integer(KINDS.patch, BigInt(length));
  }

  expire(keyspace: Keyspace): void {
    this.#results.status(KINDS.expire, this.#expire(keyspace));
  }

  #expire(keyspace: Keyspace): number {
    if (!keyspace.exists) return STATUS.absent;
    const { options, first } = this.#reader;
    const { clock } = keyspace.progress;
    const isRelative = (options & OPTIONS.timeToLive) !== 0;
    const deadline = isRelative ? clock + first : first;
    if (!mayBecome(keyspace.deadline, deadline, options)) return STATUS.unmet;
    if (deadline <= clock && (isRelative || deadline !== 0)) {
      keyspace.remove();
      return STATUS.done;
    }
    this.#take(keyspace, keyspace.valueLength);
    return this.#write(keyspace, deadline, keyspace.recordType) ? STATUS.done : STATUS.full;
  }

  copy(keyspace: Keyspace): void {
    this.#results.status(KINDS.copy, this.#copy(keyspace));
  }

  #copy(keyspace: Keyspace): number {
    if (!keyspace.exists) return STATUS.absent;
    const { memory, key, keyLength, value: other, valueLength: otherLength, options } = this.#reader;
    const { recordType, isPaged, deadline, revision } = keyspace;
    const isMove = (options & OPTIONS.move) !== 0;
    this.#take(keyspace, keyspace.valueLength);
    const isThere = keyspace.seek(memory, other, otherLength);
    if (isThere && (options & OPTIONS.ifAbsent) !== 0) return STATUS.unmet;
    if (isThere && keyspace.revision === revision) return STATUS.done; // it is the same key
    if (isPaged && !isMove) return this.#copyPaged(keyspace, deadline, recordType);
    if (!this.#write(keyspace, deadline, recordType)) return STATUS.full;
    if (!isMove) return STATUS.done;
    keyspace.seek(memory, key, keyLength);
    keyspace.discardRecord(); // what pages there are belong to the other key now
    return STATUS.done;
  }

  /** Write the collection whose record was taken, and pages of its own. */
  #copyPaged(keyspace: Keyspace, deadline: number, type: number): number {
    const { memory, length } = this.#scratch;
    if (!keyspace.hasRoom(this.#pageCopies.bytes(keyspace, memory, 0, length))) return STATUS.full;
    const collection = keyspace.nextCollection();
    this.#pageCopies.copy(keyspace, memory, 0, length, collection);
    memory.setFloat64(0, collection, true);
    keyspace.overwrite({ type, value: memory, from: 0, length, deadline });
    return STATUS.done;
  }

  /** @returns whether the result fits; if not, nothing was changed */
  incrementFloat(keyspace: Keyspace): boolean {
    if (keyspace.exists && keyspace.type !== TYPES.string) {
      this.#results.status(KINDS.incrementFloat, STATUS.wrongType);
      return true;
    }
    const { memory, value, valueLength } = this.#reader;
    const before = textOf(keyspace);
    const sum = before === undefined ? undefined : addFractions(before, latin(memory, value, valueLength));
    if (sum === undefined) {
      this.#results.status(KINDS.incrementFloat, STATUS.notNumber);
    } else if (!this.#results.hasRoom(1 + VALUE_LENGTH_BYTES + sum.length)) {
      this.#results.status(KINDS.incrementFloat, STATUS.tooLarge);
      return false;
    } else {
      this.#scratch.begin(sum.length);
      this.#scratch.text(sum);
      if (this.#write(keyspace, keyspace.exists ? keyspace.deadline : 0))
        this.#results.data(KINDS.incrementFloat, this.#scratch.memory, 0, sum.length);
      else this.#results.status(KINDS.incrementFloat, STATUS.full);
    }
    return true;
  }

  /** Copy the key's value, if there is one, with room for so many bytes. */
  #take(keyspace: Keyspace, bytes: number): void {
    this.#scratch.begin(bytes);
    if (keyspace.exists) this.#scratch.put(0, keyspace.value, keyspace.valueFrom, keyspace.valueLength);
  }

  #write(keyspace: Keyspace, deadline: number, type: number = TYPES.string): boolean {
    const { memory: value, length } = this.#scratch;
    return keyspace.write({ type, value, from: 0, length, deadline });
  }
}

/** @param before 0: never, as of `after` */
function mayBecome(before: number, after: number, options: number): boolean {
  if ((options & EXPIRE_OPTIONS.ifNone) !== 0 && before !== 0) return false;
  if ((options & EXPIRE_OPTIONS.ifSome) !== 0 && before === 0) return false;
  if ((options & EXPIRE_OPTIONS.ifLater) !== 0 && (before === 0 || after <= before)) return false;
  return (options & EXPIRE_OPTIONS.ifEarlier) === 0 || before === 0 || after < before;
}

/** The value as text, if it may be that of a number; where there is none, that of 0. */
function textOf(keyspace: Keyspace): string | undefined {
  if (!keyspace.exists) return '0';
  if (keyspace.valueLength > MAX_FRACTION_TEXT_BYTES) return undefined;
  return latin(keyspace.value, keyspace.valueFrom, keyspace.valueLength);
}

function latin(memory: DataView, from: number, length: number): string {
  return Buffer.from(memory.buffer, memory.byteOffset + from, length).toString('latin1');
}
