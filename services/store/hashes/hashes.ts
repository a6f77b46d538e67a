/** Operations on the fields of hashes. */
import type { BatchReader } from '../batch-reader.ts';
import { Collection } from '../collections/collection.ts';
import { markElement } from '../collections/marks.ts';
import { FORMS, memberOrder } from '../collections/node.ts';
import { addDecimal, DECIMAL_BYTES, parseDecimal, writeDecimal } from '../decimal.ts';
import { type Keyspace, TYPES } from '../engine/index.ts';
import { addFractions, MAX_FRACTION_TEXT_BYTES } from '../fraction.ts';
import { Items, itemsIn } from '../items.ts';
import { HASH_KINDS, HASH_OPTIONS, MAX_VALUE_BYTES, STATUS, VALUE_LENGTH_BYTES } from '../operations.ts';
import type { ResultWriter } from '../result-writer.ts';
import { HashReader } from './hash-reader.ts';

export class Hashes {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #hash: Collection;
  readonly #hashReader: HashReader;
  readonly #items = new Items();
  readonly #digits = new DataView(new ArrayBuffer(DECIMAL_BYTES));
  readonly #text = new DataView(new ArrayBuffer(2 * MAX_FRACTION_TEXT_BYTES));

  constructor(reader: BatchReader, results: ResultWriter, nodeBytes?: number) {
    this.#reader = reader;
    this.#results = results;
    this.#hash = new Collection([FORMS.hash], nodeBytes);
    this.#hashReader = new HashReader(this.#hash, reader, results);
  }

  /** Perform the operation on the key that was sought. @returns whether its result fits */
  perform(keyspace: Keyspace): boolean {
    const { kind } = this.#reader;
    if (keyspace.exists && keyspace.type !== TYPES.hash) {
      this.#results.status(kind, STATUS.wrongType);
      return true;
    }
    this.#hash.open(keyspace);
    switch (kind) {
      case HASH_KINDS.hashSet:
        this.#set();
        return true;
      case HASH_KINDS.hashDelete:
        this.#delete();
        return true;
      case HASH_KINDS.hashIncrement:
        this.#increment();
        return true;
      case HASH_KINDS.hashIncrementFloat:
        return this.#incrementFloat();
      default:
        return this.#hashReader.perform();
    }
  }

  #set(): void {
    const { memory, value, valueLength, options } = this.#reader;
    const items = this.#items;
    const count = itemsIn(this.#reader, MAX_VALUE_BYTES) / 2;
    if (!this.#hash.hasRoom(count, valueLength)) {
      this.#results.status(HASH_KINDS.hashSet, STATUS.full);
      return;
    }
    const before = this.#hash.count;
    let isChanged = false;
    items.begin(memory, value, valueLength);
    while (items.next()) {
      const { from, length } = items;
      items.next();
      const isThere = this.#seek(memory, from, length);
      if (isThere && (options & HASH_OPTIONS.ifAbsent) !== 0) continue;
      this.#put(isThere, memory, from, length, memory, items.from, items.length);
      isChanged = true;
    }
    if (isChanged) this.#hash.save(TYPES.hash);
    this.#results.integer(HASH_KINDS.hashSet, BigInt(this.#hash.count - before));
  }

  #seek(memory: DataView, from: number, length: number): boolean {
    return this.#hash.tree.position.seek(memberOrder(memory, from, length), memory, from, length);
  }

  /** Write the field that was sought. */
  #put(
    isThere: boolean,
    memory: DataView,
    field: number,
    fieldLength: number,
    other: DataView,
    value: number,
    valueLength: number,
  ): void {
    const { tree } = this.#hash;
    if (isThere) tree.setValue(other, value, valueLength);
    else tree.insert(memberOrder(memory, field, fieldLength), memory, field, fieldLength, other, value, valueLength);
    markElement(this.#hash, Math.max(fieldLength, valueLength));
  }

  #delete(): void {
    const { memory, value, valueLength } = this.#reader;
    const items = this.#items;
    const before = this.#hash.count;
    items.begin(memory, value, valueLength);
    while (items.next()) if (this.#seek(memory, items.from, items.length)) this.#hash.tree.remove();
    if (this.#hash.count < before) this.#hash.save(TYPES.hash);
    this.#results.integer(HASH_KINDS.hashDelete, BigInt(before - this.#hash.count));
  }

  #increment(): void {
    const { memory, value: field, valueLength: fieldLength, amount } = this.#reader;
    const isThere = this.#seek(memory, field, fieldLength);
    const { element } = this.#hash.tree.position;
    const before = isThere ? parseDecimal(element.memory, element.value, element.valueLength) : 0;
    const sum = before === undefined ? undefined : addDecimal(before, memory.getBigInt64(amount, true));
    if (sum === undefined) {
      this.#results.status(HASH_KINDS.hashIncrement, before === undefined ? STATUS.notNumber : STATUS.overflow);
    } else if (!this.#hash.hasRoom(1, fieldLength + DECIMAL_BYTES)) {
      this.#results.status(HASH_KINDS.hashIncrement, STATUS.full);
    } else {
      this.#put(isThere, memory, field, fieldLength, this.#digits, 0, writeDecimal(this.#digits, sum));
      this.#hash.save(TYPES.hash);
      this.#results.integer(HASH_KINDS.hashIncrement, BigInt(sum));
    }
  }

  /** @returns whether the result fits; if not, nothing was changed */
  #incrementFloat(): boolean {
    const { memory, value, valueLength } = this.#reader;
    const items = this.#items;
    items.begin(memory, value, valueLength);
    items.next();
    const { from: field, length: fieldLength } = items;
    items.next();
    const isThere = this.#seek(memory, field, fieldLength);
    const sum = this.#addFraction(isThere, memory, items.from, items.length);
    if (sum === undefined) {
      this.#results.status(HASH_KINDS.hashIncrementFloat, STATUS.notNumber);
      return true;
    }
    if (!this.#results.hasRoom(1 + VALUE_LENGTH_BYTES + sum.length)) {
      this.#results.status(HASH_KINDS.hashIncrementFloat, STATUS.tooLarge);
      return false;
    }
    if (!this.#hash.hasRoom(1, fieldLength + sum.length)) {
      this.#results.status(HASH_KINDS.hashIncrementFloat, STATUS.full);
      return true;
    }
    for (let at = 0; at < sum.length; at++) this.#text.setUint8(at, sum.charCodeAt(at));
    this.#put(isThere, memory, field, fieldLength, this.#text, 0, sum.length);
    this.#hash.save(TYPES.hash);
    return this.#results.data(HASH_KINDS.hashIncrementFloat, this.#text, 0, sum.length);
  }

  #addFraction(isThere: boolean, memory: DataView, amount: number, length: number): string | undefined {
    const { element } = this.#hash.tree.position;
    if (length > MAX_FRACTION_TEXT_BYTES || (isThere && element.valueLength > MAX_FRACTION_TEXT_BYTES))
      return undefined;
    const before = isThere ? latin(element.memory, element.value, element.valueLength) : '0';
    return addFractions(before, latin(memory, amount, length));
  }
}

function latin(memory: DataView, from: number, length: number): string {
  return Buffer.from(memory.buffer, memory.byteOffset + from, length).toString('latin1');
}
