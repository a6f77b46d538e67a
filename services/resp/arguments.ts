import { copyBytes } from './copy-bytes.ts';

/** The words of a command, where they lie in memory. */
export class Arguments {
  bytes: Buffer = Buffer.alloc(0);
  count = 0;
  /** Where each word begins and ends: the first `count` items, of arrays that are used again for each command. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  start(index: number): number {
    return this.starts[index] ?? 0;
  }

  end(index: number): number {
    return this.ends[index] ?? 0;
  }

  length(index: number): number {
    return this.end(index) - this.start(index);
  }

  /** The word's own bytes, which change once the command was executed. */
  slice(index: number): Buffer {
    return this.bytes.subarray(this.start(index), this.end(index));
  }

  /** Copy the word to byte `at` of the target. */
  copyTo(index: number, target: Buffer, at: number): void {
    copyBytes(target, at, this.bytes, this.start(index), this.end(index));
  }

  text(index: number): string {
    return this.bytes.toString('utf8', this.start(index), this.end(index));
  }

  /** The word as letters of one byte each, in upper case: for names and options. */
  word(index: number): string {
    return this.bytes.toString('latin1', this.start(index), this.end(index)).toUpperCase();
  }

  /** Bytes of all words. */
  totalBytes(): number {
    let total = 0;
    for (let index = 0; index < this.count; index++) total += this.length(index);
    return total;
  }

  /** The words from one on, in the same memory. */
  from(first: number): Arguments {
    const rest = new Arguments();
    rest.bytes = this.bytes;
    rest.count = this.count - first;
    for (let index = first; index < this.count; index++) {
      rest.starts.push(this.start(index));
      rest.ends.push(this.end(index));
    }
    return rest;
  }

  /** The same words, in memory of their own. */
  copy(): Arguments {
    const own = new Arguments();
    own.bytes = Buffer.allocUnsafe(this.totalBytes());
    own.count = this.count;
    let at = 0;
    for (let index = 0; index < this.count; index++) {
      own.starts.push(at);
      at += this.bytes.copy(own.bytes, at, this.start(index), this.end(index));
      own.ends.push(at);
    }
    return own;
  }
}
