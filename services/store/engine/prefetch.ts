/**
 * Reads the beginning of many records before they are dealt with one after another. A record that is in no cache takes hundreds of
 * nanoseconds; a processor waits for several at the same time if none has to be there before the next one can be asked for.
 */
import type { Pages } from './pages.ts';

/** So many at a time: they are to be in the cache still when their turn has come. */
export const MAX_PREFETCHED = 64;

export class Prefetch {
  readonly #pages: Pages;
  readonly #addresses = new Uint32Array(MAX_PREFETCHED);
  #count = 0;
  /** Of what was read: without a result, the compiler could leave the reading out. */
  sum = 0;

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  get isFull(): boolean {
    return this.#count === MAX_PREFETCHED;
  }

  /** @param address 0: there is none */
  add(address: number): void {
    this.#addresses[this.#count++] = address;
  }

  run(): void {
    let sum = 0;
    for (let place = 0; place < this.#count; place++) {
      const address = this.#addresses[place] ?? 0;
      if (address !== 0) sum ^= this.#pages.memory(address).getUint32(this.#pages.offset(address), true);
    }
    this.#count = 0;
    this.sum ^= sum;
  }
}
