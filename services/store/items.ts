/** The items of an operation, read where they lie. */
import type { OperationFields } from './form.ts';
import { VALUE_LENGTH_BYTES } from './operations.ts';

/** How many whole items lie between two bytes; -1: what is there are none. */
export function countItems(memory: DataView, from: number, end: number, mostBytes: number): number {
  let count = 0;
  let at = from;
  while (at < end) {
    if (at + VALUE_LENGTH_BYTES > end) return -1;
    const length = memory.getUint32(at, true);
    at += VALUE_LENGTH_BYTES + length;
    if (length > mostBytes || at > end) return -1;
    count++;
  }
  return count;
}

/** How many items the value of an operation is; -1: none, or one has more bytes than it may. */
export function itemsIn({ memory, value, valueLength }: OperationFields, maxBytes: number): number {
  return countItems(memory, value, value + valueLength, maxBytes);
}

export class Items {
  #next = 0;
  #end = 0;
  memory: DataView = new DataView(new ArrayBuffer(0));
  /** The present one. */
  from = 0;
  length = 0;

  begin(memory: DataView, from: number, length: number): void {
    this.memory = memory;
    this.#next = from;
    this.#end = from + length;
  }

  /** Go to the next one. @returns whether there is one */
  next(): boolean {
    if (this.#next >= this.#end) return false;
    this.length = this.memory.getUint32(this.#next, true);
    this.from = this.#next + VALUE_LENGTH_BYTES;
    this.#next = this.from + this.length;
    return true;
  }
}
