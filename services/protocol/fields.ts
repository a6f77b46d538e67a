/**
 * The vocabulary in which control frames are described: each field knows how to write, read and name itself, and a frame is an
 * ordered record of fields. All integers are little-endian and unsigned. Reading never trusts a length: a list is refused
 * before it is allocated when the frame cannot hold it.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_EXACT_U64, MAX_WORKER_ID } from './limits.ts';
import { checkU32, getU64, memoryOf, setU32, setU64 } from './little-endian.ts';

/** The bytes are not a frame of this protocol; the message says what is wrong and where. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** A little-endian buffer that grows up to `maxBytes`. Every method throws RangeError for a value that does not fit. */
export class Writer {
  private bytes: Buffer;
  private length = 0;
  private readonly maxBytes: number;

  /** @param expectedBytes what is probably written: more costs copies */
  constructor(maxBytes = Infinity, expectedBytes = 256) {
    this.maxBytes = maxBytes;
    this.bytes = Buffer.allocUnsafe(expectedBytes);
  }

  /** Make room for `count` bytes and return where they begin. */
  private reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.maxBytes) throw new RangeError(`more than the limit of ${this.maxBytes} bytes is written`);
    if (this.length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.length, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, at);
      this.bytes = larger;
    }
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.bytes.writeUInt8(checkU32(value), at);
  }
  u16(value: number): void {
    const at = this.reserve(2);
    this.bytes.writeUInt16LE(checkU32(value), at);
  }
  u32(value: number): void {
    const at = this.reserve(4);
    setU32(memoryOf(this.bytes), this.bytes.byteOffset + at, value);
  }
  u64(value: number): void {
    const at = this.reserve(8);
    setU64(memoryOf(this.bytes), this.bytes.byteOffset + at, value);
  }
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.bytes.set(value, at);
  }
  hex(value: string, size: number): void {
    const at = this.reserve(size);
    if (value.length !== 2 * size || this.bytes.write(value, at, size, 'hex') !== size) {
      throw new RangeError(`'${value}' is not ${size} bytes of hex`);
    }
  }
  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}

/** A bounds-checked little-endian cursor over one frame or record, from byte `start` on. */
export class Reader {
  private at: number;
  private readonly bytes: Buffer;

