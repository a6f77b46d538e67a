/** The operations of a batch, read where they lie. */
import { type CheckedForm, checkedForms, type OperationFields } from './form.ts';
import { HASH_FORMS, isHashOperation } from './hashes/forms.ts';
import { isListOperation, LIST_FORMS } from './lists/list-forms.ts';
import { KINDS, NUMBER_BYTES, OPERATION_HEAD_BYTES, OPTIONS, VALUE_LENGTH_BYTES } from './operations.ts';
import { isSetOperation, SET_FORMS } from './sets/forms.ts';
import { isSortedSetOperation, SORTED_SET_FORMS } from './sorted-sets/forms.ts';
import { isStringOperation, STRING_FORMS } from './string-forms.ts';

const TIME_OPTIONS = OPTIONS.timeToLive | OPTIONS.deadline;

const FORMS: Readonly<Record<number, CheckedForm>> = {
  ...checkedForms(STRING_FORMS, isStringOperation),
  ...checkedForms(HASH_FORMS, isHashOperation),
  ...checkedForms(LIST_FORMS, isListOperation),
  ...checkedForms(SET_FORMS, isSetOperation),
  ...checkedForms(SORTED_SET_FORMS, isSortedSetOperation),
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
    return this.#next <= this.#end && this.valueLength <= form.maxValueBytes && form.isRight(this);
  }

  /** Bytes between the head and the key. */
  #fixedBytes(form: CheckedForm): number {
    const length = form.hasValue ? VALUE_LENGTH_BYTES : 0;
    const numbers = form.numbers + (this.#hasTime() ? 1 : 0) + (this.#hasRevision() ? 1 : 0);
    return length + numbers * NUMBER_BYTES;
  }

  #readFixed(form: CheckedForm, from: number): void {
    const memory = this.#memory;
    let at = from;
    this.valueLength = 0;
    if (form.hasValue) {
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

  #hasTime(): boolean {
    return this.kind === KINDS.set && (this.options & TIME_OPTIONS) !== 0;
  }

  #hasRevision(): boolean {
    return (this.kind === KINDS.set || this.kind === KINDS.delete) && (this.options & OPTIONS.ifRevision) !== 0;
  }
}
