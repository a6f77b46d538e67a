/** Entries in the order in which they were last heard of, as a list that is linked through its entries: to move one costs little. */

/** What an entry has for its place in the list. */
export interface Linked<Entry> {
  older: Entry | undefined;
  newer: Entry | undefined;
}

export interface Order<Entry> {
  oldest: Entry | undefined;
  newest: Entry | undefined;
}

export function createOrder<Entry>(): Order<Entry> {
  return { oldest: undefined, newest: undefined };
}

export function first<Entry>(order: Order<Entry>): Entry | undefined {
  return order.oldest;
}

/** Behind all others. It is in no order yet. */
export function join<Entry extends Linked<Entry>>(order: Order<Entry>, entry: Entry): void {
  entry.older = order.newest;
  if (order.newest === undefined) order.oldest = entry;
  else order.newest.newer = entry;
  order.newest = entry;
}

export function leave<Entry extends Linked<Entry>>(order: Order<Entry>, entry: Entry): void {
  const { older, newer } = entry;
  if (older === undefined) order.oldest = newer;
  else older.newer = newer;
  if (newer === undefined) order.newest = older;
  else newer.older = older;
  entry.older = undefined;
  entry.newer = undefined;
}
