/**
 * Blocks of memory by address. A slab is a row of pages with blocks of one size class: it has a list of its free blocks, which lies in these
 * blocks themselves, and gives its pages back when all of its blocks are free. A block that is larger than any class has pages of its own.
 */
import { Pages, REGION_PAGES } from './pages.ts';
import {
  CLASSES,
  classOf,
  classUnits,
  LARGEST_CLASS_UNITS,
  PAGE_BYTES,
  PAGE_UNITS,
  slabPages,
  UNIT_BYTES,
} from './size-classes.ts';

// What is remembered of each page. A page's number is kept plus one, so that 0 says: none.
const PAGE_ENTRY_BYTES = 32;
/** The first page of its slab; 0: the page is free. */
const SLAB = 0;
// Of the first page of a slab:
/** 0: one block that is larger than any class. */
const CLASS = 4;
const PAGE_COUNT = 8;
const USED_BLOCKS = 12;
/** A block that was given back; it holds the address of the next one. */
const FREE_BLOCK = 16;
/** The first block that was never given; 0: all were. */
const FRESH_BLOCK = 20;
// Slabs of a class that have a free block are a list, but for those that are vacated.
const NEXT = 24;
const PREVIOUS = 28;
/** In place of the next slab: no block of this one is given any more. */
const VACATED = 2 ** 32 - 1;

/** A region holds a row of pages for any record: key, value, and what stands before them. */
export const MAX_BLOCK_BYTES = REGION_PAGES * PAGE_BYTES;

export class Arena {
  readonly pages = new Pages();
  #entries = new DataView(new ArrayBuffer(REGION_PAGES * PAGE_ENTRY_BYTES));
  /** For each class the first slab with a free block. */
  readonly #open = new Uint32Array(CLASSES);
  #givenBytes = 0;

  /** Bytes of the pages that are in use. */
  get usedBytes(): number {
    return this.pages.taken * PAGE_BYTES;
  }

  /** What of these is in no block that is given. */
  get freeBytes(): number {
    return this.usedBytes - this.#givenBytes;
  }

