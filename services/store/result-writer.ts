/** Results of a batch, in memory that grows as they need it. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import { copyBytes } from './engine/bytes.ts';
import {
  FOUND_BYTES,
  HEAD_BYTES,
  KINDS,
  MISSING,
  NUMBER_BYTES,
  STATUS,
  statusByte,
  VALUE_LENGTH_BYTES,
} from './operations.ts';

const FIRST_BYTES = 64 * 1024;
/** What each later operation of the batch may need, unless it is a value that is got: so that every batch has results that fit. */
const RESERVED_BYTES = 1 + HEAD_BYTES;

export class ResultWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Operations that have no result yet. */
  #left = 0;
  // Of items that were begun: where the length of their data is, where their number is, and that number.
  #data = 0;
  #itemsAt = 0;
  #items = 0;

  begin(count: number): void {
    this.#at = 0;
    this.#left = count;
  }

  /** A copy of the results. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  /** An operation that was not done, or that says no more than that it was. */
  status(kind: number, status: number): void {
    this.#need(1);
    this.#left--;
    this.#view.setUint8(this.#at++, statusByte(kind, status));
  }

  revision(revision: number): void {
    this.status(KINDS.set, STATUS.done);
    this.#float(revision);
  }

  integer(kind: number, value: bigint): void {
    this.status(kind, STATUS.done);
    this.#need(NUMBER_BYTES);
    this.#view.setBigInt64(this.#at, value, true);
    this.#at += NUMBER_BYTES;
  }

  /** @param length bytes of a string, or elements of a collection @param marks of a collection */
  head(revision: number, deadline: number, clock: number, length: number, type: number, marks: number): void {
    this.status(KINDS.head, STATUS.done);
    this.#float(revision);
    this.#float(deadline);
    this.#float(clock);
    this.#length(length);
    this.#need(2);
    this.#view.setUint8(this.#at++, type);
    this.#view.setUint8(this.#at++, marks);
  }

  /** Whether a result of so many bytes fits, its status included. */
  hasRoom(bytes: number): boolean {
    return this.#at + bytes + (this.#left - 1) * RESERVED_BYTES <= MAX_BATCH_BYTES;
  }

  /** @returns whether it fits; if not, its status says so */
  found(revision: number, deadline: number, value: DataView, from: number, length: number): boolean {
    if (!this.hasRoom(1 + FOUND_BYTES + length)) {
      this.status(KINDS.get, STATUS.tooLarge);
      return false;
    }
    this.status(KINDS.get, STATUS.done);
    this.#float(revision);
    this.#float(deadline);
    this.#length(length);
    this.#copy(value, from, length);
    return true;
  }

  /** @returns whether it fits; if not, its status says so */
  data(kind: number, value: DataView, from: number, length: number): boolean {
    if (!this.hasRoom(1 + VALUE_LENGTH_BYTES + length)) {
      this.status(kind, STATUS.tooLarge);
      return false;
    }
    this.status(kind, STATUS.done);
    this.#length(length);
    this.#copy(value, from, length);
    return true;
  }

  /** Begin items: each is added, as long as there is room, and then they are ended, or dropped as too large. @param hasPosition before them */
  beginItems(kind: number, hasPosition = false): void {
    this.status(kind, STATUS.done);
    this.#data = this.#at;
    this.#itemsAt = this.#at + VALUE_LENGTH_BYTES + (hasPosition ? NUMBER_BYTES : 0);
    this.#items = 0;
    this.#need(2 * VALUE_LENGTH_BYTES + NUMBER_BYTES);
    this.#at = this.#itemsAt + VALUE_LENGTH_BYTES;
  }

  /** @returns false when there is no room for it */
  item(memory: DataView, from: number, length: number): boolean {
    const bytes = VALUE_LENGTH_BYTES + length;
    if (this.#at + bytes + this.#left * RESERVED_BYTES > MAX_BATCH_BYTES) return false;
    this.#length(length);
    this.#copy(memory, from, length);
    this.#items++;
    return true;
  }

  /** One that is not there. @returns false when there is no room for it */
  missingItem(): boolean {
    if (this.#at + VALUE_LENGTH_BYTES + this.#left * RESERVED_BYTES > MAX_BATCH_BYTES) return false;
    this.#length(MISSING);
    this.#items++;
    return true;
  }

  /** How many there are, and where they end, for `cutItems`. */
  get items(): number {
    return this.#items;
  }

  get itemsEnd(): number {
    return this.#at;
  }

  /** Take back all items but the first ones. */
  cutItems(items: number, end: number): void {
    this.#items = items;
    this.#at = end;
  }

  endItems(position?: number): void {
    if (position !== undefined) this.#view.setFloat64(this.#data + VALUE_LENGTH_BYTES, position, true);
    this.#view.setUint32(this.#itemsAt, this.#items, true);
    this.#view.setUint32(this.#data, this.#at - this.#data - VALUE_LENGTH_BYTES, true);
  }

  /** They do not fit: the status says so. */
  dropItems(kind: number): void {
    this.#at = this.#data;
    this.#view.setUint8(this.#data - 1, statusByte(kind, STATUS.tooLarge));
  }

  #float(value: number): void {
    this.#need(NUMBER_BYTES);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += NUMBER_BYTES;
  }

  #length(length: number): void {
    this.#need(VALUE_LENGTH_BYTES);
    this.#view.setUint32(this.#at, length, true);
    this.#at += VALUE_LENGTH_BYTES;
  }

  #copy(value: DataView, from: number, length: number): void {
    this.#need(length);
    copyBytes(this.#view, this.#at, value, from, length);
    this.#at += length;
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
