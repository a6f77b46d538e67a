/** Results of a batch, one after another, read where they lie. */
import { Buffer } from 'node:buffer';
import type { ResultCursor } from '@dpr/resp';
import { FOUND_BYTES, NUMBER_BYTES, resultBytes, STATUS, statusIn, VALUE_LENGTH_BYTES } from '../operations.ts';

export class StoreResults implements ResultCursor {
  bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #next = 0;
  status = 0;

  begin(results: Uint8Array): void {
    this.bytes = Buffer.from(results.buffer, results.byteOffset, results.length);
    this.#next = 0;
  }

  next(): boolean {
    this.#at = this.#next;
    this.status = statusIn(this.bytes[this.#at] ?? 0);
    this.#next += resultBytes(this.bytes, this.#at);
    return this.status !== STATUS.tooLarge && this.status !== STATUS.notReached;
  }

  get isDone(): boolean {
    return this.status === STATUS.done;
  }

  // What was done says more, by its shape.

  /** Of `integer`. */
  get integer(): bigint {
    return this.bytes.readBigInt64LE(this.#at + 1);
  }

  /** Of `found` and `head`. */
  get revision(): number {
    return this.bytes.readDoubleLE(this.#at + 1);
  }

  /** Of `found` and `head`: when the key is gone; 0: never. */
  get deadline(): number {
    return this.bytes.readDoubleLE(this.#at + 1 + NUMBER_BYTES);
  }

  /** Of `head`. */
  get clock(): number {
    return this.bytes.readDoubleLE(this.#at + 1 + 2 * NUMBER_BYTES);
  }

  /** Bytes of a string, or elements of a collection. */
  get length(): number {
    return this.bytes.readUInt32LE(this.#at + 1 + 3 * NUMBER_BYTES);
  }

  get type(): number {
    return this.bytes[this.#at + 1 + 3 * NUMBER_BYTES + VALUE_LENGTH_BYTES] ?? 0;
  }

  /** Of a collection. */
  get marks(): number {
    return this.bytes[this.#at + 2 + 3 * NUMBER_BYTES + VALUE_LENGTH_BYTES] ?? 0;
  }

  /** Where the value of `found` begins in `bytes`, and where the data of `data` does; both end with the result. */
  get value(): number {
    return this.#at + 1 + FOUND_BYTES;
  }

  get data(): number {
    return this.#at + 1 + VALUE_LENGTH_BYTES;
  }

  get end(): number {
    return this.#next;
  }
}

/** What is read now, of whichever connection: a step reads its result before anything else comes. */
export const results = new StoreResults();
