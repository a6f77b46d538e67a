/**
 * The hot path: batches and their replies, in a fixed layout of 64 and 48 bytes of header (all little-endian):
 *
 *   batch  0 u8 type · 1 u8 flags (bit 0: urgent) · 2 u16 zero · 4 u32 operations · 8 session (16) · 24 u32 world-line ·
 *          28 u32 generation · 32 u64 sequence · 40 u64 acknowledged · 48 u64 version · 56 u32 dependencies · 60 u32 zero ·
 *          64 dependencies, each u32 worker, u64 version · then the operations, to the end of the frame
 *   reply  0 u8 type · 1 u8 zero · 2 u16 zero · 4 u32 operations · 8 session (16) · 24 u32 world-line · 28 u32 incarnation ·
 *          32 u64 sequence · 40 u64 version · 48 the results, to the end of the frame
 */
import { checkExact, checkWorkerId, FrameError } from './fields.ts';
import { FRAME_TYPES } from './frame-types.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, MAX_DEPENDENCIES, MAX_WORKER_ID } from './limits.ts';
import { getU32, getU64, memoryOf, setU32, setU64 } from './little-endian.ts';
import { readSessionId, writeSessionId } from './session-id-codec.ts';

/** Operations of one session for one worker, which run in one version. */
export interface Batch {
  readonly kind: 'batch';
  /** A client waits for the commit: seal at once. */
  readonly urgent: boolean;
  /** How many operations `operations` holds. */
  readonly count: number;
  /** 32 hex digits. */
  readonly session: string;
  readonly worldLine: number;
  readonly generation: number;
  /** Counts the session's batches at this worker from 1, without gaps. */
  readonly sequence: number;
  /** Every reply up to this sequence number, which is below the batch's own, has arrived. */
  readonly acknowledged: number;
  /** The largest version that the session has seen (Vs). */
  readonly version: number;
  /** The session's frontier: worker to version, the receiving worker not included. */
  readonly dependencies: ReadonlyMap<number, number>;
  /** In the worker type's own format. */
  readonly operations: Uint8Array;
}

/** What one batch gave. */
export interface Reply {
  readonly kind: 'reply';
  readonly count: number;
  readonly session: string;
  readonly worldLine: number;
  readonly incarnation: number;
  readonly sequence: number;
  /** The version that the batch executed in. */
  readonly version: number;
  /** In the worker type's own format. */
  readonly results: Uint8Array;
}

export const BATCH_HEADER_BYTES = 64;
export const REPLY_HEADER_BYTES = 48;
const DEPENDENCY_BYTES = 12;
const NO_DEPENDENCIES: ReadonlyMap<number, number> = new Map();

/** The size of its frame. @throws RangeError when it exceeds a limit: a defect of the caller */
export function batchBytes({ count, sequence, acknowledged, dependencies, operations }: Batch): number {
  checkPayload(count, operations.length, RangeError);
  if (sequence === 0) throw new RangeError('sequence numbers begin at 1');
  if (acknowledged >= sequence) throw new RangeError(`batch ${sequence} cannot acknowledge reply ${acknowledged}`);
  if (dependencies.size > MAX_DEPENDENCIES) {
    throw new RangeError(`${dependencies.size} dependencies exceed the limit of ${MAX_DEPENDENCIES}`);
  }
  return BATCH_HEADER_BYTES + dependencies.size * DEPENDENCY_BYTES + operations.length;
}

/** Write its frame, of `batchBytes`, from byte `at` on. */
export function writeBatch(bytes: Buffer, at: number, batch: Batch): void {
  const memory = memoryOf(bytes);
  const from = bytes.byteOffset + at;
  setU32(memory, from, FRAME_TYPES.batch | (batch.urgent ? 0x100 : 0));
  setU32(memory, from + 4, batch.count);
  writeSessionId(memory, from + 8, batch.session);
  setU32(memory, from + 24, batch.worldLine);
  setU32(memory, from + 28, batch.generation);
  setU64(memory, from + 32, batch.sequence);
  setU64(memory, from + 40, batch.acknowledged);
  setU64(memory, from + 48, batch.version);
  setU32(memory, from + 56, batch.dependencies.size);
  setU32(memory, from + 60, 0);
  if (batch.dependencies.size > 0) writeDependencies(memory, from + BATCH_HEADER_BYTES, batch.dependencies);
  bytes.set(batch.operations, at + BATCH_HEADER_BYTES + batch.dependencies.size * DEPENDENCY_BYTES);
}

function writeDependencies(memory: DataView, from: number, dependencies: ReadonlyMap<number, number>): void {
  let to = from;
  for (const [worker, version] of dependencies) {
    if (worker > MAX_WORKER_ID) throw new RangeError(`worker ids go up to ${MAX_WORKER_ID}, not ${worker}`);
    setU32(memory, to, worker);
    setU64(memory, to + 4, version);
    to += DEPENDENCY_BYTES;
  }
}

