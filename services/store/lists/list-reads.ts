/** Operations that tell of a list. */
import type { Keyspace } from '../engine/index.ts';
import { STATUS } from '../operations.ts';
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
  const { reader, results } = list;
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const [first, end] = rangeOf(list);
  results.beginData();
  return results.endData(reader.kind, addElements(list, first, end - first, false));
}

/** What `first` and `second` of the operation mean: the place of the first element, and that after the last one. */
export function rangeOf(list: OpenList): [first: number, end: number] {
  const first = Math.max(0, list.placeOf(list.reader.first));
  const end = Math.min(list.placeOf(list.reader.second) + 1, list.count);
  return first < end ? [first, end] : [0, 0];
}

/** Add elements to the data of the result, the last one first where they are reversed. @returns whether they fit */
export function addElements(
  { position, results }: OpenList,
  place: number,
  count: number,
  isReversed: boolean,
): boolean {
  let isThere = position.seekRank(isReversed ? place + count - 1 : place);
  for (let left = count; left > 0 && isThere; left--) {
    const { memory, member, memberLength } = position.element;
    if (!results.addElement(memory, member, memberLength)) return false;
    isThere = isReversed ? position.previous() : position.next();
  }
  return true;
}

/** Where elements like the value of the operation are. */
export function tellPositions(list: OpenList, keyspace: Keyspace): boolean {
  const { reader, results, position, isSought } = list;
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const { first: rank, second: count, third: most } = reader;
  const isReversed = rank < 0;
  const step = isReversed ? -1 : 1;
  const looked = Math.min(most === 0 ? list.count : most, list.count);
  let [before, left] = [Math.abs(rank) - 1, count === 0 ? Infinity : count];
  let place = isReversed ? list.count - 1 : 0;
  position.seekRank(place);
  results.beginData();
  for (let compared = 0; compared < looked && left > 0; compared++) {
    if (compared === list.maxCompared) {
      results.refuseData(reader.kind, STATUS.tooMuch);
      return true;
    }
    if (isSought(position.element) && before-- <= 0) {
      if (!results.addFloat(place)) return results.endData(reader.kind, false);
      left--;
    }
    place += step;
    if (isReversed) position.previous();
    else position.next();
  }
  return results.endData(reader.kind, true);
}
