/**
 * How calls look in a batch: by their names alone, a batch for each; or as amounts for a counter, of which many calls travel together. An
 * amount names its call, too. One of 0, which reads, belongs to the call after the one before it.
 */
import { AMOUNT_BYTES, INDEX_BYTES, MAX_AMOUNT, MIN_AMOUNT } from '../../services/counter/operations.ts';

/** Calls are named by session and number. */
const CALLS_PER_SESSION = 4096;

export function callName(session: number, call: number): number {
  return session * CALLS_PER_SESSION + call;
}

export function parseCallName(name: number): { session: number; call: number } {
  return { session: Math.floor(name / CALLS_PER_SESSION), call: name % CALLS_PER_SESSION };
}

export const NAME_BYTES = 4;

/** Operations that only name their call. */
export function namedOperations(call: number): Buffer {
  const bytes = Buffer.allocUnsafe(NAME_BYTES);
  bytes.writeUInt32LE(call, 0);
  return bytes;
}

/** What a hostile client wants executed: it changes nothing, so that only what its other fields do shows. */
const HOSTILE_CALL = 0xffff_ffff;
export const HOSTILE_OPERATIONS = namedOperations(HOSTILE_CALL);

export function isHostile({ call }: Piece): boolean {
  return call === HOSTILE_CALL;
}

const WEIGHT_FACTOR = 2n ** 32n;

/** What a call adds to a counter. @param weight a signed number of 32 bits */
export function amountOf(call: number, weight: number): bigint {
  return BigInt(weight) * WEIGHT_FACTOR + BigInt(call);
}

/** What a batch holds of one call. */
export interface Piece {
  /** Its name. */
  readonly call: number;
  readonly count: number;
  /** For a counter. */
  readonly amounts: readonly bigint[] | undefined;
}

/** The calls of a batch, in order. */
export type Pieces = readonly [Piece, ...Piece[]];

/** Is this what the call was made with, all of it? */
export function isWhole(made: Pick<Piece, 'count' | 'amounts'>, { count, amounts }: Piece): boolean {
  return made.count === count && made.amounts?.join() === amounts?.join();
}

export function piecesOf(operations: Uint8Array, count: number): Pieces {
  const bytes = Buffer.from(operations.buffer, operations.byteOffset, operations.length);
  if (bytes.length === NAME_BYTES) return [{ call: bytes.readUInt32LE(0), count, amounts: undefined }];
  if (bytes.length !== count * AMOUNT_BYTES) throw new Error(`${count} operations came with ${bytes.length} bytes`);
  const pieces: { readonly call: number; count: number; readonly amounts: bigint[] }[] = [];
  for (let at = 0; at < bytes.length; at += AMOUNT_BYTES) {
    const amount = bytes.readBigInt64LE(at);
    const last = pieces.at(-1);
    const call = amount === 0n ? (last?.call ?? NaN) + 1 : bytes.readUInt32LE(at);
    if (last?.call === call) {
      last.amounts.push(amount);
      last.count++;
    } else pieces.push({ call, count: 1, amounts: [amount] });
  }
  const [first, ...others] = pieces;
  if (first === undefined) throw new Error('a batch of nothing came');
  return [first, ...others];
}

/** What a counter comes to. */
export interface Sums {
  /** After each amount. */
  readonly values: readonly bigint[];
  /** The places of those whose sum does not fit, which change nothing. */
  readonly overflowed: readonly number[];
}

export function addTo(value: bigint, amounts: readonly bigint[]): Sums {
  const overflowed: number[] = [];
  let sum = value;
  const values = amounts.map((amount, place) => {
    const next = sum + amount;
    if (next < MIN_AMOUNT || next > MAX_AMOUNT) overflowed.push(place);
    else sum = next;
    return sum;
  });
  return { values, overflowed };
}

/** The results of a call, as if it were a batch of its own. */
export function resultsOfCounter(values: Iterable<bigint>, overflowed: readonly number[]): Buffer {
  const all = [...values];
  const bytes = Buffer.allocUnsafe(all.length * AMOUNT_BYTES + overflowed.length * INDEX_BYTES);
  for (const [place, value] of all.entries()) bytes.writeBigInt64LE(value, place * AMOUNT_BYTES);
  for (const [at, place] of overflowed.entries()) {
    bytes.writeUInt32LE(place, all.length * AMOUNT_BYTES + at * INDEX_BYTES);
  }
  return bytes;
}

/** The places of the operations that overflowed, of a call of a counter with `count` operations. */
export function overflowsIn(results: Buffer, count: number): number[] {
  const places: number[] = [];
  for (let at = count * AMOUNT_BYTES; at < results.length; at += INDEX_BYTES) places.push(results.readUInt32LE(at));
  return places;
}
