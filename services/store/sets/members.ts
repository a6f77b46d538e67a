/** Members of a set that is open as a collection. */
import type { Collection } from '../collections/collection.ts';
import { MARKS } from '../collections/marks.ts';
import { memberOrder } from '../collections/node.ts';
import { parseDecimal } from '../decimal.ts';

/** Redis packs a set of so many whole numbers, by its usual settings. */
const PACKED_INTEGERS = 512;

/** Go to a member, or to where it would be. @returns whether it is there */
export function seekMember({ tree }: Collection, memory: DataView, from: number, length: number): boolean {
  return tree.position.seek(memberOrder(memory, from, length), memory, from, length);
}

/** Put a member into the set, if it is not there. */
export function addMember(set: Collection, memory: DataView, from: number, length: number): void {
  const order = memberOrder(memory, from, length);
  if (set.tree.position.seek(order, memory, from, length)) return;
  set.tree.insert(order, memory, from, length);
  if ((set.marks & MARKS.large) !== 0) return;
  const isPacked = set.count <= PACKED_INTEGERS && parseDecimal(memory, from, length) !== undefined;
  if (!isPacked) set.marks |= MARKS.large;
}
