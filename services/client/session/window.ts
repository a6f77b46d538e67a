/**
 * Things that are named by consecutive numbers and mostly end in the order in which they began. An array with a moving front: what
 * a Map does for this, and spends several times as long on.
 */
export interface Window<T> {
  size(): number;
  /** @throws RangeError unless the number follows the last one; the first may be any */
  add(number: number, item: T): void;
  get(number: number): T | undefined;
  delete(number: number): void;
  clear(): void;
  /** In the order of the numbers. */
  readonly [Symbol.iterator]: () => IterableIterator<T>;
}

/** The front moves on without anything being moved until so many places are empty, and they are most. */
const MAX_EMPTY = 1_024;

export function createWindow<T>(): Window<T> {
  const items: (T | undefined)[] = [];
  /** The number of the first place. */
  let base = 0;
  /** The first place that may hold something. */
  let front = 0;
  let size = 0;

  function moveFront(): void {
    while (front < items.length && items[front] === undefined) front++;
    if (front < items.length && (front < MAX_EMPTY || 2 * front < items.length)) return;
    items.splice(0, front);
    base += front;
    front = 0;
  }

  return {
    size: () => size,
    add(number, item) {
      if (items.length === 0) base = number;
      if (number !== base + items.length) throw new RangeError(`${base + items.length} is next, not ${number}`);
      items.push(item);
      size++;
    },
    get: (number) => items[number - base],
    delete(number) {
      const place = number - base;
      if (items[place] === undefined) return;
      items[place] = undefined;
      size--;
      if (place === front) moveFront();
    },
    clear() {
      items.length = 0;
      front = 0;
      size = 0;
    },
    *[Symbol.iterator]() {
      for (let place = front; place < items.length; place++) {
        const item = items[place];
        if (item !== undefined) yield item;
      }
    },
  };
}
