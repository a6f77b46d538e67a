/** The operations of a batch, read where they lie. */
import { MAX_REVISION } from './engine/index.ts';
import {
  KINDS,
  MAX_TIME_TO_LIVE_MS,
  MAX_VALUE_BYTES,
  NUMBER_BYTES,
  OPERATION_HEAD_BYTES,
  OPTIONS,
  VALUE_LENGTH_BYTES,
} from './operations.ts';

/** Options that each kind may have. */
const ALLOWED: Readonly<Record<number, number>> = {
  [KINDS.get]: 0,
  [KINDS.set]: OPTIONS.ifAbsent | OPTIONS.ifPresent | OPTIONS.ifRevision | OPTIONS.timeToLive,
  [KINDS.delete]: OPTIONS.ifRevision,
  [KINDS.increment]: 0,
};

export class BatchReader {
  #memory = new DataView(new ArrayBuffer(0));
  /** Where the next operation begins. */
  position = 0;
  #end = 0;
  kind = 0;
  options = 0;
  /** Where key and value begin in `memory`, and how long they are. */
  key = 0;
  keyLength = 0;
  value = 0;
  valueLength = 0;
  /** 0 unless the options say that there is one. */
  timeToLiveMs = 0;
  revision = 0;
  /** Where the amount of an increment is. */
  amount = 0;

  get memory(): DataView {
    return this.#memory;
  }

  begin(operations: Uint8Array): void {
    // A view for each batch: batches of many sessions share no memory that would be worth keeping one for.
    this.#memory = new DataView(operations.buffer, operations.byteOffset, operations.length) as DataView<ArrayBuffer>;
    this.position = 0;
    this.#end = operations.length;
  }

  get isAtEnd(): boolean {
    return this.position === this.#end;
  }

  /** Read the next operation. @returns false when it is none; what is then in the fields is undefined */
  read(): boolean {
    const memory = this.#memory;
    let at = this.position;
    if (at + OPERATION_HEAD_BYTES > this.#end) return false;
    this.kind = memory.getUint8(at);
    this.options = memory.getUint8(at + 1);
    this.keyLength = memory.getUint16(at + 2, true);
    const allowed = ALLOWED[this.kind];
    if (allowed === undefined || (this.options & ~allowed) !== 0) return false;
    at += OPERATION_HEAD_BYTES;
    const fixed = at + this.#fixedBytes();
    if (fixed > this.#end) return false;
    this.#readFixed(at);
    this.key = fixed;
    this.value = fixed + this.keyLength;
    this.position = this.value + this.valueLength;
    return this.position <= this.#end && this.#isWithinLimits();
  }

  /** Bytes between the head and the key. */
  #fixedBytes(): number {
    const length = this.kind === KINDS.set ? VALUE_LENGTH_BYTES : 0;
    const amount = this.kind === KINDS.increment ? NUMBER_BYTES : 0;
    return (
      length +
      amount +
      (this.#has(OPTIONS.timeToLive) ? NUMBER_BYTES : 0) +
      (this.#has(OPTIONS.ifRevision) ? NUMBER_BYTES : 0)
    );
  }

  #readFixed(from: number): void {
    let at = from;
    this.amount = from;
    this.valueLength = this.kind === KINDS.set ? this.#memory.getUint32(at, true) : 0;
    if (this.kind === KINDS.set) at += VALUE_LENGTH_BYTES;
    this.timeToLiveMs = this.#has(OPTIONS.timeToLive) ? this.#memory.getFloat64(at, true) : 0;
    if (this.#has(OPTIONS.timeToLive)) at += NUMBER_BYTES;
    this.revision = this.#has(OPTIONS.ifRevision) ? this.#memory.getFloat64(at, true) : 0;
  }

  #isWithinLimits(): boolean {
    return (
      this.valueLength <= MAX_VALUE_BYTES &&
      (!this.#has(OPTIONS.timeToLive) || isWhole(this.timeToLiveMs, MAX_TIME_TO_LIVE_MS)) &&
      (!this.#has(OPTIONS.ifRevision) || isWhole(this.revision, MAX_REVISION))
    );
  }

  #has(option: number): boolean {
    return (this.options & option) !== 0;
  }
}

function isWhole(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}
