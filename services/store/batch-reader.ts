/** The operations of a batch, read where they lie. */
import { MAX_REVISION } from './engine/index.ts';
import type { Form, OperationFields } from './form.ts';
import { MAX_FRACTION_TEXT_BYTES } from './fraction.ts';
import { isListOperation, LIST_FORMS } from './lists/list-forms.ts';
import {
  END_POSITION,
  EXPIRE_OPTIONS,
  FLUSH_WHOLE,
  GET_GUARD,
  KINDS,
  MAX_KEY_BYTES,
  MAX_TIME_TO_LIVE_MS,
  MAX_VALUE_BYTES,
  NUMBER_BYTES,
  OPERATION_HEAD_BYTES,
  OPTIONS,
  SCAN_TYPE_MASK,
  SIZE_OF_DEADLINES,
  VALUE_LENGTH_BYTES,
} from './operations.ts';
import { isListKind } from './operations/lists.ts';
import { isSetKind } from './operations/sets.ts';
import { isSetOperation, SET_FORMS } from './sets/forms.ts';

const TIME_OPTIONS = OPTIONS.timeToLive | OPTIONS.deadline;

const FORMS: Readonly<Record<number, Form>> = {
  [KINDS.get]: { options: OPTIONS.inOrder | GET_GUARD, numbers: 0 },
  [KINDS.set]: {
    options: OPTIONS.ifAbsent | OPTIONS.ifPresent | OPTIONS.ifRevision | TIME_OPTIONS | OPTIONS.keepDeadline,
    maxValueBytes: MAX_VALUE_BYTES,
    numbers: 0,
  },
  [KINDS.delete]: { options: OPTIONS.ifRevision, numbers: 0 },
  [KINDS.increment]: { options: 0, numbers: 1 },
  [KINDS.head]: { options: 0, numbers: 0 },
  [KINDS.range]: { options: OPTIONS.inOrder, numbers: 2 },
  [KINDS.patch]: { options: 0, maxValueBytes: MAX_VALUE_BYTES, numbers: 1 },
  [KINDS.expire]: {
    options:
      EXPIRE_OPTIONS.ifNone |
      EXPIRE_OPTIONS.ifSome |
      EXPIRE_OPTIONS.ifLater |
      EXPIRE_OPTIONS.ifEarlier |
      OPTIONS.timeToLive,
    numbers: 1,
  },
  [KINDS.copy]: { options: OPTIONS.ifAbsent | OPTIONS.move, maxValueBytes: MAX_KEY_BYTES, numbers: 0 },
  [KINDS.scan]: { options: OPTIONS.inOrder | SCAN_TYPE_MASK, maxValueBytes: MAX_KEY_BYTES, numbers: 2 },
  [KINDS.flush]: { options: FLUSH_WHOLE, numbers: 2 },
  [KINDS.incrementFloat]: { options: OPTIONS.inOrder, maxValueBytes: MAX_FRACTION_TEXT_BYTES, numbers: 0 },
  [KINDS.expect]: { options: 0, numbers: 2 },
  [KINDS.size]: { options: SIZE_OF_DEADLINES, numbers: 0 },
  ...LIST_FORMS,
  ...SET_FORMS,
};

export class BatchReader implements OperationFields {
  #memory = new DataView(new ArrayBuffer(0));
  #next = 0;
  #end = 0;
  kind = 0;
  options = 0;
  /** Where key and value begin in `memory`, and how long they are. */
  key = 0;
  keyLength = 0;
  value = 0;
  valueLength = 0;
  /** Of `set`; 0 unless the options say that there is one. */
  time = 0;
  revision = 0;
  /** The numbers that a kind has whatever its options say; of an increment, where its amount is. */
  first = 0;
  second = 0;
  third = 0;
  amount = 0;

  get memory(): DataView {
    return this.#memory;
  }

  begin(operations: Uint8Array): void {
    // A view for each batch: batches of many sessions share no memory that would be worth keeping one for.
    this.#memory = new DataView(operations.buffer, operations.byteOffset, operations.length) as DataView<ArrayBuffer>;
    this.#next = 0;
    this.#end = operations.length;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#end;
  }

