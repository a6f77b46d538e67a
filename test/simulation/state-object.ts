/**
 * The worker type of the simulation. Its state is everything that was ever applied, in order, so that a lost, doubled or
 * reordered operation shows; a snapshot costs nothing, because a state is never changed, only followed by another.
 */
export interface State {
  readonly before: State | undefined;
  /** The batch that made this state of the one before. */
  readonly batch: number;
  readonly length: number;
  readonly hash: number;
}

export const EMPTY: State = { before: undefined, batch: 0, length: 0, hash: 0x811c9dc5 };

export function follow(before: State, batch: number): State {
  const hash = Math.imul(before.hash ^ (batch & 0xffff), 0x01000193) ^ Math.imul(batch >>> 16, 0x85ebca6b);
  return { before, batch, length: before.length + 1, hash: hash >>> 0 };
}

const STATE_HEAD_BYTES = 12;

/** States as snapshots, and back. */
export interface States {
  /** A snapshot: it names the state, and is as large as the world's states are. */
  encode(state: State): Buffer;
  /** Undefined stands for the empty state. @throws Error when these are not the bytes of a snapshot */
  decode(bytes: Uint8Array | undefined): State;
  /** What a batch answers: which state it led to. */
  resultsOf(state: State): Buffer;
}

export function createStates(paddingBytes: number, resultPaddingBytes: number): States {
  const known: State[] = [];
  const padding = Buffer.alloc(paddingBytes, 0x2e);
  return {
    encode(state) {
      const bytes = Buffer.allocUnsafe(STATE_HEAD_BYTES + paddingBytes);
      bytes.writeUInt32LE(known.length, 0);
      bytes.writeUInt32LE(state.hash, 4);
      bytes.writeUInt32LE(state.length, 8);
      padding.copy(bytes, STATE_HEAD_BYTES);
      known.push(state);
      return bytes;
    },
    decode(bytes) {
      if (bytes === undefined) return EMPTY;
      const snapshot = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (snapshot.length !== STATE_HEAD_BYTES + paddingBytes || !snapshot.subarray(STATE_HEAD_BYTES).equals(padding))
        throw new Error('a snapshot is not as it was taken');
      const state = known[snapshot.readUInt32LE(0)];
      if (state?.hash !== snapshot.readUInt32LE(4) || state.length !== snapshot.readUInt32LE(8))
        throw new Error('a snapshot names no state');
      return state;
    },
    resultsOf(state) {
      const bytes = Buffer.alloc(8 + resultPaddingBytes);
      bytes.writeUInt32LE(state.hash, 0);
      bytes.writeUInt32LE(state.length, 4);
      return bytes;
    },
  };
}

/** Batches are named by session and call. */
const CALLS_PER_SESSION = 4096;

export function batchName(session: number, call: number): number {
  return session * CALLS_PER_SESSION + call;
}

export function parseBatchName(batch: number): { session: number; call: number } {
  return { session: Math.floor(batch / CALLS_PER_SESSION), call: batch % CALLS_PER_SESSION };
}

export function operationsOf(batch: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(batch, 0);
  return bytes;
}

/** What a hostile client wants executed: it changes nothing, so that only what its other fields do shows. */
const HOSTILE_BATCH = 0xffff_ffff;
export const HOSTILE_OPERATIONS = operationsOf(HOSTILE_BATCH);

export function isHostile(batch: number): boolean {
  return batch === HOSTILE_BATCH;
}

export function batchOf(operations: Uint8Array): number {
  return Buffer.from(operations.buffer, operations.byteOffset, operations.length).readUInt32LE(0);
}

/** The batches that led to a state, oldest first. */
export function historyOf(state: State): number[] {
  const batches: number[] = [];
  for (let at: State | undefined = state; at?.before !== undefined; at = at.before) batches.push(at.batch);
  return batches.reverse();
}
