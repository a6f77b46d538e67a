/** So many empty places at the front are left until they are most. */
const MAX_EMPTY = 1_024;

/**
 * What waits in order, however much that is: what an array spends on each that leaves it grows with those that stay. A class, since a
 * session has several of them, and there may be many sessions: functions of its own would be most of what each takes.
 */
export class Queue<T extends object> {
  /** The first one, which mostly is the only one: without an array, the queue is all that is touched then. */
  #first: T | undefined;
  /** Those behind it, from place `#front` on; undefined if there are none. */
  #others: (T | undefined)[] | undefined;
  #front = 0;

  push(item: T): void {
    if (this.#first === undefined) this.#first = item;
    else if (this.#others === undefined) this.#others = [item];
    else this.#others.push(item);
  }

  /** Put these, in order, before all others. */
  prepend(before: readonly T[]): void {
    for (const item of [...before, ...this.take()]) this.push(item);
  }

  first(): T | undefined {
    return this.#first;
  }

  /** Take the first out. */
  shift(): T | undefined {
    const item = this.#first;
    this.#first = this.#others === undefined ? undefined : this.#shiftOther(this.#others);
    return item;
  }

  /** @returns everything that waited, in order */
  take(): T[] {
    const taken = [...this];
    this.#first = undefined;
    this.#others = undefined;
    this.#front = 0;
    return taken;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    if (this.#first !== undefined) yield this.#first;
    const others = this.#others ?? [];
    for (let place = this.#front; place < others.length; place++) {
      const item = others[place];
      if (item !== undefined) yield item;
    }
  }

  #shiftOther(others: (T | undefined)[]): T | undefined {
    const item = others[this.#front];
    others[this.#front++] = undefined;
    if (this.#front === others.length) {
      this.#others = undefined;
      this.#front = 0;
    } else if (this.#front >= MAX_EMPTY && 2 * this.#front >= others.length) {
      others.splice(0, this.#front);
      this.#front = 0;
    }
    return item;
  }
}
