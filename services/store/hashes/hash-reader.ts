/** Operations that tell of a hash, and change nothing. */
import type { BatchReader } from '../batch-reader.ts';
import type { Collection } from '../collections/collection.ts';
import { memberOrder } from '../collections/node.ts';
import { addAll, addDrawn, addPage } from '../collections/walks.ts';
import { Items } from '../items.ts';
import { HASH_KINDS, HASH_OPTIONS, STATUS } from '../operations.ts';
import type { ResultWriter } from '../result-writer.ts';

export class HashReader {
  readonly #hash: Collection;
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #items = new Items();
  readonly #addField = (): boolean => this.#add();

  constructor(hash: Collection, reader: BatchReader, results: ResultWriter) {
    this.#hash = hash;
    this.#reader = reader;
    this.#results = results;
  }

  /** Perform the operation on the hash that was opened. @returns whether its result fits */
  perform(): boolean {
    const { kind } = this.#reader;
    if (this.#hash.count === 0 && kind !== HASH_KINDS.hashGet) {
      this.#results.status(kind, STATUS.absent);
      return true;
    }
    switch (kind) {
      case HASH_KINDS.hashLength:
        this.#length();
        return true;
      case HASH_KINDS.hashSize:
        this.#results.integer(kind, BigInt(this.#hash.count));
        return true;
      case HASH_KINDS.hashScan:
        return addPage(this.#hash.tree, this.#reader, this.#results, this.#addField);
      default:
        this.#results.beginItems(kind);
        if (!this.#addItems(kind)) {
          this.#results.dropItems(kind);
          return false;
        }
        this.#results.endItems();
        return true;
    }
  }

  #length(): void {
    const { memory, value, valueLength } = this.#reader;
    if (!this.#seek(memory, value, valueLength)) {
      this.#results.status(HASH_KINDS.hashLength, STATUS.absent);
      return;
    }
    this.#results.integer(HASH_KINDS.hashLength, BigInt(this.#hash.tree.position.element.valueLength));
  }

  #seek(memory: DataView, from: number, length: number): boolean {
    return this.#hash.tree.position.seek(memberOrder(memory, from, length), memory, from, length);
  }

  /** @returns false when there is no room for one of them */
  #addItems(kind: number): boolean {
    if (kind === HASH_KINDS.hashGet) return this.#get();
    const { first: fields, second: seed } = this.#reader;
    const { tree } = this.#hash;
    return kind === HASH_KINDS.hashAll ? addAll(tree, this.#addField) : addDrawn(tree, fields, seed, this.#addField);
  }

  #get(): boolean {
    const { memory, value, valueLength } = this.#reader;
    const items = this.#items;
    const { element } = this.#hash.tree.position;
    items.begin(memory, value, valueLength);
    while (items.next()) {
      const hasRoom = this.#seek(memory, items.from, items.length)
        ? this.#results.item(element.memory, element.value, element.valueLength)
        : this.#results.missingItem();
      if (!hasRoom) return false;
    }
    return true;
  }

  /** Add what the options say of the field at the position. @returns false when there is no room for it */
  #add(): boolean {
    const { memory, member, memberLength, value, valueLength } = this.#hash.tree.position.element;
    const { options } = this.#reader;
    if ((options & HASH_OPTIONS.fields) !== 0 && !this.#results.item(memory, member, memberLength)) return false;
    return (options & HASH_OPTIONS.values) === 0 || this.#results.item(memory, value, valueLength);
  }
}