  /** The address of a new block of at least so many bytes. What is in it is undefined. */
  allocate(bytes: number): number {
    const units = (bytes + UNIT_BYTES - 1) >>> 3;
    if (units > LARGEST_CLASS_UNITS) {
      const pages = Math.ceil(units / PAGE_UNITS);
      this.#givenBytes += pages * PAGE_BYTES;
      return this.#addressOf(this.#addSlab(0, pages));
    }
    const index = classOf(units);
    const slab = (this.#open[index] ?? 0) || this.#addSlab(index, slabPages(index));
    return this.#takeBlock(slab, index);
  }

  /** The same, in another slab than the one that this block is in. */
  allocateApart(bytes: number, address: number): number {
    const units = (bytes + UNIT_BYTES - 1) >>> 3;
    if (units > LARGEST_CLASS_UNITS) return this.allocate(bytes);
    const index = classOf(units);
    const first = this.#open[index] ?? 0;
    const slab = first === this.#slabOf(address) ? this.#get(first, NEXT) : first;
    return this.#takeBlock(slab || this.#addSlab(index, slabPages(index)), index);
  }

  free(address: number): void {
    const slab = this.#slabOf(address);
    const index = this.#get(slab, CLASS);
    this.#givenBytes -= this.#blockBytesOf(slab, index);
    if (index === 0) {
      this.#removeSlab(slab);
      return;
    }
    const used = this.#get(slab, USED_BLOCKS) - 1;
    const next = this.#get(slab, FREE_BLOCK);
    const isVacated = this.#get(slab, NEXT) === VACATED;
    const wasFull = next === 0 && this.#get(slab, FRESH_BLOCK) === 0;
    if (used === 0) {
      if (!wasFull && !isVacated) this.#unlink(slab, index);
      this.#removeSlab(slab);
      return;
    }
    this.pages.memory(address).setUint32(this.pages.offset(address), next, true);
    this.#set(slab, FREE_BLOCK, address);
    this.#set(slab, USED_BLOCKS, used);
    if (wasFull && !isVacated) this.#link(slab, index);
  }

  /**
   * Have no more blocks given of the slab that this block is in, if less than half of it is used, and there is room in others of its class.
   * @returns whether it is so: once all of its blocks are freed, the slab's memory is given back
   */
  vacate(address: number): boolean {
    const slab = this.#slabOf(address);
    const index = this.#get(slab, CLASS);
    if (this.#get(slab, NEXT) === VACATED) return true;
    const first = this.#open[index] ?? 0;
    const isAlone = first === 0 || (first === slab && this.#get(slab, NEXT) === 0);
    if (index === 0 || isAlone || this.#get(slab, USED_BLOCKS) * 2 >= this.#capacity(slab, index)) return false;
    this.#unlink(slab, index);
    this.#set(slab, NEXT, VACATED);
    return true;
  }

  /** How many blocks the slab has room for. */
  #capacity(slab: number, index: number): number {
    return Math.floor((this.#get(slab, PAGE_COUNT) * PAGE_UNITS) / classUnits(index));
  }

  /** How much memory a block of so many bytes takes. */
  sizeOf(bytes: number): number {
    const units = (bytes + UNIT_BYTES - 1) >>> 3;
    if (units > LARGEST_CLASS_UNITS) return Math.ceil(units / PAGE_UNITS) * PAGE_BYTES;
    return classUnits(classOf(units)) * UNIT_BYTES;
  }

  /** How much memory the block takes, which may be more than was asked for. */
  blockBytes(address: number): number {
    const slab = this.#slabOf(address);
    return this.#blockBytesOf(slab, this.#get(slab, CLASS));
  }

  #blockBytesOf(slab: number, index: number): number {
    return index === 0 ? this.#get(slab, PAGE_COUNT) * PAGE_BYTES : classUnits(index) * UNIT_BYTES;
  }

  /** Addresses of all blocks that are given, of the slab that this block is in: when all are free, their pages are given back. */
  blocksBeside(address: number): number[] {
    const slab = this.#slabOf(address);
    const index = this.#get(slab, CLASS);
    if (index === 0) return [address];
    const free = new Set<number>();
    for (let block = this.#get(slab, FREE_BLOCK); block !== 0;) {
      free.add(block);
      block = this.pages.memory(block).getUint32(this.pages.offset(block), true);
    }
    const units = classUnits(index);
    const end = this.#get(slab, FRESH_BLOCK) || this.#endOf(slab) - units + 1;
    const blocks: number[] = [];
    for (let block = this.#addressOf(slab); block < end; block += units) if (!free.has(block)) blocks.push(block);
    return blocks;
  }

  #takeBlock(slab: number, index: number): number {
    this.#set(slab, USED_BLOCKS, this.#get(slab, USED_BLOCKS) + 1);
    this.#givenBytes += classUnits(index) * UNIT_BYTES;
    let block = this.#get(slab, FREE_BLOCK);
    let fresh = this.#get(slab, FRESH_BLOCK);
    if (block !== 0) {
      this.#set(slab, FREE_BLOCK, this.pages.memory(block).getUint32(this.pages.offset(block), true));
    } else {
      block = fresh;
      const units = classUnits(index);
      fresh = fresh + 2 * units <= this.#endOf(slab) ? fresh + units : 0;
      this.#set(slab, FRESH_BLOCK, fresh);
    }
    if (fresh === 0 && this.#get(slab, FREE_BLOCK) === 0) this.#unlink(slab, index);
    return block;
  }

  #addSlab(index: number, count: number): number {
    const first = this.pages.take(count);
    const slab = first + 1;
    this.#makeRoom(first + count);
    for (let page = slab; page < slab + count; page++) this.#set(page, SLAB, slab);
    this.#set(slab, CLASS, index);
    this.#set(slab, PAGE_COUNT, count);
    this.#set(slab, USED_BLOCKS, 0);
    this.#set(slab, FREE_BLOCK, 0);
    this.#set(slab, FRESH_BLOCK, this.#addressOf(slab));
    if (index > 0) this.#link(slab, index);
    return slab;
  }

  #removeSlab(slab: number): void {
    const count = this.#get(slab, PAGE_COUNT);
    for (let page = slab; page < slab + count; page++) this.#set(page, SLAB, 0);
    this.pages.give(slab - 1, count);
  }

  #link(slab: number, index: number): void {
    const next = this.#open[index] ?? 0;
    this.#set(slab, NEXT, next);
    this.#set(slab, PREVIOUS, 0);
    if (next !== 0) this.#set(next, PREVIOUS, slab);
    this.#open[index] = slab;
  }

  #unlink(slab: number, index: number): void {
    const next = this.#get(slab, NEXT);
    const previous = this.#get(slab, PREVIOUS);
    if (next !== 0) this.#set(next, PREVIOUS, previous);
    if (previous !== 0) this.#set(previous, NEXT, next);
    else this.#open[index] = next;
  }

  #slabOf(address: number): number {
    return this.#get((address >>> 12) + 1, SLAB);
  }

  #addressOf(slab: number): number {
    return (slab - 1) * PAGE_UNITS;
  }

  #endOf(slab: number): number {
    return this.#addressOf(slab) + this.#get(slab, PAGE_COUNT) * PAGE_UNITS;
  }

  #get(slab: number, field: number): number {
    return this.#entries.getUint32((slab - 1) * PAGE_ENTRY_BYTES + field, true);
  }

  #set(slab: number, field: number, value: number): void {
    this.#entries.setUint32((slab - 1) * PAGE_ENTRY_BYTES + field, value, true);
  }

  #makeRoom(pages: number): void {
    if (pages * PAGE_ENTRY_BYTES <= this.#entries.byteLength) return;
    const larger = new Uint8Array(this.#entries.byteLength * 2);
    larger.set(new Uint8Array(this.#entries.buffer));
    this.#entries = new DataView(larger.buffer);
  }
}
