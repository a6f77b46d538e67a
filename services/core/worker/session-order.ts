/** Sessions in the order in which they were last heard of, as a list that is linked through its entries: to move one costs little. */
import type { SessionEntry } from './session-table.ts';

export interface Order {
  oldest: SessionEntry | undefined;
  newest: SessionEntry | undefined;
}

export function createOrder(): Order {
  return { oldest: undefined, newest: undefined };
}

export function first(order: Order): SessionEntry | undefined {
  return order.oldest;
}

/** Behind all others. It is in no order yet. */
export function join(order: Order, entry: SessionEntry): void {
  entry.older = order.newest;
  if (order.newest === undefined) order.oldest = entry;
  else order.newest.newer = entry;
  order.newest = entry;
}

export function leave(order: Order, entry: SessionEntry): void {
  const { older, newer } = entry;
  if (older === undefined) order.oldest = newer;
  else older.newer = newer;
  if (newer === undefined) order.newest = older;
  else newer.older = older;
  entry.older = undefined;
  entry.newer = undefined;
}