  /** Read the next operation. @returns false when it is none; what is then in the fields is undefined */
  read(): boolean {
    const memory = this.#memory;
    let at = this.#next;
    if (at + OPERATION_HEAD_BYTES > this.#end) return false;
    this.kind = memory.getUint8(at);
    this.options = memory.getUint8(at + 1);
    this.keyLength = memory.getUint16(at + 2, true);
    const form = FORMS[this.kind];
    if (form === undefined || (this.options & ~form.options) !== 0) return false;
    at += OPERATION_HEAD_BYTES;
    const fixed = at + this.#fixedBytes(form);
    if (fixed > this.#end) return false;
    this.#readFixed(form, at);
    this.key = fixed;
    this.value = fixed + this.keyLength;
    this.#next = this.value + this.valueLength;
    return this.#next <= this.#end && this.valueLength <= (form.maxValueBytes ?? 0) && this.#isWithinLimits();
  }

  /** Bytes between the head and the key. */
  #fixedBytes(form: Form): number {
    const length = form.maxValueBytes === undefined ? 0 : VALUE_LENGTH_BYTES;
    const numbers = form.numbers + (this.#hasTime() ? 1 : 0) + (this.#hasRevision() ? 1 : 0);
    return length + numbers * NUMBER_BYTES;
  }

  #readFixed(form: Form, from: number): void {
    const memory = this.#memory;
    let at = from;
    this.valueLength = 0;
    if (form.maxValueBytes !== undefined) {
      this.valueLength = memory.getUint32(at, true);
      at += VALUE_LENGTH_BYTES;
    }
    this.amount = at;
    this.first = form.numbers > 0 ? memory.getFloat64(at, true) : 0;
    this.second = form.numbers > 1 ? memory.getFloat64(at + NUMBER_BYTES, true) : 0;
    this.third = form.numbers > 2 ? memory.getFloat64(at + 2 * NUMBER_BYTES, true) : 0;
    at += form.numbers * NUMBER_BYTES;
    this.time = this.#hasTime() ? memory.getFloat64(at, true) : 0;
    if (this.#hasTime()) at += NUMBER_BYTES;
    this.revision = this.#hasRevision() ? memory.getFloat64(at, true) : 0;
  }

  #isWithinLimits(): boolean {
    const { first, second } = this;
    switch (this.kind) {
      case KINDS.set:
      case KINDS.delete:
        return this.#hasRightTime() && (!this.#hasRevision() || isWhole(this.revision, 1, MAX_REVISION));
      case KINDS.range:
        return Number.isSafeInteger(first) && Number.isSafeInteger(second);
      case KINDS.patch:
        return isWhole(first, -1, MAX_VALUE_BYTES);
      case KINDS.expire:
        return Number.isSafeInteger(first);
      case KINDS.scan:
      case KINDS.flush:
        return isWhole(first, 0, END_POSITION - 1) && isWhole(second, 1, Number.MAX_SAFE_INTEGER);
      case KINDS.expect:
        return isWhole(first, 0, MAX_REVISION) && isWhole(second, 0, Number.MAX_SAFE_INTEGER);
      default:
        if (isSetKind(this.kind)) return isSetOperation(this);
        return !isListKind(this.kind) || isListOperation(this);
    }
  }

  /** At most one thing is said of the key's time. */
  #hasRightTime(): boolean {
    const said = this.options & (TIME_OPTIONS | OPTIONS.keepDeadline);
    if (said === OPTIONS.timeToLive) return isWhole(this.time, 1, MAX_TIME_TO_LIVE_MS);
    if (said === OPTIONS.deadline) return isWhole(this.time, 1, Number.MAX_SAFE_INTEGER);
    return said === 0 || said === OPTIONS.keepDeadline;
  }

  #hasTime(): boolean {
    return this.kind === KINDS.set && (this.options & TIME_OPTIONS) !== 0;
  }

  #hasRevision(): boolean {
    return (this.kind === KINDS.set || this.kind === KINDS.delete) && (this.options & OPTIONS.ifRevision) !== 0;
  }
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