  constructor(bytes: Uint8Array, start = 0) {
    this.at = start;
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  private take(count: number): number {
    const at = this.at;
    if (count > this.bytes.length - at) {
      throw new FrameError(`the frame ends at byte ${this.bytes.length}, but ${count} bytes are due at byte ${at}`);
    }
    this.at += count;
    return at;
  }

  u8(): number {
    return this.bytes.readUInt8(this.take(1));
  }
  u16(): number {
    return this.bytes.readUInt16LE(this.take(2));
  }
  u32(): number {
    return this.bytes.readUInt32LE(this.take(4));
  }
  u64(): number {
    const at = this.take(8);
    return checkExact(getU64(memoryOf(this.bytes), this.bytes.byteOffset + at), at);
  }
  /** A view of the frame, not a copy. */
  raw(count: number): Buffer {
    const at = this.take(count);
    return this.bytes.subarray(at, at + count);
  }
  end(): void {
    if (this.remaining > 0) throw new FrameError(`${this.remaining} bytes follow the end of the frame`);
  }
}

/** A u64 that was read from byte `at` of a frame. @throws FrameError when a number cannot hold it exactly */
export function checkExact(value: number, at: number): number {
  if (!(value <= MAX_EXACT_U64)) throw new FrameError(`the number at byte ${at} exceeds 2^54, or is odd above 2^53`);
  return value;
}

/** A worker's id as the key of a map. @throws FrameError when no worker can have it */
export function checkWorkerId(id: number): number {
  if (id > MAX_WORKER_ID) throw new FrameError(`worker ids go up to ${MAX_WORKER_ID}, and ${id} is named`);
  return id;
}

/** One field of a frame. `layout` is its entry in the wire document; `smallest` its least size in bytes. */
export interface Field<T> {
  readonly layout: string;
  readonly smallest: number;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type ValueOf<F> = F extends Field<infer T> ? T : never;
export type Values<S> = { readonly [K in keyof S]: ValueOf<S[K]> };

export const u8: Field<number> = { layout: 'u8', smallest: 1, write: (w, v) => w.u8(v), read: (r) => r.u8() };
export const u16: Field<number> = { layout: 'u16', smallest: 2, write: (w, v) => w.u16(v), read: (r) => r.u16() };
export const u32: Field<number> = { layout: 'u32', smallest: 4, write: (w, v) => w.u32(v), read: (r) => r.u32() };
export const u64: Field<number> = { layout: 'u64', smallest: 8, write: (w, v) => w.u64(v), read: (r) => r.u64() };

export const flag: Field<boolean> = {
  layout: 'u8 (0 or 1)',
  smallest: 1,
  write: (w, v) => w.u8(v ? 1 : 0),
  read(r) {
    const value = r.u8();
    if (value > 1) throw new FrameError(`a flag is 0 or 1, not ${value}`);
    return value === 1;
  },
};

/** Random identity of `size` bytes, as lower-case hex in memory. */
function identity(size: number): Field<string> {
  return {
    layout: `${size} bytes`,
    smallest: size,
    write: (w, v) => w.hex(v, size),
    read: (r) => r.raw(size).toString('hex'),
  };
}
export const id128 = identity(16);
export const id64 = identity(8);

/** A name, an address or a secret: one that is too long is refused. */
export function text(maxBytes: number): Field<string> {
  return {
    layout: `u16 length (<= ${maxBytes}), UTF-8`,
    smallest: 2,
    write(w, v) {
      const bytes = Buffer.from(v, 'utf8');
      if (bytes.length > maxBytes) {
        throw new RangeError(`a text of ${bytes.length} bytes exceeds its limit of ${maxBytes}`);
      }
      w.u16(bytes.length);
      w.raw(bytes);
    },
    read(r) {
      const length = r.u16();
      if (length > maxBytes) throw new FrameError(`a text of ${length} bytes exceeds its limit of ${maxBytes}`);
      const bytes = r.raw(length);
      if (!isUtf8(bytes)) throw new FrameError('a text is not valid UTF-8');
      return bytes.toString('utf8');
    },
  };
}

/** Words for people: a text whose end is cut off, between two characters, where it exceeds the limit. */
export function prose(maxBytes: number): Field<string> {
  const whole = text(maxBytes);
  return {
    ...whole,
    write(w, v) {
      const bytes = Buffer.from(v, 'utf8');
      let end = Math.min(bytes.length, maxBytes);
      while (isContinuation(bytes[end])) end--;
      whole.write(w, bytes.toString('utf8', 0, end));
    },
  };
}

/** Whether a byte is inside a UTF-8 character, not at its beginning. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** One of a fixed list of words, by its place in the list. */
export function choice<const T extends readonly string[]>(...words: T): Field<T[number]> {
  return {
    layout: `u8: ${words.map((word, place) => `${place} ${word}`).join(', ')}`,
    smallest: 1,
    write: (w, v) => w.u8(words.indexOf(v)),
    read(r) {
      const place = r.u8();
      const word = words[place];
      if (word === undefined) throw new FrameError(`${place} is not one of ${words.join(', ')}`);
      return word;
    },
  };
}

export function list<T>(item: Field<T>, max: number): Field<readonly T[]> {
  return {
    layout: `u32 count (<= ${max}), each: ${item.layout}`,
    smallest: 4,
    write(w, v) {
      if (v.length > max) throw new RangeError(`a list of ${v.length} exceeds its limit of ${max}`);
      w.u32(v.length);
      for (const one of v) item.write(w, one);
    },
    read(r) {
      const count = r.u32();
      checkCount(r, count, max, item.smallest);
      return Array.from({ length: count }, () => item.read(r));
    },
  };
}

/** Worker id to a number (a version or an incarnation), each id once; written in the map's order. */
export function byWorker(value: Field<number>, max: number): Field<ReadonlyMap<number, number>> {
  const entry = u32.smallest + value.smallest;
  return {
    layout: `u32 count (<= ${max}), each: u32 worker, ${value.layout}`,
    smallest: 4,
    write(w, v) {
      if (v.size > max) throw new RangeError(`a map of ${v.size} exceeds its limit of ${max}`);
      w.u32(v.size);
      for (const [worker, number] of v) {
        if (worker > MAX_WORKER_ID) throw new RangeError(`worker ids go up to ${MAX_WORKER_ID}, not ${worker}`);
        w.u32(worker);
        value.write(w, number);
      }
    },
    read(r) {
      const count = r.u32();
      checkCount(r, count, max, entry);
      const map = new Map<number, number>();
      for (let i = 0; i < count; i++) map.set(checkWorkerId(r.u32()), value.read(r));
      if (map.size !== count) throw new FrameError('a worker is named twice');
      return map;
    },
  };
}

export function struct<const S extends Record<string, Field<unknown>>>(fields: S): Field<Values<S>> {
  const entries = Object.entries(fields);
  return {
    layout: `{ ${entries.map(([name, field]) => `${name}: ${field.layout}`).join('; ')} }`,
    smallest: entries.reduce((sum, [, field]) => sum + field.smallest, 0),
    write(w, v) {
      for (const [name, field] of entries) field.write(w, (v as Record<string, unknown>)[name]);
    },
    read(r) {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = field.read(r);
      return value as Values<S>;
    },
  };
}

/** Objects that do not change once they were written: each is encoded once, however often it is sent. */
export function remembered<T extends object>(field: Field<T>): Field<T> {
  const encoded = new WeakMap<T, Uint8Array>();
  return {
    ...field,
    write(w, v) {
      let bytes = encoded.get(v);
      if (bytes === undefined) {
        const own = new Writer();
        field.write(own, v);
        bytes = own.finish();
        encoded.set(v, bytes);
      }
      w.raw(bytes);
    },
  };
}

/** A value that may be absent: a flag byte, then the value if the flag is 1. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    layout: `u8 present (0 or 1), if 1: ${field.layout}`,
    smallest: 1,
    write(w, v) {
      flag.write(w, v !== undefined);
      if (v !== undefined) field.write(w, v);
    },
    read: (r) => (flag.read(r) ? field.read(r) : undefined),
  };
}

/** A count is refused before anything is allocated for it. */
function checkCount(reader: Reader, count: number, max: number, itemBytes: number): void {
  if (count > max) throw new FrameError(`a count of ${count} exceeds its limit of ${max}`);
  if (count * itemBytes > reader.remaining) {
    throw new FrameError(`a count of ${count} does not fit into the ${reader.remaining} bytes that remain`);
  }
}