/** Read the frame from byte `at` to `end`. */
export function readBatch(bytes: Buffer, at: number, end: number): Batch {
  checkHeader(at, end, BATCH_HEADER_BYTES, 'batch');
  const memory = memoryOf(bytes);
  const from = bytes.byteOffset + at;
  const flags = getU32(memory, from) >>> 8;
  if (flags > 1 || getU32(memory, from + 60) !== 0) throw new FrameError('reserved bits of the batch are not zero');
  const dependencyCount = getU32(memory, from + 56);
  const operationsAt = at + BATCH_HEADER_BYTES + dependencyCount * DEPENDENCY_BYTES;
  if (dependencyCount > MAX_DEPENDENCIES || operationsAt > end) {
    throw new FrameError(`${dependencyCount} dependencies do not fit into a batch of ${end - at} bytes`);
  }
  const count = getU32(memory, from + 4);
  checkPayload(count, end - operationsAt, FrameError);
  const sequence = checkExact(getU64(memory, from + 32), 32);
  if (sequence === 0) throw new FrameError('sequence numbers begin at 1');
  const acknowledged = checkExact(getU64(memory, from + 40), 40);
  if (acknowledged >= sequence) {
    throw new FrameError(`batch ${sequence} acknowledges the replies up to ${acknowledged}, which includes its own`);
  }
  return {
    kind: 'batch',
    urgent: flags === 1,
    count,
    session: readSessionId(memory, from + 8),
    worldLine: getU32(memory, from + 24),
    generation: getU32(memory, from + 28),
    sequence,
    acknowledged,
    version: checkExact(getU64(memory, from + 48), 48),
    dependencies: dependencyCount === 0 ? NO_DEPENDENCIES : readDependencies(memory, from, dependencyCount),
    operations: bytes.subarray(operationsAt, end),
  };
}

/** @param from where the batch begins */
function readDependencies(memory: DataView, from: number, count: number): ReadonlyMap<number, number> {
  const dependencies = new Map<number, number>();
  for (let at = BATCH_HEADER_BYTES; dependencies.size < count; at += DEPENDENCY_BYTES) {
    const worker = checkWorkerId(getU32(memory, from + at));
    if (dependencies.has(worker)) throw new FrameError(`the batch names worker ${worker} twice in its dependencies`);
    dependencies.set(worker, checkExact(getU64(memory, from + at + 4), at + 4));
  }
  return dependencies;
}

/** The size of its frame. @throws RangeError when it exceeds a limit: a defect of the caller */
export function replyBytes({ count, results }: Reply): number {
  checkPayload(count, results.length, RangeError);
  return REPLY_HEADER_BYTES + results.length;
}

/** Write its frame, of `replyBytes`, from byte `at` on. */
export function writeReply(bytes: Buffer, at: number, reply: Reply): void {
  const memory = memoryOf(bytes);
  const from = bytes.byteOffset + at;
  setU32(memory, from, FRAME_TYPES.reply);
  setU32(memory, from + 4, reply.count);
  writeSessionId(memory, from + 8, reply.session);
  setU32(memory, from + 24, reply.worldLine);
  setU32(memory, from + 28, reply.incarnation);
  setU64(memory, from + 32, reply.sequence);
  setU64(memory, from + 40, reply.version);
  bytes.set(reply.results, at + REPLY_HEADER_BYTES);
}

/** Read the frame from byte `at` to `end`. */
export function readReply(bytes: Buffer, at: number, end: number): Reply {
  checkHeader(at, end, REPLY_HEADER_BYTES, 'reply');
  const memory = memoryOf(bytes);
  const from = bytes.byteOffset + at;
  if (getU32(memory, from) >>> 8 !== 0) throw new FrameError('reserved bits of the reply are not zero');
  const count = getU32(memory, from + 4);
  checkPayload(count, end - at - REPLY_HEADER_BYTES, FrameError);
  return {
    kind: 'reply',
    count,
    session: readSessionId(memory, from + 8),
    worldLine: getU32(memory, from + 24),
    incarnation: getU32(memory, from + 28),
    sequence: checkExact(getU64(memory, from + 32), 32),
    version: checkExact(getU64(memory, from + 40), 40),
    results: bytes.subarray(at + REPLY_HEADER_BYTES, end),
  };
}

function checkHeader(at: number, end: number, size: number, what: string): void {
  if (end - at < size) throw new FrameError(`a ${what} has a header of ${size} bytes, not ${end - at}`);
}

/** The limits of a batch's operations and of a reply's results. @throws Refusal */
function checkPayload(count: number, payloadBytes: number, Refusal: new (message: string) => Error): void {
  if (count === 0 || count > MAX_BATCH_OPERATIONS) {
    throw new Refusal(`a batch has 1 to ${MAX_BATCH_OPERATIONS} operations, not ${count}`);
  }
  if (payloadBytes > MAX_BATCH_BYTES) {
    throw new Refusal(`${payloadBytes} bytes of operations or results exceed the limit of ${MAX_BATCH_BYTES}`);
  }
}
