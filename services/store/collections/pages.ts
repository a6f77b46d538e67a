/** The pages of one collection: hidden records, whose key is the number of the collection, f64, and that of the page, u32. */
import assert from 'node:assert/strict';
import { Cursor, HIDDEN_TYPES, type Keyspace, NOTHING } from '../engine/index.ts';
import { Scratch } from '../scratch.ts';
import { writeTorn } from './head.ts';
import { eachPage, entriesAt, levelAt } from './node.ts';

const PAGE = 8;
const COLLECTION_BYTES = 8;
const KEY_BYTES = 12;
/** Numbers of pages are used again after so many: 0 is none. */
const LAST_PAGE = 2 ** 32 - 1;

/** For pages: which one is said where it is sought. */
export function pageCursor(): Cursor {
  const cursor = new Cursor(true);
  cursor.source = new DataView(new ArrayBuffer(KEY_BYTES));
  cursor.length = KEY_BYTES;
  return cursor;
}

export function pageOf(cursor: Cursor): number {
  return cursor.source.getUint32(PAGE, true);
}

export class Pages {
  readonly #content = { type: HIDDEN_TYPES.page, value: NOTHING, from: 0, length: 0, deadline: 0 };
  #keyspace: Keyspace | undefined;
  /** A page that is to be removed. */
  readonly #other = pageCursor();
  /** A record of pages that are. Its key is a number that no collection has: that of this one may have such a record later. */
  readonly #doomed = new Cursor(true);
  readonly #value = new Scratch();
  /** The number of the collection; 0: it has none yet. */
  collection = 0;
  /** The page that was made last. */
  last = 0;
  /** How many there are. */
  count = 0;

  constructor() {
    this.#doomed.source = new DataView(new ArrayBuffer(COLLECTION_BYTES));
    this.#doomed.length = COLLECTION_BYTES;
  }

  begin(keyspace: Keyspace, collection: number, last: number, count: number): void {
    this.#keyspace = keyspace;
    this.collection = collection;
    this.last = last;
    this.count = count;
  }

  /** Look for a page that is there. */
  seek(cursor: Cursor, page: number): void {
    // The text is made only where it is needed: it would take longer than all the rest.
    if (!this.#find(cursor, page)) assert.fail(`page ${page} of collection ${this.collection} is not there`);
  }

  #find(cursor: Cursor, page: number): boolean {
    cursor.source.setFloat64(0, this.collection, true);
    cursor.source.setUint32(PAGE, page, true);
    return this.#keyspace?.seekHidden(cursor) === true;
  }

  /** Make a page. @returns its number */
  create(cursor: Cursor, value: DataView, from: number, length: number): number {
    assert.ok(this.#keyspace !== undefined);
    if (this.collection === 0) this.collection = this.#keyspace.nextCollection();
    do this.last = this.last === LAST_PAGE ? 1 : this.last + 1;
    while (this.#find(cursor, this.last));
    this.count++;
    this.write(cursor, value, from, length);
    return this.last;
  }

  /** Make a page of which the number is known, and that is not there. */
  add(cursor: Cursor, page: number, value: DataView, from: number, length: number): void {
    this.#find(cursor, page);
    this.count++;
    this.write(cursor, value, from, length);
  }

  /** Write the page that was sought, from memory that it does not lie in. */
  write(cursor: Cursor, value: DataView, from: number, length: number): void {
    this.#content.value = value;
    this.#content.from = from;
    this.#content.length = length;
    this.#keyspace?.writeHidden(cursor, this.#content);
  }

  /** The node may be written where it lies, until the version is sealed. */
  open(cursor: Cursor): void {
    this.#keyspace?.openHidden(cursor);
  }

  /**
   * Remove pages with all that is below them. Leaves go at once; of others, a doomed record says what the teardown is to remove, so that this
   * costs a small part of what it removes.
   */
  removeWithAllBelow(pages: readonly number[]): void {
    const deep: number[] = [];
    for (const page of pages) {
      this.seek(this.#other, page);
      if (levelAt(this.#other.memory, this.#other.value) === 0) this.remove(this.#other);
      else deep.push(page);
    }
    if (deep.length > 0) this.#doom(deep);
  }

  #doom(pages: readonly number[]): void {
    const keyspace = this.#keyspace;
    assert.ok(keyspace !== undefined);
    for (const page of pages) this.count -= this.#countFrom(page);
    this.#doomed.source.setFloat64(0, keyspace.nextCollection(), true);
    keyspace.seekHidden(this.#doomed);
    const to = this.#value;
    writeTorn(to, this.collection, pages);
    keyspace.writeHidden(this.#doomed, {
      type: HIDDEN_TYPES.doomed,
      value: to.memory,
      from: 0,
      length: to.length,
      deadline: 0,
    });
    keyspace.doomed.add(this.#doomed.hash);
  }

  /** How many pages there are from this one on, itself included: only nodes that have children are read. */
  #countFrom(first: number): number {
    const left = [first];
    let count = 0;
    for (let page = left.pop(); page !== undefined; page = left.pop()) {
      this.seek(this.#other, page);
      const { memory, value } = this.#other;
      count++;
      if (levelAt(memory, value) === 1) count += entriesAt(memory, value);
      else eachPage(memory, value, (below) => left.push(below));
    }
    return count;
  }

  remove(cursor: Cursor): void {
    this.#keyspace?.removeHidden(cursor);
    this.count--;
  }
}
