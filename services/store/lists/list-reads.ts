/** Operations that tell of a list. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import type { Keyspace } from '../engine/index.ts';
import { NUMBER_BYTES, STATUS } from '../operations.ts';
import { Scratch } from '../scratch.ts';
import type { OpenList } from './open-list.ts';

/** @returns whether the result fits, as all functions here do */
export function tellElement(list: OpenList, keyspace: Keyspace): boolean {
  const { reader, results, position } = list;
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const place = list.placeOf(reader.first);
  if (place < 0 || !position.seekRank(place)) return list.end(STATUS.absent);
  const { memory, member, memberLength } = position.element;
  return results.data(reader.kind, memory, member, memberLength);
}

export function tellRange(list: OpenList, keyspace: Keyspace): boolean {
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const [first, end] = rangeOf(list);
  list.results.beginItems(list.reader.kind);
  return list.endItems(addElements(list, first, end - first, false));
}

/** What `first` and `second` of the operation mean: the place of the first element, and that after the last one. */
export function rangeOf(list: OpenList): [first: number, end: number] {
  const first = Math.max(0, list.placeOf(list.reader.first));
  const end = Math.min(list.placeOf(list.reader.second) + 1, list.count);
  return first < end ? [first, end] : [0, 0];
}

/** Add elements to the items of the result, the last one first where they are reversed. @returns whether they fit */
export function addElements(
  { position, results }: OpenList,
  place: number,
  count: number,
  isReversed: boolean,
): boolean {
  let isThere = position.seekRank(isReversed ? place + count - 1 : place);
  for (let left = count; left > 0 && isThere; left--) {
    const { memory, member, memberLength } = position.element;
    if (!results.item(memory, member, memberLength)) return false;
    isThere = isReversed ? position.previous() : position.next();
  }
  return true;
}

/** Tells where elements like the value of an operation are. */
export class Positions {
  readonly #list: OpenList;
  readonly #places = new Scratch();

  constructor(list: OpenList) {
    this.#list = list;
  }

  tell(keyspace: Keyspace): boolean {
    const { reader, results } = this.#list;
    const status = this.#list.open(keyspace);
    if (status !== STATUS.done) return this.#list.end(status);
    this.#places.begin(Math.min(this.#list.count * NUMBER_BYTES, MAX_BATCH_BYTES));
    if (!this.#collect()) return this.#list.end(STATUS.tooMuch);
    return results.data(reader.kind, this.#places.memory, 0, this.#places.length);
  }

  /** Collect places, as many as a result may have at most. @returns false when too many elements would have to be compared */
  #collect(): boolean {
    const { position, isSought, maxCompared, count: length } = this.#list;
    const { first: rank, second: count, third: most } = this.#list.reader;
    const isReversed = rank < 0;
    const looked = most === 0 ? length : Math.min(most, length);
    const wanted = count === 0 ? Infinity : count;
    let place = isReversed ? length - 1 : 0;
    let before = Math.abs(rank) - 1;
    position.seekRank(place);
    for (let compared = 0; compared < looked && this.#found < wanted; compared++) {
      if (compared === maxCompared) return false;
      if (isSought(position.element) && before-- <= 0) {
        if (this.#places.length + NUMBER_BYTES > MAX_BATCH_BYTES) return true;
        this.#places.float(place);
      }
      place += isReversed ? -1 : 1;
      if (isReversed) position.previous();
      else position.next();
    }
    return true;
  }

  get #found(): number {
    return this.#places.length / NUMBER_BYTES;
  }
}
