/**
 * Reads commands out of what a client sends, however it is cut into pieces: arrays of bulk strings, and lines. Words stay where they lie in
 * the piece that brought them; only a command that is not complete is copied, into memory that grows with what has come of it and not
 * with what it says that will come.
 */
import { Arguments } from './arguments.ts';
import { readInline } from './inline-command.ts';
import {
  MAX_ARGUMENTS,
  MAX_BULK_BYTES,
  MAX_COUNT_BYTES,
  MAX_GUEST_ARGUMENTS,
  MAX_GUEST_BULK_BYTES,
  MAX_INLINE_BYTES,
  MAX_QUERY_BYTES,
} from './limits.ts';

const CR = 13;
const LF = 10;
const ARRAY = 42;
const BULK = 36;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const LINE_END_BYTES = 2;
const NOTHING = Buffer.alloc(0);
/** No command has begun. */
const NONE = -1;

/** What was sent is not RESP: the connection cannot go on. */
export class RespSyntaxError extends Error {
  override readonly name = 'RespSyntaxError';
}

export class CommandParser {
  /** The words of the command that `next` found. */
  readonly found = new Arguments();
  /** The client has not shown the token that is asked for: it may send little. */
  isGuest = false;
  #bytes: Buffer = NOTHING;
  /** Whether the bytes are the parser's own, and there is room behind them. */
  #isOwn = false;
  /** Where the first command that was not returned begins, how far it was looked at, and where the bytes end. */
  #from = 0;
  #at = 0;
  #end = 0;
  /** Words of the command: found so far, relative to its beginning; and all, `NONE` while that is not known. */
  #words = 0;
  #wordsWanted = NONE;
  readonly #wordAt: number[] = [];
  readonly #wordEnd: number[] = [];
  /** The length of the word that comes next; `NONE` while it is not known. */
  #wordBytes = NONE;

  /** Bytes of commands that were not returned yet. */
  get heldBytes(): number {
    return this.#end - this.#from;
  }

