/**
 * Removes the pages of collections that are not there any more, some with each batch, as changes of the open version: so a rollback brings
 * them back with what refers to them, and a checkpoint has no pages that nothing refers to.
 */
import { createGroup } from '../engine/key-index.ts';
import { Cursor, HIDDEN_TYPES, type Keyspace } from '../engine/index.ts';
import { deadlineAt, isKeyAt, isPagedAt, keyAt, keyLengthAt, typeAt } from '../engine/records.ts';
import { Scratch } from '../scratch.ts';
import { collectionOf, eachRoot, isTorn, PAGE_NUMBER_BYTES, TORN_HEAD_BYTES, writeTorn } from './head.ts';
import { eachPage } from './node.ts';
import { pageCursor, Pages } from './pages.ts';

/** So many pages are removed with each batch, and one more for so many bytes of its operations, which make no more than that. */
export const TORN_PAGES = 32;
export const BYTES_PER_TORN_PAGE = 256;

/** How many pages are removed with a batch. @param bytes of its operations */
export function tornPages(bytes: number): number {
  return TORN_PAGES + Math.floor(bytes / BYTES_PER_TORN_PAGE);
}

export class Teardown {
  readonly #group = createGroup();
  readonly #pages = new Pages();
  readonly #page = pageCursor();
  readonly #doomed = new Cursor(true);
  readonly #key = new Scratch();
  /** Pages that are to be removed with all below them, the next one last. */
  readonly #left: number[] = [];
  readonly #value = new Scratch();

  /** Remove up to so many pages, if there are any to be removed. @returns how many more might have been */
  work(keyspace: Keyspace, most: number): number {
    let pages = most;
    for (let hash = keyspace.doomed.first; hash !== undefined && pages > 0; hash = keyspace.doomed.first) {
      const address = this.#find(keyspace, hash);
      if (address === 0) keyspace.doomed.shift();
      else pages -= this.#tearDown(keyspace, address, pages);
    }
    return pages;
  }

  /** A record with this hash that is doomed, or is a paged collection whose time is over. @returns its address; 0: none */
  #find({ index, records, progress }: Keyspace, hash: number): number {
    index.group(hash, this.#group);
    for (let place = 0; place < this.#group.count; place++) {
      if (this.#group.hashes[place] !== hash) continue;
      const address = this.#group.addresses[place] ?? 0;
      const [memory, at] = [records.memory(address), records.offset(address)];
      if (typeAt(memory, at) === HIDDEN_TYPES.doomed) return address;
      const deadline = isPagedAt(memory, at) ? deadlineAt(memory, at) : 0;
      if (deadline !== 0 && deadline <= progress.clock) return address;
    }
    return 0;
  }

  /** @returns for how many pages it counts */
  #tearDown(keyspace: Keyspace, address: number, most: number): number {
    const { records } = keyspace;
    const [memory, at] = [records.memory(address), records.offset(address)];
    const length = keyLengthAt(memory, at);
    this.#key.begin(length);
    this.#key.append(memory, keyAt(memory, at), length);
    if (isKeyAt(memory, at)) {
      keyspace.seek(this.#key.memory, 0, length);
      keyspace.discard();
      return 1;
    }
    this.#doomed.source = this.#key.memory;
    this.#doomed.length = length;
    keyspace.seekHidden(this.#doomed);
    return this.#removePages(keyspace, most);
  }

  #removePages(keyspace: Keyspace, most: number): number {
    this.#takeLeft();
    this.#pages.begin(keyspace, collectionOf(this.#doomed.memory, this.#doomed.value), 0, 0);
    let removed = 0;
    for (let page = this.#left.pop(); page !== undefined; page = removed < most ? this.#left.pop() : undefined) {
      this.#pages.seek(this.#page, page);
      eachPage(this.#page.memory, this.#page.value, (below) => this.#left.push(below));
      this.#pages.remove(this.#page);
      removed++;
    }
    if (this.#left.length === 0) keyspace.removeHidden(this.#doomed);
    else this.#writeLeft(keyspace);
    return removed;
  }

  /** Read which pages are left. */
  #takeLeft(): void {
    const { memory, value, valueLength } = this.#doomed;
    const end = value + valueLength;
    this.#left.length = 0;
    if (isTorn(memory, value)) {
      for (let at = value + TORN_HEAD_BYTES; at < end; at += PAGE_NUMBER_BYTES) {
        this.#left.push(memory.getUint32(at, true));
      }
      return;
    }
    eachRoot(memory, value, end, (root) => eachPage(memory, root, (page) => this.#left.push(page)));
  }

  #writeLeft(keyspace: Keyspace): void {
    const to = this.#value;
    writeTorn(to, this.#pages.collection, this.#left);
    keyspace.writeHidden(this.#doomed, {
      type: HIDDEN_TYPES.doomed,
      value: to.memory,
      from: 0,
      length: to.length,
      deadline: 0,
    });
  }
}
