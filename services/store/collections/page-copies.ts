/** Copies the pages of a collection for another one, under the same numbers: so nodes, which say pages by number, are copied as they are. */
import type { Keyspace } from '../engine/index.ts';
import { collectionOf, eachRoot } from './head.ts';
import { eachPage } from './node.ts';
import { pageCursor, Pages } from './pages.ts';

/** Of a page in memory, beside its node, at most: an eighth of it, and this. */
const PAGE_RECORD_BYTES = 48;

export class PageCopies {
  readonly #from = new Pages();
  readonly #to = new Pages();
  readonly #page = pageCursor();
  readonly #copy = pageCursor();

  /** How much memory the pages of this paged value take, about; bytes. */
  bytes(keyspace: Keyspace, value: DataView, from: number, length: number): number {
    let sum = 0;
    this.#each(keyspace, value, from, length, () => {
      sum += (this.#page.valueLength * 9) / 8 + PAGE_RECORD_BYTES;
    });
    return sum;
  }

  /** Copy them for another collection, also where there is no memory for them. */
  copy(keyspace: Keyspace, value: DataView, from: number, length: number, collection: number): void {
    this.#to.begin(keyspace, collection, 0, 0);
    this.#each(keyspace, value, from, length, (page) => {
      this.#to.add(this.#copy, page, this.#page.memory, this.#page.value, this.#page.valueLength);
    });
  }

  /** Go to each page in turn. */
  #each(keyspace: Keyspace, value: DataView, from: number, length: number, visit: (page: number) => void): void {
    this.#from.begin(keyspace, collectionOf(value, from), 0, 0);
    const left: number[] = [];
    const note = (page: number): void => void left.push(page);
    eachRoot(value, from, from + length, (root) => eachPage(value, root, note));
    for (let page = left.pop(); page !== undefined; page = left.pop()) {
      this.#from.seek(this.#page, page);
      visit(page);
      eachPage(this.#page.memory, this.#page.value, note);
    }
  }
}
