/**
 * How a map's operations and answers look as bytes, for the worker and for applications. All texts are UTF-8, all numbers little-endian.
 *
 * An operation is its kind (u8), the bytes of its key (u8) and of its value (u16), the key, the value. `get` and `delete` have no
 * value, `count` has no key either. An answer is one byte, which a value (u16 length, bytes) or a number (u32) may follow.
 */
import { isUtf8 } from 'node:buffer';

/** The type's name in a stack's config. */
export const MAP_TYPE = 'map';

export const KINDS = { set: 1, get: 2, delete: 3, count: 4 } as const;
export type Kind = keyof typeof KINDS;
/** Without a value, or without a key, that is empty. */
export type Operation = { readonly kind: Kind; readonly key: string; readonly value: string };

/**
 * `yes`: the key was not there before it was set, or was there before it was deleted. `full`: there is no room for the key and its value.
 * `value`, `count`: that follows. `crowded`: the value is there, and does not fit into the batch's answers.
 */
export const ANSWERS = { no: 0, yes: 1, full: 2, value: 3, count: 4, crowded: 5 } as const;
export type Answer = (typeof ANSWERS)[keyof typeof ANSWERS];
export type Result = { readonly answer: Answer; readonly value?: string; readonly count?: number };

export const MAX_KEY_BYTES = 255;
export const MAX_VALUE_BYTES = 4_096;

const HEAD_BYTES = 4;
/** Bytes of an answer besides those of a value. */
export const MAX_ANSWER_BYTES = 5;

/** @throws RangeError when key or value are too long */
export function sizeOf({ key, value }: Operation): number {
  const keyBytes = Buffer.byteLength(key);
  const valueBytes = Buffer.byteLength(value);
  if (keyBytes > MAX_KEY_BYTES) throw tooLong('key', keyBytes, MAX_KEY_BYTES);
  if (valueBytes > MAX_VALUE_BYTES) throw tooLong('value', valueBytes, MAX_VALUE_BYTES);
  return HEAD_BYTES + keyBytes + valueBytes;
}

function tooLong(what: string, bytes: number, most: number): RangeError {
  return new RangeError(`a ${what} of a map has at most ${most} bytes, and this has ${bytes}`);
}

/** @returns where the operation ends */
export function writeOperation(bytes: Buffer, at: number, { kind, key, value }: Operation): number {
  const keyEnd = at + HEAD_BYTES + bytes.write(key, at + HEAD_BYTES);
  const end = keyEnd + bytes.write(value, keyEnd);
  bytes.writeUInt8(KINDS[kind], at);
  bytes.writeUInt8(keyEnd - at - HEAD_BYTES, at + 1);
  bytes.writeUInt16LE(end - keyEnd, at + 2);
  return end;
}

/** @throws RangeError when a key or value is too long */
export function encodeOperations(operations: readonly Operation[]): Uint8Array {
  const bytes = Buffer.alloc(operations.reduce((sum, one) => sum + sizeOf(one), 0));
  let at = 0;
  for (const one of operations) at = writeOperation(bytes, at, one);
  return bytes;
}

/** @returns undefined when the bytes are not operations */
export function decodeOperations(bytes: Uint8Array): Operation[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const operations: Operation[] = [];
  for (let at = 0; at < buffer.length;) {
    if (at + HEAD_BYTES > buffer.length) return undefined;
    const kind = KIND_NAMES.get(buffer.readUInt8(at));
    const keyEnd = at + HEAD_BYTES + buffer.readUInt8(at + 1);
    const end = keyEnd + buffer.readUInt16LE(at + 2);
    const key = buffer.subarray(at + HEAD_BYTES, keyEnd);
    const value = buffer.subarray(keyEnd, end);
    if (kind === undefined || end > buffer.length || value.length > MAX_VALUE_BYTES) return undefined;
    if (!isUtf8(key) || !isUtf8(value)) return undefined; // written again, these would be other bytes
    operations.push({ kind, key: key.toString(), value: value.toString() });
    at = end;
  }
  return operations;
}

const KIND_NAMES: ReadonlyMap<number, Kind> = new Map(
  Object.entries(KINDS).map(([kind, code]) => [code, kind as Kind]),
);

export function encodeResults(results: readonly Result[]): Uint8Array {
  const size = results.reduce((sum, { value = '' }) => sum + MAX_ANSWER_BYTES + Buffer.byteLength(value), 0);
  const bytes = Buffer.alloc(size);
  let at = 0;
  for (const { answer, value, count } of results) {
    at = bytes.writeUInt8(answer, at);
    if (value !== undefined) {
      const length = bytes.write(value, at + 2);
      at = bytes.writeUInt16LE(length, at) + length;
    }
    if (count !== undefined) at = bytes.writeUInt32LE(count, at);
  }
  return bytes.subarray(0, at);
}

/** @throws RangeError when these are not the results of `count` operations */
export function decodeResults(bytes: Uint8Array, count: number): Result[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const results: Result[] = [];
  let at = 0;
  for (let place = 0; place < count; place++) {
    const answer = buffer.readUInt8(at++) as Answer;
    if (answer === ANSWERS.value) {
      const end = at + 2 + buffer.readUInt16LE(at);
      results.push({ answer, value: buffer.toString('utf8', at + 2, end) });
      at = end;
    } else if (answer === ANSWERS.count) {
      results.push({ answer, count: buffer.readUInt32LE(at) });
      at += 4;
    } else results.push({ answer });
  }
  if (at !== buffer.length) throw new RangeError(`${bytes.length} bytes are not the results of ${count}`);
  return results;
}
