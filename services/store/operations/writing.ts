/** Writes the parts that operations have in common. */
import { Buffer } from 'node:buffer';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './format.ts';

/** Text stands for its UTF-8 bytes. */
export type Data = string | Uint8Array;

export function writeHead(bytes: Buffer, at: number, kind: number, options: number, key: Data): number {
  bytes.writeUInt8(kind, at);
  bytes.writeUInt8(options, at + 1);
  return bytes.writeUInt16LE(dataBytes(key), at + 2);
}

export function writeData(bytes: Buffer, at: number, data: Data): number {
  if (typeof data === 'string') return at + bytes.write(data, at);
  bytes.set(data, at);
  return at + data.length;
}

export function keyBytes(key: Data): number {
  const size = dataBytes(key);
  if (size > MAX_KEY_BYTES) throw new RangeError(`a key has at most ${MAX_KEY_BYTES} bytes, and this has ${size}`);
  return size;
}

export function dataBytes(data: Data): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  if (data instanceof Uint8Array) return data.length;
  throw new TypeError(`a key or a value is text or a Uint8Array, not ${typeof data}`);
}

export function checkWhole(what: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
  throw new RangeError(`${what} is a whole number from 1 to ${most}, not ${value}`);
}

/** @throws RangeError when the value is too long */
export function valueBytes(value: Data): number {
  const size = dataBytes(value);
  if (size > MAX_VALUE_BYTES)
    throw new RangeError(`a value has at most ${MAX_VALUE_BYTES} bytes, and this has ${size}`);
  return size;
}
