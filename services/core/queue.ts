/** So many empty places at the front are left until they are most. */
const MAX_EMPTY = 1_024;

/**
 * What waits in order, however much that is: what an array spends on each that leaves it grows with those that stay. A class, since a
 * session has several of them, and there may be many sessions: functions of its own would be most of what each takes.
 */
export class Queue<T extends object> {
  #items: (T | undefined)[] = [];
  #front = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  /** Put these, in order, before all others. */
  prepend(before: readonly T[]): void {
    this.#items = [...before, ...this.take()];
  }

  first(): T | undefined {
    return this.#items[this.#front];
  }

  /** Take the first out. */
  shift(): T | undefined {
    const items = this.#items;
    if (items.length === 1) return items.pop(); // the usual case, without an array for what is cut off
    const item = items[this.#front];
    if (item !== undefined) items[this.#front++] = undefined;
    if (this.#front === items.length || (this.#front >= MAX_EMPTY && 2 * this.#front >= items.length)) {
      items.splice(0, this.#front);
      this.#front = 0;
    }
    return item;
  }

  /** @returns everything that waited, in order */
  take(): T[] {
    const taken = [...this];
    this.#items = [];
    this.#front = 0;
    return taken;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let place = this.#front; place < this.#items.length; place++) {
      const item = this.#items[place];
      if (item !== undefined) yield item;
    }
  }
}
