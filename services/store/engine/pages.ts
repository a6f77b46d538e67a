/**
 * Pages of memory, in regions of 16 MiB that are taken from the system one by one and given back when they are empty; the first one is
 * smaller, and stays. Rows of pages go to the lowest place that has room for them, so that the highest regions become empty again.
 */
import assert from 'node:assert/strict';
import { PAGE_BYTES, PAGE_UNITS, UNIT_BYTES } from './size-classes.ts';

const REGION_SHIFT = 21;
const REGION_UNITS = 2 ** REGION_SHIFT;
const REGION_MASK = REGION_UNITS - 1;
export const REGION_PAGES = REGION_UNITS / PAGE_UNITS;
/** Of the first region: 1 MiB, so that a store with few keys takes little. */
export const FIRST_REGION_PAGES = REGION_PAGES / 16;
/** Addresses have 32 bits. */
const MAX_REGIONS = 2 ** (32 - REGION_SHIFT);

const NONE = new DataView(new ArrayBuffer(0));

export class Pages {
  /** The memory of each region; of one that was given back none. */
  readonly #regions: DataView[] = [];
  /** For each page of each region 1 if it is taken. */
  readonly #taken: Uint8Array[] = [];
  /** Free pages of each region. */
  readonly #free: number[] = [];
  /** Regions that were given back: their numbers are used again. */
  readonly #vacant: number[] = [];
  /** Pages that are taken. */
  taken = 0;

  /** The memory that the unit with this address is in: it begins at byte `offset(address)`. */
  memory(address: number): DataView {
    return this.#regions[address >>> REGION_SHIFT] ?? NONE;
  }

  offset(address: number): number {
    return (address & REGION_MASK) * UNIT_BYTES;
  }

  /** Bytes of memory taken from the system. */
  get bytes(): number {
    return this.#regions.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Take a row of pages. @returns the number of the first one: its address is that times `PAGE_UNITS` */
  take(count: number): number {
    for (let region = 0; region < this.#free.length; region++) {
      if ((this.#free[region] ?? 0) < count) continue;
      const first = rowOfZeros(this.#takenIn(region), count);
      if (first >= 0) return this.#mark(region, first, count, 1);
    }
    this.#addRegion();
    return this.take(count);
  }

  give(first: number, count: number): void {
    const region = Math.floor(first / REGION_PAGES);
    this.#mark(region, first % REGION_PAGES, count, 0);
    const isEmpty = (at: number): boolean => at > 0 && this.#free[at] === REGION_PAGES;
    // One that is empty stays, so that a page that comes and goes does not bring and take 16 MiB each time.
    if (isEmpty(region) && this.#free.some((_, other) => other !== region && isEmpty(other))) this.#drop(region);
  }

  #mark(region: number, first: number, count: number, value: 0 | 1): number {
    this.#takenIn(region).fill(value, first, first + count);
    const change = value === 1 ? count : -count;
    this.#free[region] = (this.#free[region] ?? 0) - change;
    this.taken += change;
    return region * REGION_PAGES + first;
  }

  #takenIn(region: number): Uint8Array {
    const taken = this.#taken[region];
    assert.ok(taken !== undefined);
    return taken;
  }

  #addRegion(): void {
    const region = this.#vacant.pop() ?? this.#regions.length;
    assert.ok(region < MAX_REGIONS, 'the arena has no more addresses');
    const pages = region === 0 ? FIRST_REGION_PAGES : REGION_PAGES;
    this.#regions[region] = new DataView(new ArrayBuffer(pages * PAGE_BYTES));
    this.#taken[region] = new Uint8Array(pages);
    this.#free[region] = pages;
    if (region === 0) this.#reserveFirst();
  }

  /** So that no block has address 0, which says: none. */
  #reserveFirst(): void {
    this.#takenIn(0).fill(1, 0, 1);
    this.#free[0] = FIRST_REGION_PAGES - 1;
  }

  #drop(region: number): void {
    this.#regions[region] = NONE;
    this.#free[region] = 0;
    this.#vacant.push(region);
  }
}

/** Where the first row of so many zeros begins; -1: nowhere. */
function rowOfZeros(bytes: Uint8Array, count: number): number {
  let first = bytes.indexOf(0);
  while (first >= 0 && first + count <= bytes.length) {
    let end = first + 1;
    while (end < first + count && bytes[end] === 0) end++;
    if (end === first + count) return first;
    first = bytes.indexOf(0, end);
  }
  return -1;
}
