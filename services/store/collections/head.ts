/**
 * What the record of a collection's key says of it before its nodes, little-endian. A collection without pages: u8 format, u8 marks, and the
 * root of its first tree. One with pages, whose type says `PAGED`:
 *
 *     f64 number of the collection · u8 format · u8 marks · u32 the page made last · u32 how many pages there are
 *     of each tree: u32 elements · u32 bytes of its root · root
 *
 * A doomed record has such a value first, and then, once its teardown began: f64 number, u8 `TORN`, and u32 of each page below which,
 * itself included, all is to be removed.
 */
import type { Scratch } from '../scratch.ts';
import { entriesAt } from './node.ts';

export const FORMAT = 1;
/** In place of the format. */
export const TORN = 0;

export const SMALL_HEAD_BYTES = 2;
export const PAGED_HEAD_BYTES = 18;
export const TREE_HEAD_BYTES = 8;

const SMALL_MARKS = 1;
const PAGED_FORMAT = 8;
const PAGED_MARKS = 9;
const LAST_PAGE = 10;
const PAGES = 14;
const ROOT_BYTES = 4;

/** What a collection of either kind says of itself. */
export function marksAt(memory: DataView, value: number, isPaged: boolean): number {
  return memory.getUint8(value + (isPaged ? PAGED_MARKS : SMALL_MARKS));
}

export function countAt(memory: DataView, value: number, isPaged: boolean): number {
  return isPaged ? treeCountAt(memory, value + PAGED_HEAD_BYTES) : entriesAt(memory, value + SMALL_HEAD_BYTES);
}

/** Of a collection without pages. */
export function smallMarksAt(memory: DataView, head: number): number {
  return memory.getUint8(head + SMALL_MARKS);
}

export function writeSmallHead(to: Scratch, marks: number): void {
  to.byte(FORMAT);
  to.byte(marks);
}

/** What a paged collection says of all of it. */
export type PagedHead = { collection: number; marks: number; lastPage: number; pages: number };

export function readPagedHead(memory: DataView, head: number): PagedHead {
  return {
    collection: memory.getFloat64(head, true),
    marks: memory.getUint8(head + PAGED_MARKS),
    lastPage: memory.getUint32(head + LAST_PAGE, true),
    pages: memory.getUint32(head + PAGES, true),
  };
}

export function writePagedHead(to: Scratch, { collection, marks, lastPage, pages }: PagedHead): void {
  to.float(collection);
  to.byte(FORMAT);
  to.byte(marks);
  to.word(lastPage);
  to.word(pages);
}

/** @param tree where what is said of the tree begins */
export function treeCountAt(memory: DataView, tree: number): number {
  return memory.getUint32(tree, true);
}

export function rootBytesAt(memory: DataView, tree: number): number {
  return memory.getUint32(tree + ROOT_BYTES, true);
}

export function writeTreeHead(to: Scratch, count: number, rootBytes: number): void {
  to.word(count);
  to.word(rootBytes);
}

/** Give `take` where each root begins, of a paged value that ends at byte `end`. */
export function eachRoot(memory: DataView, value: number, end: number, take: (root: number) => void): void {
  for (let tree = value + PAGED_HEAD_BYTES; tree < end; tree += TREE_HEAD_BYTES + rootBytesAt(memory, tree)) {
    take(tree + TREE_HEAD_BYTES);
  }
}

/** The number of the collection that a paged or doomed value says. */
export function collectionOf(memory: DataView, value: number): number {
  return memory.getFloat64(value, true);
}

/** Whether the doomed record with this value is one whose teardown began. */
export function isTorn(memory: DataView, value: number): boolean {
  return memory.getUint8(value + PAGED_FORMAT) === TORN;
}

export const TORN_HEAD_BYTES = PAGED_FORMAT + 1;
export const PAGE_NUMBER_BYTES = 4;

/** The value of a doomed record: these pages of the collection are to be removed, with all below them. */
export function writeTorn(to: Scratch, collection: number, pages: readonly number[]): void {
  to.begin(TORN_HEAD_BYTES + pages.length * PAGE_NUMBER_BYTES);
  to.float(collection);
  to.byte(TORN);
  for (const page of pages) to.word(page);
}
