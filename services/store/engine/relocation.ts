/** Moves records, so that the pages that they lay in are given back. */
import type { Keyspace } from './keyspace.ts';
import { sizeAt } from './records.ts';

/**
 * Lay a record of the index into another slab, if nothing but the index knows of it.
 * @param hash of its key
 * @returns whether it was moved
 */
export function relocate({ records, history, index }: Keyspace, hash: number, address: number): boolean {
  if (!history.isUnreferenced(address)) return false;
  const { arena } = records;
  const memory = records.memory(address);
  const at = records.offset(address);
  const to = arena.allocateApart(sizeAt(memory, at), address);
  records.copyTo(to, memory, at);
  records.setPlace(to, records.place(address));
  index.replace(hash, address, to);
  arena.free(address);
  return true;
}
