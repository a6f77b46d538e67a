/** How much of a session may be under way: what was sent and is not committed, and what waits to be sent. */
import type { Batch } from './batch.ts';
import { OverloadedError } from '../errors.ts';
import {
  MAX_UNCOMMITTED_BYTES,
  MAX_UNCOMMITTED_OPERATIONS,
  MAX_WAITING_BYTES,
  MAX_WAITING_OPERATIONS,
} from '../limits.ts';
import type { SessionOptions } from '../options.ts';

/** Operations and their bytes. */
export interface Load {
  readonly operations: number;
  readonly bytes: number;
}

/** A class, since each of many sessions has one. */
export class SessionLimits {
  readonly #rejects: boolean;
  readonly #maxOperations: number;
  readonly #maxBytes: number;
  #sentOperations = 0;
  #sentBytes = 0;
  #heldOperations = 0;
  #heldBytes = 0;

  constructor({ whenFull = 'wait', maxUncommittedOperations, maxUncommittedBytes }: SessionOptions) {
    this.#rejects = whenFull === 'reject';
    this.#maxOperations = maxUncommittedOperations ?? MAX_UNCOMMITTED_OPERATIONS;
    this.#maxBytes = maxUncommittedBytes ?? MAX_UNCOMMITTED_BYTES;
  }

  /** Why a call of this size is too many. */
  refusal(operations: number, bytes: number): OverloadedError | undefined {
    const wouldWait = this.#heldOperations + operations;
    const wouldWaitBytes = this.#heldBytes + bytes;
    if (this.#rejects) {
      const underWay = this.#sentOperations + this.#heldOperations;
      const isFull =
        this.#sentOperations + wouldWait > this.#maxOperations || this.#sentBytes + wouldWaitBytes > this.#maxBytes;
      if (isFull && underWay > 0) {
        return new OverloadedError(`${underWay} operations are not committed yet; try again once they are`);
      }
    }
    if (wouldWait <= MAX_WAITING_OPERATIONS && wouldWaitBytes <= MAX_WAITING_BYTES) return undefined;
    if (operations > MAX_WAITING_OPERATIONS || bytes > MAX_WAITING_BYTES) {
      return new OverloadedError(
        `a call of ${operations} operations and ${bytes} bytes is too large: make several, ` +
          `each of up to ${MAX_WAITING_OPERATIONS} operations and ${MAX_WAITING_BYTES} bytes`,
      );
    }
    return new OverloadedError(
      `${this.#heldOperations} operations wait to be sent, and ${operations} more are too many: await results or session.ready()`,
    );
  }

  /** A call came. */
  hold(operations: number, bytes: number): void {
    this.#heldOperations += operations;
    this.#heldBytes += bytes;
  }

  /** May the batch be sent? One that exceeds the limit by itself may when it is alone. */
  fits({ count, length }: Batch): boolean {
    if (this.#sentOperations === 0) return true;
    return this.#sentOperations + count <= this.#maxOperations && this.#sentBytes + length <= this.#maxBytes;
  }

  /** A batch that was held is sent, or will not be. */
  letGo({ count, length }: Batch): void {
    this.#heldOperations -= count;
    this.#heldBytes -= length;
  }

  sent({ count, length }: Batch): void {
    this.#sentOperations += count;
    this.#sentBytes += length;
  }

  /** A batch that was sent is committed, or will not be. */
  done({ count, length }: Batch): void {
    this.#sentOperations -= count;
    this.#sentBytes -= length;
  }

  /** Nothing is under way any more. */
  clear(): void {
    this.#sentOperations = this.#sentBytes = this.#heldOperations = this.#heldBytes = 0;
  }

  load(): Load {
    return {
      operations: this.#sentOperations + this.#heldOperations,
      bytes: this.#sentBytes + this.#heldBytes,
    };
  }
}
