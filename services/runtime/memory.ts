/**
 * How much memory a process may use, and how it is divided. Most of what the limits are about lives in buffers beside V8's heap,
 * which count against the memory of the container; entries of the session table live in the heap.
 */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { LEAST_REPLY_BYTES, type WorkerConfig } from '@dpr/core';
import {
  MAX_FRAME_BYTES,
  MAX_KEPT_REPLY_BYTES,
  MAX_SESSION_BYTES,
  MAX_UNDO_BYTES,
  MAX_UNWRITTEN_BYTES,
  MAX_WAITING_BYTES,
} from '@dpr/protocol';

/** Parts of the memory. Together, with what else a worker needs and garbage that was not collected yet, they are not all of it. */
const SHARES = {
  sessions: 1 / 8,
  replies: 1 / 16,
  unwritten: 1 / 16,
  undo: 1 / 32,
  waiting: 1 / 32,
  unsent: 1 / 8,
  received: 1 / 16,
  state: 3 / 4,
};

/** With less, the largest batch would not fit. */
export const MIN_MEMORY_BYTES = LEAST_REPLY_BYTES / SHARES.replies;
/** V8 lets its heap grow to about half of a container's memory; with a lower limit, a process may use so many times that. */
const MEMORY_PER_HEAP = 2;
/** Output of all connections that was not taken over by the system yet, even with much memory. */
const MAX_UNSENT_BYTES = 1024 * 1024 * 1024;
/** Input of all connections that waits for the rest of its message, even with much memory; and even with little, some messages. */
const MAX_RECEIVED_BYTES = 512 * 1024 * 1024;
const LEAST_RECEIVED_BYTES = 2 * MAX_FRAME_BYTES;

export interface MemoryBudget {
  /** What the process may use. */
  readonly bytes: number;
  /** For the worker's core. */
  readonly limits: Pick<
    WorkerConfig,
    'maxSessionBytes' | 'maxReplyBytes' | 'maxUnwrittenBytes' | 'maxUndoBytes' | 'maxWaitingBytes'
  >;
  readonly maxUnsentBytes: number;
  readonly maxReceivedBytes: number;
  readonly maxStateBytes: number;
}

/** Of the machine, of the container (cgroup v1 or v2), or by V8's limit on its heap. */
export function availableBytes(): number {
  const limits = [totalmem(), process.constrainedMemory(), MEMORY_PER_HEAP * getHeapStatistics().heap_size_limit];
  return limits.reduce((least, limit) => (limit > 0 ? Math.min(least, limit) : least)); // 0: there is none
}

/** @param given what the process may use by its settings; undefined: what is available */
export function divideMemory(given: number | undefined, available = availableBytes()): MemoryBudget {
  const bytes = Math.max(MIN_MEMORY_BYTES, given ?? available);
  const part = (share: number, most = Infinity): number => Math.min(most, Math.floor(bytes * share));
  return {
    bytes,
    limits: {
      maxSessionBytes: part(SHARES.sessions, MAX_SESSION_BYTES),
      maxReplyBytes: part(SHARES.replies, MAX_KEPT_REPLY_BYTES),
      maxUnwrittenBytes: part(SHARES.unwritten, MAX_UNWRITTEN_BYTES),
      maxUndoBytes: part(SHARES.undo, MAX_UNDO_BYTES),
      maxWaitingBytes: part(SHARES.waiting, MAX_WAITING_BYTES),
    },
    maxUnsentBytes: part(SHARES.unsent, MAX_UNSENT_BYTES),
    maxReceivedBytes: Math.max(LEAST_RECEIVED_BYTES, part(SHARES.received, MAX_RECEIVED_BYTES)),
    maxStateBytes: part(SHARES.state),
  };
}
