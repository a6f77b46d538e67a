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

export interface SessionLimits {
  /** Why a call of this size is too many. */
  refusal(operations: number, bytes: number): OverloadedError | undefined;
  /** A call came. */
  hold(operations: number, bytes: number): void;
  /** May the batch be sent? One that exceeds the limit by itself may when it is alone. */
  fits(batch: Batch): boolean;
  /** A batch that was held is sent, or will not be. */
  letGo(batch: Batch): void;
  sent(batch: Batch): void;
  /** A batch that was sent is committed, or will not be. */
  done(batch: Batch): void;
  /** Nothing is under way any more. */
  clear(): void;
  readonly load: () => Load;
}

export function createSessionLimits({ whenFull = 'wait', ...limits }: SessionOptions): SessionLimits {
  const maxOperations = limits.maxUncommittedOperations ?? MAX_UNCOMMITTED_OPERATIONS;
  const maxBytes = limits.maxUncommittedBytes ?? MAX_UNCOMMITTED_BYTES;
  const sent = { operations: 0, bytes: 0 };
  const held = { operations: 0, bytes: 0 };

  return {
    refusal(operations, bytes) {
      const wouldWait = held.operations + operations;
      const wouldWaitBytes = held.bytes + bytes;
      const underWay = sent.operations + held.operations;
      const isFull = sent.operations + wouldWait > maxOperations || sent.bytes + wouldWaitBytes > maxBytes;
      if (whenFull === 'reject' && isFull && underWay > 0) {
        return new OverloadedError(`${underWay} operations are not committed yet; try again once they are`);
      }
      if (wouldWait <= MAX_WAITING_OPERATIONS && wouldWaitBytes <= MAX_WAITING_BYTES) return undefined;
      if (operations > MAX_WAITING_OPERATIONS || bytes > MAX_WAITING_BYTES) {
        return new OverloadedError(
          `a call of ${operations} operations and ${bytes} bytes is too large: make several, ` +
            `each of up to ${MAX_WAITING_OPERATIONS} operations and ${MAX_WAITING_BYTES} bytes`,
        );
      }
      return new OverloadedError(
        `${held.operations} operations wait to be sent, and ${operations} more are too many: await results or session.ready()`,
      );
    },
    hold(operations, bytes) {
      held.operations += operations;
      held.bytes += bytes;
    },
    fits: ({ count, length }) =>
      sent.operations === 0 || (sent.operations + count <= maxOperations && sent.bytes + length <= maxBytes),
    letGo({ count, length }) {
      held.operations -= count;
      held.bytes -= length;
    },
    sent({ count, length }) {
      sent.operations += count;
      sent.bytes += length;
    },
    done({ count, length }) {
      sent.operations -= count;
      sent.bytes -= length;
    },
    clear() {
      for (const load of [sent, held]) Object.assign(load, { operations: 0, bytes: 0 });
    },
    load: () => ({ operations: sent.operations + held.operations, bytes: sent.bytes + held.bytes }),
  };
}
