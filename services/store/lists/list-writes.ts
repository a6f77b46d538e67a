/** Operations that change a list, and tell no more of it than a number. */
import type { Keyspace } from '../engine/index.ts';
import { countItems } from '../items.ts';
import { MAX_VALUE_BYTES, STATUS, VALUE_LENGTH_BYTES } from '../operations.ts';
import { LIST_OPTIONS } from '../operations/lists.ts';
import { rangeOf } from './list-reads.ts';
import type { OpenList } from './open-list.ts';

/** @returns that the result fits, as all functions here do */
export function push(list: OpenList, keyspace: Keyspace): true {
  const { memory, value, valueLength, options } = list.reader;
  const status = list.open(keyspace);
  if (status === STATUS.wrongType) return list.end(status);
  if (status === STATUS.absent && (options & LIST_OPTIONS.ifPresent) !== 0) return list.end(STATUS.unmet);
  const count = countItems(memory, value, value + valueLength, MAX_VALUE_BYTES);
  if (!list.hasRoom(count, valueLength - count * VALUE_LENGTH_BYTES)) return list.end(STATUS.full);
  const isAtFirst = (options & LIST_OPTIONS.atFirst) !== 0;
  const { items } = list;
  items.begin(memory, value, valueLength);
  while (items.next()) insertAt(list, isAtFirst, memory, items.from, items.length);
  list.save();
  return list.endWith(list.count);
}

/** Put an element at an end. */
export function insertAt(list: OpenList, isAtFirst: boolean, memory: DataView, from: number, length: number): void {
  list.position.seekRank(isAtFirst ? 0 : list.count);
  list.tree.insert(0, memory, from, length);
}

/** Put the value in the place of an element. */
export function setElement(list: OpenList, keyspace: Keyspace): true {
  const { memory, value, valueLength, first } = list.reader;
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const place = list.placeOf(first);
  if (place < 0 || place >= list.count) return list.end(STATUS.unmet);
  if (!list.hasRoom(1, valueLength)) return list.end(STATUS.full);
  list.position.seekRank(place);
  list.tree.replace(memory, value, valueLength);
  list.save();
  return list.end(STATUS.done);
}

/** Put an element beside the first one that is as another. */
export function insertBeside(list: OpenList, keyspace: Keyspace): true {
  const { memory, value, valueLength, options } = list.reader;
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const sought = value + VALUE_LENGTH_BYTES;
  const soughtLength = memory.getUint32(value, true);
  const added = sought + soughtLength + VALUE_LENGTH_BYTES;
  const addedLength = value + valueLength - added;
  list.lookFor(sought, soughtLength);
  const found = seekSought(list);
  if (found !== STATUS.done) return list.end(found);
  if (!list.hasRoom(1, addedLength)) return list.end(STATUS.full);
  if ((options & LIST_OPTIONS.behind) !== 0) list.position.next();
  list.tree.insert(0, memory, added, addedLength);
  list.save();
  return list.endWith(list.count);
}

/** Go to the first element that is as the one that is sought. @returns `done`, `unmet` where none is, or `tooMuch` */
function seekSought({ position, isSought, maxCompared }: OpenList): number {
  let isThere = position.seekRank(0);
  for (let compared = 1; isThere && !isSought(position.element); compared++) {
    if (compared === maxCompared) return STATUS.tooMuch;
    isThere = position.next();
  }
  return isThere ? STATUS.done : STATUS.unmet;
}

/** Remove elements that are as the value. */
export function removeLike(list: OpenList, keyspace: Keyspace): true {
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const { first } = list.reader;
  const most = first === 0 ? Infinity : Math.abs(first);
  let from = 0;
  if (first < 0 || list.count > list.maxCompared) {
    const reach = placeOfLast(list, most, first < 0);
    if (reach === undefined) return list.end(STATUS.tooMuch);
    if (first < 0) from = reach;
  }
  const removed = removeFrom(list, from, most);
  if (removed > 0) list.save();
  return list.endWith(removed);
}

/** The place of the last of so many elements as the value, or that of the last element; undefined: too many would have to be compared. */
function placeOfLast(list: OpenList, most: number, isReversed: boolean): number | undefined {
  const { position, isSought, count, maxCompared } = list;
  let place = isReversed ? count - 1 : 0;
  let left = most;
  position.seekRank(place);
  for (let compared = 1; compared <= count; compared++) {
    if (isSought(position.element) && --left === 0) return place;
    if (compared === count) return place;
    if (compared === maxCompared) return undefined;
    place += isReversed ? -1 : 1;
    if (isReversed) position.previous();
    else position.next();
  }
  return place;
}

/** Remove elements as the value, up to `most`, of those from a place on. @returns how many */
function removeFrom({ tree, position, isSought }: OpenList, from: number, most: number): number {
  let removed = 0;
  let place = from;
  for (let isThere = position.seekRank(place); isThere && removed < most;) {
    if (isSought(position.element)) {
      const inLeaf = position.leaf.entries - position.leaf.index;
      const gone = tree.removeInLeaf(isSought, most - removed);
      removed += gone;
      place += inLeaf - gone;
      isThere = position.seekRank(place);
    } else {
      place++;
      isThere = position.next();
    }
  }
  return removed;
}

/** Remove all but a range. */
export function trim(list: OpenList, keyspace: Keyspace): true {
  const status = list.open(keyspace);
  if (status !== STATUS.done) return list.end(status);
  const [first, end] = rangeOf(list);
  if (first === end) keyspace.remove();
  else {
    const removed = first + list.count - end;
    list.tree.removeRange(end, list.count - end);
    list.tree.removeRange(0, first);
    if (removed > 0) list.save();
  }
  return list.end(STATUS.done);
}
