/** Patterns of keys, as Redis has them: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before what stands for itself. */
const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const CLOSE = 93;
const CARET = 94;
const BACKSLASH = 92;
const DASH = 45;

/** Reads one pattern; made anew for each, since what it remembers of the last star is its own. */
export class Glob {
  readonly #memory: DataView;
  readonly #from: number;
  readonly #end: number;
  /** Where the pattern goes on after what was compared last. */
  #next = 0;

  constructor(memory: DataView, from: number, length: number) {
    this.#memory = memory;
    this.#from = from;
    this.#end = from + length;
  }

  /** Whether it fits everything. */
  get isAll(): boolean {
    return this.#end === this.#from + 1 && this.#memory.getUint8(this.#from) === STAR;
  }

  /**
   * Whether a text fits. After what does not fit, the last star takes one byte more; those before it need not be looked at again. So
   * this takes at most as long as the product of both lengths.
   */
  fits(text: DataView, from: number, length: number): boolean {
    let pattern = this.#from;
    let at = from;
    const end = from + length;
    let star = -1;
    let starAt = 0;
    while (at < end) {
      if (pattern < this.#end && this.#memory.getUint8(pattern) === STAR) {
        star = ++pattern;
        starAt = at;
      } else if (pattern < this.#end && this.#fitsOne(pattern, text.getUint8(at))) {
        pattern = this.#next;
        at++;
      } else if (star >= 0) {
        pattern = star;
        at = ++starAt;
      } else {
        return false;
      }
    }
    while (pattern < this.#end && this.#memory.getUint8(pattern) === STAR) pattern++;
    return pattern === this.#end;
  }

  #fitsOne(pattern: number, byte: number): boolean {
    const own = this.#memory.getUint8(pattern);
    if (own === OPEN) return this.#fitsClass(pattern + 1, byte);
    const isEscaped = own === BACKSLASH && pattern + 1 < this.#end;
    this.#next = pattern + (isEscaped ? 2 : 1);
    if (own === QUESTION) return true;
    return byte === (isEscaped ? this.#memory.getUint8(pattern + 1) : own);
  }

  /** A class without an end goes to the end of the pattern. */
  #fitsClass(from: number, byte: number): boolean {
    let at = from;
    const isNot = at < this.#end && this.#memory.getUint8(at) === CARET;
    if (isNot) at++;
    let isIn = false;
    while (at < this.#end && this.#memory.getUint8(at) !== CLOSE) {
      if (this.#memory.getUint8(at) === BACKSLASH && at + 1 < this.#end) at++;
      const first = this.#memory.getUint8(at++);
      let last = first;
      if (at + 1 < this.#end && this.#memory.getUint8(at) === DASH && this.#memory.getUint8(at + 1) !== CLOSE) {
        last = this.#memory.getUint8(at + 1);
        at += 2;
      }
      isIn ||= byte >= Math.min(first, last) && byte <= Math.max(first, last);
    }
    this.#next = Math.min(at + 1, this.#end);
    return isIn !== isNot;
  }
}
