/**
 * The worker type of the simulation. Its state is every call that was ever applied, in order, so that a lost, doubled or
 * reordered one shows, and the counter that they add to; a snapshot costs nothing, because a state is never changed, only followed by
 * another.
 */
import { addTo, resultsOfCounter, type Piece } from './operations.ts';

export interface State {
  readonly before: State | undefined;
  /** The name of the call that made this state of the one before. */
  readonly call: number;
  readonly length: number;
  readonly hash: number;
  /** Of the counter. */
  readonly value: bigint;
}

export const EMPTY: State = { before: undefined, call: 0, length: 0, hash: 0x811c9dc5, value: 0n };

function follow(before: State, call: number, value: bigint): State {
  const hash = Math.imul(before.hash ^ (call & 0xffff), 0x01000193) ^ Math.imul(call >>> 16, 0x85ebca6b);
  return { before, call, length: before.length + 1, hash: hash >>> 0, value };
}

const STATE_HEAD_BYTES = 12;

/** States as snapshots, and back. */
export interface States {
  /** The bytes of a snapshot. */
  readonly snapshotBytes: number;
  /** A snapshot: it names the state, and is as large as the world's states are. */
  encode(state: State): Buffer;
  /** Undefined stands for the empty state. @throws Error when these are not the bytes of a snapshot */
  decode(bytes: Uint8Array | undefined): State;
  /** What a call makes of a state, and what it answers: a counter's values, or else which state it led to. */
  apply(before: State, piece: Piece): Applied;
  /** The answer to a call that is no counter's and led to this state. */
  resultsOf(state: State): Buffer;
}

export interface Applied {
  readonly state: State;
  readonly results: Buffer;
}

export function createStates(paddingBytes: number, resultPaddingBytes: number): States {
  const known: State[] = [];
  const padding = Buffer.alloc(paddingBytes, 0x2e);
  return {
    snapshotBytes: STATE_HEAD_BYTES + paddingBytes,
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
    apply(before, { call, amounts }) {
      if (amounts === undefined) {
        const state = follow(before, call, before.value);
        return { state, results: resultsOf(state) };
      }
      const { values, overflowed } = addTo(before.value, amounts);
      return {
        state: follow(before, call, values.at(-1) ?? before.value),
        results: resultsOfCounter(values, overflowed),
      };
    },
    resultsOf,
  };

  function resultsOf(state: State): Buffer {
    const bytes = Buffer.alloc(8 + resultPaddingBytes);
    bytes.writeUInt32LE(state.hash, 0);
    bytes.writeUInt32LE(state.length, 4);
    return bytes;
  }
}

/** The calls that led to a state, oldest first, by their names. */
export function historyOf(state: State): number[] {
  const calls: number[] = [];
  for (let at: State | undefined = state; at?.before !== undefined; at = at.before) calls.push(at.call);
  return calls.reverse();
}
