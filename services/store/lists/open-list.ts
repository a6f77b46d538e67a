/** The list of the present operation, and what all operations on lists have in common. */
import type { BatchReader } from '../batch-reader.ts';
import { Collection } from '../collections/collection.ts';
import { type Element, FORMS } from '../collections/node.ts';
import type { Position } from '../collections/position.ts';
import type { Tree } from '../collections/tree.ts';
import { sameBytes } from '../engine/bytes.ts';
import { type Keyspace, TYPES } from '../engine/index.ts';
import { Items } from '../items.ts';
import { STATUS } from '../operations.ts';
import { Outcome } from '../outcome.ts';
import type { ResultWriter } from '../result-writer.ts';

export class OpenList extends Outcome {
  /** So many elements one operation compares. */
  readonly maxCompared: number;
  /** For the elements of an operation. */
  readonly items = new Items();
  readonly #list: Collection;
  /** In the operations' memory, the element that is looked for. */
  #sought = 0;
  #soughtLength = 0;

  constructor(reader: BatchReader, results: ResultWriter, nodeBytes: number, maxCompared: number) {
    super(reader, results);
    this.maxCompared = maxCompared;
    this.#list = new Collection([FORMS.list], nodeBytes);
  }

  /** Take what the key holds that was sought last. @returns `done` where that is a list, or else why not */
  open(keyspace: Keyspace): number {
    const isThere = keyspace.exists;
    if (isThere && keyspace.type !== TYPES.list) return STATUS.wrongType;
    this.#list.open(keyspace);
    this.lookFor(this.reader.value, this.reader.valueLength);
    return isThere ? STATUS.done : STATUS.absent;
  }

  get count(): number {
    return this.#list.count;
  }

  get tree(): Tree {
    return this.#list.tree;
  }

  get position(): Position {
    return this.#list.tree.position;
  }

  /** Whether there is memory to put so many elements, of so many bytes together, beside each other. */
  hasRoom(elements: number, bytes: number): boolean {
    return this.#list.hasRoom(elements, bytes, 1);
  }

  /** Write what was changed; the keyspace is at the key with which it was opened. */
  save(): void {
    this.#list.save(TYPES.list);
  }

  /** Remove so many elements from a place on, and write what is left. */
  removeRange(keyspace: Keyspace, place: number, count: number): void {
    if (count === 0) return;
    if (count === this.count) {
      keyspace.remove();
      return;
    }
    this.tree.removeRange(place, count);
    this.save();
  }

  /** A place that is told from the end where it is negative; below 0 where it is before the first. */
  placeOf(place: number): number {
    return place < 0 ? this.count + place : place;
  }

  /** Have `isSought` say of elements whether they are as these bytes of the operations; else that is the operation's value. */
  lookFor(from: number, length: number): void {
    this.#sought = from;
    this.#soughtLength = length;
  }

  readonly isSought = ({ memory, member, memberLength }: Element): boolean =>
    memberLength === this.#soughtLength && sameBytes(this.reader.memory, this.#sought, memory, member, memberLength);
}