  /** Bytes of memory that are held for them. */
  get memoryBytes(): number {
    return this.heldBytes === 0 ? 0 : Math.max(this.heldBytes, this.#isOwn ? this.#bytes.length : 0);
  }

  /** @param piece what came: it must stay as it is until everything in it was returned, or the next one comes */
  push(piece: Buffer): void {
    if (this.heldBytes === 0) {
      this.#bytes = piece;
      this.#isOwn = false;
      this.#at -= this.#from;
      this.#from = 0;
      this.#end = piece.length;
      return;
    }
    this.#makeRoom(piece.length);
    this.#end += piece.copy(this.#bytes, this.#end);
  }

  #makeRoom(more: number): void {
    if (this.#isOwn && this.#end + more <= this.#bytes.length) return;
    const held = this.heldBytes;
    const room = Math.max(held + more, Math.min(2 * held, MAX_QUERY_BYTES));
    const larger = Buffer.allocUnsafeSlow(room);
    this.#bytes.copy(larger, 0, this.#from, this.#end);
    this.#bytes = larger;
    this.#isOwn = true;
    this.#at -= this.#from;
    this.#from = 0;
    this.#end = held;
  }

  /**
   * Look for the next command.
   * @returns whether one is complete: its words are in `found` until the next call
   * @throws RespSyntaxError
   */
  next(): boolean {
    while (this.#from < this.#end) {
      if (this.#wordsWanted === NONE && !this.#begin()) return false;
      if (this.#wordsWanted === NONE) {
        if (this.found.count > 0) return true; // a line
        continue;
      }
      if (!this.#readWords()) return false;
      this.#take();
      if (this.found.count > 0) return true;
    }
    if (this.#isOwn) this.#letGo();
    return false;
  }

  #letGo(): void {
    this.#bytes = NOTHING;
    this.#isOwn = false;
    this.#from = this.#at = this.#end = 0;
  }

  /** @returns false when more has to come; a line is found as a whole */
  #begin(): boolean {
    if (this.#bytes[this.#from] !== ARRAY) return this.#readLine();
    const count = this.#readCount(this.#from + 1, 'invalid multibulk length');
    if (count === undefined) return false;
    if (count > (this.isGuest ? MAX_GUEST_ARGUMENTS : MAX_ARGUMENTS)) throw wrong('invalid multibulk length');
    this.#wordsWanted = Math.max(0, count);
    this.#words = 0;
    return true;
  }

  #readLine(): boolean {
    const most = this.isGuest ? MAX_GUEST_BULK_BYTES : MAX_INLINE_BYTES;
    const end = this.#bytes.indexOf(LF, this.#at);
    const length = (end < 0 || end >= this.#end ? this.#end : end) - this.#from;
    if (length > most) throw wrong('too big inline request');
    if (end < 0 || end >= this.#end) {
      this.#at = this.#end;
      return false;
    }
    const hasCr = end > this.#from && this.#bytes[end - 1] === CR;
    if (!readInline(this.#bytes, this.#from, hasCr ? end - 1 : end, this.found))
      throw wrong('unbalanced quotes in request');
    this.#from = this.#at = end + 1;
    return true;
  }

  /** @returns false when more has to come */
  #readWords(): boolean {
    for (; this.#words < this.#wordsWanted; this.#words++) {
      if (this.#wordBytes === NONE && !this.#readWordLength()) return false;
      const end = this.#at + this.#wordBytes;
      if (end + LINE_END_BYTES > this.#end) return false;
      if (this.#bytes[end] !== CR || this.#bytes[end + 1] !== LF) throw wrong('a bulk string ends with CR LF');
      this.#wordAt[this.#words] = this.#at - this.#from;
      this.#wordEnd[this.#words] = end - this.#from;
      this.#at = end + LINE_END_BYTES;
      this.#wordBytes = NONE;
    }
    return true;
  }

  #readWordLength(): boolean {
    if (this.#at === this.#end) return false;
    const first = this.#bytes[this.#at] ?? 0;
    if (first !== BULK) throw wrong(`expected '$', got '${String.fromCharCode(first)}'`);
    const length = this.#readCount(this.#at + 1, 'invalid bulk length');
    if (length === undefined) return false;
    if (length < 0 || length > (this.isGuest ? MAX_GUEST_BULK_BYTES : MAX_BULK_BYTES))
      throw wrong('invalid bulk length');
    if (this.#at - this.#from + length + LINE_END_BYTES > MAX_QUERY_BYTES) throw wrong('too big request');
    this.#wordBytes = length;
    return true;
  }

  /**
   * Read the number from byte `from` to the end of its line, and go behind it.
   * @returns undefined when more has to come
   */
  #readCount(from: number, what: string): number | undefined {
    let at = from;
    const isNegative = at < this.#end && this.#bytes[at] === MINUS;
    if (isNegative) at++;
    const digits = at;
    let number = 0;
    for (; at < this.#end; at++) {
      const byte = this.#bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      if (at - from >= MAX_COUNT_BYTES) throw wrong(what);
      number = number * 10 + byte - ZERO;
    }
    if (at + LINE_END_BYTES > this.#end) {
      if (at < this.#end && this.#bytes[at] !== CR) throw wrong(what);
      return undefined;
    }
    if (at === digits || this.#bytes[at] !== CR || this.#bytes[at + 1] !== LF) throw wrong(what);
    this.#at = at + LINE_END_BYTES;
    return isNegative ? -number : number;
  }

  /** The command is complete: tell where its words are, and go behind it. */
  #take(): void {
    const { found } = this;
    found.bytes = this.#bytes;
    found.count = this.#wordsWanted;
    for (let index = 0; index < this.#wordsWanted; index++) {
      found.starts[index] = this.#from + (this.#wordAt[index] ?? 0);
      found.ends[index] = this.#from + (this.#wordEnd[index] ?? 0);
    }
    this.#from = this.#at;
    this.#wordsWanted = NONE;
  }
}

function wrong(text: string): RespSyntaxError {
  return new RespSyntaxError(`Protocol error: ${text}`);
}
