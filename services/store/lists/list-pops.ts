/** Operations that take elements off the end of a list, and tell them. */
import type { Keyspace } from '../engine/index.ts';
import { STATUS, VALUE_LENGTH_BYTES } from '../operations.ts';
import { Scratch } from '../scratch.ts';
import { LIST_OPTIONS } from '../operations/lists.ts';
import { addElements } from './list-reads.ts';
import { insertAt } from './list-writes.ts';
import type { OpenList } from './open-list.ts';

/** @returns whether the result fits, as all functions here do; if not, nothing was changed */
export function pop(list: OpenList, keyspace: Keyspace): boolean {
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  list.results.beginItems(list.reader.kind);
  return take(list, keyspace);
}

/** The same of the first key that is there, which is told first. */
export function popFirst(list: OpenList, keyspace: Keyspace): boolean {
  const { memory, value, valueLength } = list.reader;
  let { key, keyLength } = list.reader;
  for (let next = value; !keyspace.exists && next < value + valueLength; next = key + keyLength) {
    keyLength = memory.getUint32(next, true);
    key = next + VALUE_LENGTH_BYTES;
    keyspace.seek(memory, key, keyLength);
  }
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  list.results.beginItems(list.reader.kind);
  if (!list.results.item(memory, key, keyLength)) return list.endItems(false);
  return take(list, keyspace);
}

function take(list: OpenList, keyspace: Keyspace): boolean {
  const { options, first } = list.reader;
  const count = Math.min(first, list.count);
  const isAtFirst = (options & LIST_OPTIONS.atFirst) !== 0;
  const place = isAtFirst ? 0 : list.count - count;
  const fits = addElements(list, place, count, !isAtFirst);
  if (fits) list.removeRange(keyspace, place, count);
  return list.endItems(fits);
}

/** Moves an element from an end of a list to one of another list, or of the same one. */
export class Move {
  readonly #from: OpenList;
  readonly #to: OpenList;
  readonly #element = new Scratch();

  constructor(from: OpenList, to: OpenList) {
    this.#from = from;
    this.#to = to;
  }

  /** @returns whether the result fits; if not, nothing was changed */
  move(keyspace: Keyspace): boolean {
    const { reader, results } = this.#from;
    const status = this.#from.open(keyspace);
    if (status !== STATUS.done) return this.#from.end(status);
    const { revision } = keyspace;
    this.#takeElement();
    const { memory, length } = this.#element;
    if (!results.hasRoom(1 + VALUE_LENGTH_BYTES + length)) return results.data(reader.kind, memory, 0, length);
    const isThere = keyspace.seek(reader.memory, reader.value, reader.valueLength);
    const moved = isThere && keyspace.revision === revision ? this.#rotate(keyspace) : this.#moveTo(keyspace);
    return moved === STATUS.done ? results.data(reader.kind, memory, 0, length) : this.#from.end(moved);
  }

  #takeElement(): void {
    const { position } = this.#from;
    position.seekRank(this.#placeFrom);
    const { memory, member, memberLength } = position.element;
    this.#element.begin(memberLength);
    this.#element.append(memory, member, memberLength);
  }

  get #placeFrom(): number {
    return (this.#from.reader.options & LIST_OPTIONS.atFirst) === 0 ? this.#from.count - 1 : 0;
  }

  /** Both are the same list, at which the keyspace is. */
  #rotate(keyspace: Keyspace): number {
    this.#from.open(keyspace);
    if (!this.#from.hasRoom(1, this.#element.length)) return STATUS.full;
    this.#from.tree.removeRange(this.#placeFrom, 1);
    this.#insert(this.#from);
    this.#from.save();
    return STATUS.done;
  }

  /** The keyspace is at the other key. */
  #moveTo(keyspace: Keyspace): number {
    const { memory, key, keyLength } = this.#from.reader;
    if (this.#to.open(keyspace) === STATUS.wrongType) return STATUS.wrongType;
    if (!this.#to.hasRoom(1, this.#element.length)) return STATUS.full;
    this.#insert(this.#to);
    this.#to.save();
    keyspace.seek(memory, key, keyLength);
    this.#from.open(keyspace);
    this.#from.removeRange(keyspace, this.#placeFrom, 1);
    return STATUS.done;
  }

  #insert(to: OpenList): void {
    const { memory, length } = this.#element;
    insertAt(to, (to.reader.options & LIST_OPTIONS.toFirst) !== 0, memory, 0, length);
  }
}
