/** Writes replies, of RESP2 and RESP3, into memory that goes to the socket as it is. */
import { Buffer } from 'node:buffer';
import { copyBytes } from './copy-bytes.ts';

const SLAB_BYTES = 64 * 1024;
const LINE_END = '\r\n';
/** A type, a number of 64 bits and a line end. */
const LINE_BYTES = 24;
const CR = 13;
const LF = 10;
const ZERO = 48;
/** Numbers below this are written digit by digit. */
const SMALL = 1e9;
const OK = Buffer.from('+OK\r\n');

/** As bytes of one letter each. */
const TYPES = {
  simple: 43,
  error: 45,
  integer: 58,
  bulk: 36,
  array: 42,
  map: 37,
  push: 62,
  set: 126,
  double: 44,
} as const;

export type Protocol = 2 | 3;

/** An error ends where its line does. */
export function inOneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}

export class ReplyWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** What was written and not taken begins and ends here. */
  #from = 0;
  #at = 0;
  protocol: Protocol = 2;

  /** Bytes that were written since the last `take`. */
  get bytes(): number {
    return this.#at - this.#from;
  }

  /** What was written, in memory that is not written again. */
  take(): Buffer {
    const taken = this.#slab.subarray(this.#from, this.#at);
    this.#from = this.#at;
    if (this.#at === this.#slab.length || this.#slab.length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#from = this.#at = 0;
    }
    return taken;
  }

  /** Take back what was written after the first `bytes`, which is a part of another reply. */
  cut(bytes: number): Buffer {
    const from = this.#from + bytes;
    const part = Buffer.from(this.#slab.subarray(from, this.#at));
    this.#at = from;
    return part;
  }

  /** A word of this program. */
  simple(text: string): void {
    this.#line(TYPES.simple, text);
  }

  ok(): void {
    this.written(OK);
  }

  /** @param text its first word, in upper case, tells what kind of error it is */
  error(text: string): void {
    this.#line(TYPES.error, inOneLine(text));
  }

  integer(value: number | bigint): void {
    this.#count(TYPES.integer, value);
  }

  bulk(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#count(TYPES.bulk, bytes);
    this.#need(bytes + LINE_END.length);
    this.#at += this.#slab.write(text, this.#at);
    this.#lineEnd();
  }

  /** A number with a fraction, as text: RESP2 has it as a bulk string. */
  double(text: string): void {
    if (this.protocol === 3) this.#line(TYPES.double, text);
    else this.bulk(text);
  }

  /** A bulk string of the bytes from `from` to `end`. */
  bytesOf(source: Buffer, from: number, end: number): void {
    this.#count(TYPES.bulk, end - from);
    this.#need(end - from + LINE_END.length);
    copyBytes(this.#slab, this.#at, source, from, end);
    this.#at += end - from;
    this.#lineEnd();
  }

  /** Nothing, in place of a bulk string. */
  null(): void {
    this.raw(this.protocol === 3 ? '_\r\n' : '$-1\r\n');
  }

  /** Nothing, in place of an array. */
  nullArray(): void {
    this.raw(this.protocol === 3 ? '_\r\n' : '*-1\r\n');
  }

  /** Its `count` items follow. */
  array(count: number): void {
    this.#count(TYPES.array, count);
  }

  set(count: number): void {
    this.#count(this.protocol === 3 ? TYPES.set : TYPES.array, count);
  }

  /** Its `count` keys follow, each with its value. */
  map(count: number): void {
    if (this.protocol === 3) this.#count(TYPES.map, count);
    else this.array(2 * count);
  }

  /** What no command asked for: only RESP3 has it. */
  push(count: number): void {
    this.#count(TYPES.push, count);
  }

  /** Text that is part of the format. */
  raw(text: string): void {
    this.#need(text.length);
    this.#at += this.#slab.write(text, this.#at, 'latin1');
  }

  /** A reply that was written before. */
  written(reply: Buffer): void {
    this.#need(reply.length);
    copyBytes(this.#slab, this.#at, reply, 0, reply.length);
    this.#at += reply.length;
  }

  #line(type: number, text: string): void {
    this.#need(Buffer.byteLength(text) + LINE_BYTES);
    this.#slab[this.#at++] = type;
    this.#at += this.#slab.write(text, this.#at);
    this.#lineEnd();
  }

  #count(type: number, value: number | bigint): void {
    this.#need(LINE_BYTES);
    this.#slab[this.#at++] = type;
    if (value >= 0 && value < SMALL) this.#digits(Number(value));
    else this.#at += this.#slab.write(String(value), this.#at, 'latin1');
    this.#lineEnd();
  }

  #digits(value: number): void {
    let end = this.#at + 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++;
    this.#at = end;
    let rest = value;
    do {
      const tenth = Math.floor(rest / 10);
      this.#slab[--end] = ZERO + rest - 10 * tenth;
      rest = tenth;
    } while (rest > 0);
  }

  #lineEnd(): void {
    this.#slab[this.#at++] = CR;
    this.#slab[this.#at++] = LF;
  }

  /** Room for so many bytes behind what was written, which stays in one piece. */
  #need(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return;
    const written = this.bytes;
    const larger = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * (written + bytes)));
    this.#slab.copy(larger, 0, this.#from, this.#at);
    this.#slab = larger;
    this.#from = 0;
    this.#at = written;
  }
}
