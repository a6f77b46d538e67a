/** Items of an operation that have a number each, read where they lie: f64 score or weight, u32 bytes, member or key. */
import { NOTHING } from '../engine/index.ts';
import type { OperationFields } from '../form.ts';
import { NUMBER_BYTES, VALUE_LENGTH_BYTES } from '../operations.ts';

export const SCORED_HEAD_BYTES = NUMBER_BYTES + VALUE_LENGTH_BYTES;

/** How many of them the value of an operation is; -1: none, or one has more bytes than it may, or no number. */
export function scoredItemsIn({ memory, value, valueLength }: OperationFields, maxBytes: number): number {
  const end = value + valueLength;
  let count = 0;
  for (let at = value; at < end; count++) {
    if (at + SCORED_HEAD_BYTES > end || Number.isNaN(memory.getFloat64(at, true))) return -1;
    const length = memory.getUint32(at + NUMBER_BYTES, true);
    at += SCORED_HEAD_BYTES + length;
    if (length > maxBytes || at > end) return -1;
  }
  return count;
}

export class ScoredItems {
  #next = 0;
  #end = 0;
  memory: DataView = NOTHING;
  /** Of the present one. */
  score = 0;
  from = 0;
  length = 0;

  begin({ memory, value, valueLength }: OperationFields): void {
    this.memory = memory;
    this.#next = value;
    this.#end = value + valueLength;
  }

  /** Go to the next one. @returns whether there is one */
  next(): boolean {
    if (this.#next >= this.#end) return false;
    this.score = this.memory.getFloat64(this.#next, true);
    this.length = this.memory.getUint32(this.#next + NUMBER_BYTES, true);
    this.from = this.#next + SCORED_HEAD_BYTES;
    this.#next = this.from + this.length;
    return true;
  }
}
