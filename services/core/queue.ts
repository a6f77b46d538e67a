/** What waits in order, however much that is: what an array spends on each that leaves it grows with those that stay. */
export interface Queue<T extends object> {
  readonly push: (item: T) => void;
  /** Put these, in order, before all others. */
  readonly prepend: (items: readonly T[]) => void;
  readonly first: () => T | undefined;
  /** Take the first out. */
  readonly shift: () => T | undefined;
  /** @returns everything that waited, in order */
  readonly take: () => T[];
  readonly [Symbol.iterator]: () => IterableIterator<T>;
}

/** So many empty places at the front are left until they are most. */
const MAX_EMPTY = 1_024;

export function createQueue<T extends object>(): Queue<T> {
  let items: (T | undefined)[] = [];
  let front = 0;

  function* all(): IterableIterator<T> {
    for (let place = front; place < items.length; place++) {
      const item = items[place];
      if (item !== undefined) yield item;
    }
  }

  function take(): T[] {
    const taken = [...all()];
    items = [];
    front = 0;
    return taken;
  }

  return {
    push: (item) => void items.push(item),
    prepend(before) {
      items = [...before, ...take()];
    },
    first: () => items[front],
    shift() {
      if (items.length === 1) return items.pop(); // the usual case, without an array for what is cut off
      const item = items[front];
      if (item !== undefined) items[front++] = undefined;
      if (front === items.length || (front >= MAX_EMPTY && 2 * front >= items.length)) {
        items.splice(0, front);
        front = 0;
      }
      return item;
    },
    take,
    [Symbol.iterator]: all,
  };
}
