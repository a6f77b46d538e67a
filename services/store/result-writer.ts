/** Results of a batch, in memory that grows as they need it. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import { copyBytes } from './engine/bytes.ts';
import { FOUND_BYTES, KINDS, NUMBER_BYTES, STATUS, statusByte } from './operations.ts';

const FIRST_BYTES = 64 * 1024;
/** What each later operation of the batch may need, unless it is a value that is got: so that every batch has results that fit. */
const RESERVED_BYTES = 1 + NUMBER_BYTES;

export class ResultWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Operations that have no result yet. */
  #left = 0;

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
    this.#need(NUMBER_BYTES);
    this.#view.setFloat64(this.#at, revision, true);
    this.#at += NUMBER_BYTES;
  }

  sum(value: bigint): void {
    this.status(KINDS.increment, STATUS.done);
    this.#need(NUMBER_BYTES);
    this.#view.setBigInt64(this.#at, value, true);
    this.#at += NUMBER_BYTES;
  }

  found(revision: number, deadline: number, value: DataView, from: number, length: number): void {
    const size = 1 + FOUND_BYTES + length;
    if (this.#at + size + (this.#left - 1) * RESERVED_BYTES > MAX_BATCH_BYTES) {
      this.status(KINDS.get, STATUS.tooLarge);
      return;
    }
    this.status(KINDS.get, STATUS.done);
    this.#need(FOUND_BYTES + length);
    const at = this.#at;
    this.#view.setFloat64(at, revision, true);
    this.#view.setFloat64(at + NUMBER_BYTES, deadline, true);
    this.#view.setUint32(at + 2 * NUMBER_BYTES, length, true);
    copyBytes(this.#view, at + FOUND_BYTES, value, from, length);
    this.#at = at + FOUND_BYTES + length;
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
