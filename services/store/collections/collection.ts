/**
 * The collection that a key holds: one tree, or several that share one set of pages. How it is used:
 *
 *     const hash = new Collection([FORMS.hash]);        // once, for all keys of a type
 *     hash.open(keyspace);                              // after `keyspace.seek`: what the key holds, or nothing
 *     if (!hash.hasRoom(elements, bytes)) …             // before the first change; after that, none fails
 *     if (hash.tree.seek(order, memory, from, length)) hash.tree.setValue(…); else hash.tree.insert(…);
 *     hash.save(TYPES.hash);                            // once, if anything was changed; the keyspace is at the same key
 *
 * A collection that is only read stays open while other keys are sought, until something is written.
 */
import { type Keyspace, PAGED } from '../engine/index.ts';
import { Scratch } from '../scratch.ts';
import {
  PAGED_HEAD_BYTES,
  readPagedHead,
  rootBytesAt,
  SMALL_HEAD_BYTES,
  smallMarksAt,
  TREE_HEAD_BYTES,
  treeCountAt,
  writePagedHead,
  writeSmallHead,
  writeTreeHead,
} from './head.ts';
import { entriesAt, type Form, MAX_ELEMENT_HEAD_BYTES } from './node.ts';
import { Pages } from './pages.ts';
import { Tree } from './tree.ts';

/** A change of a collection of any size writes about so much for each level that its tree has, and a collection of one record has no more. */
export const NODE_BYTES = 1_024;
/** Counts have 32 bits. */
const MAX_ELEMENTS = 2 ** 32 - 1;
/** What a block may be larger than what is in it. */
const BLOCK_SHARE = 9 / 8;
/** A record with the key of a page, and its place in the index. */
const PAGE_RECORD_BYTES = 48;

export class Collection {
  readonly #pages = new Pages();
  readonly #nodeBytes: number;
  readonly trees: readonly Tree[];
  /** The first of its trees: it says how many elements there are. */
  readonly tree: Tree;
  /** Eight bits, of which the type says what they mean. */
  marks = 0;
  #keyspace: Keyspace | undefined;
  #exists = false;
  #isNew = false;
  #before = { marks: 0, pages: 0, lastPage: 0 };
  readonly #value = new Scratch();
  readonly #content = { type: 0, value: this.#value.memory, from: 0, length: 0, deadline: 0 };

  /**
   * @param forms of its trees: while the collection has no pages, all but the first are without elements
   * @param nodeBytes of a node with several entries, at most: `MIN_NODE_BYTES` or more, the same in all processes
   */
  constructor(forms: readonly [Form, ...Form[]], nodeBytes = NODE_BYTES) {
    this.#nodeBytes = nodeBytes;
    const [first, ...others] = forms.map((form) => new Tree(form, this.#pages, nodeBytes));
    if (first === undefined) throw new TypeError('a collection has a tree');
    this.tree = first;
    this.trees = [first, ...others];
  }

  /** Begin with no elements: what it is when it is saved takes the place of whatever the key holds that the keyspace is at then. */
  begin(keyspace: Keyspace): void {
    this.#keyspace = keyspace;
    this.#exists = false;
    this.#isNew = true;
    this.marks = 0;
    this.#pages.begin(keyspace, 0, 0, 0);
    for (const tree of this.trees) tree.clear();
  }

  /** Take what the key holds that the keyspace sought last: a collection of these forms, or nothing. */
  open(keyspace: Keyspace): void {
    this.#keyspace = keyspace;
    this.#exists = keyspace.exists;
    this.#isNew = false;
    this.marks = 0;
    if (this.#exists && keyspace.isPaged) this.#openPaged(keyspace, keyspace.value, keyspace.valueFrom);
    else this.#openSmall(keyspace);
    this.#before = { marks: this.marks, pages: this.#pages.count, lastPage: this.#pages.last };
  }

  #openPaged(keyspace: Keyspace, memory: DataView, head: number): void {
    const { collection, marks, lastPage, pages } = readPagedHead(memory, head);
    this.marks = marks;
    this.#pages.begin(keyspace, collection, lastPage, pages);
    let at = head + PAGED_HEAD_BYTES;
    for (const tree of this.trees) {
      const bytes = rootBytesAt(memory, at);
      tree.open(memory, at + TREE_HEAD_BYTES, bytes, treeCountAt(memory, at));
      at += TREE_HEAD_BYTES + bytes;
    }
  }

  #openSmall(keyspace: Keyspace): void {
    this.#pages.begin(keyspace, 0, 0, 0);
    for (const tree of this.trees) tree.clear();
    if (!keyspace.exists) return;
    const { value, valueFrom, valueLength } = keyspace;
    const root = valueFrom + SMALL_HEAD_BYTES;
    this.marks = smallMarksAt(value, valueFrom);
    this.tree.open(value, root, valueLength - SMALL_HEAD_BYTES, entriesAt(value, root));
  }

  get count(): number {
    return this.tree.count;
  }

  /** Whether it has pages, as far as its trees are now. */
  get isPaged(): boolean {
    return this.trees.some(({ isLeaf }) => !isLeaf);
  }

  /**
   * Whether there is memory to insert or change so many elements, with members and values of so many bytes together. What that takes is told
   * from the largest number of nodes that it may write, so that a little more than is needed is asked for.
   * @param places in so many places they lie, each beside each other: those at one end, for one
   */
  hasRoom(elements: number, bytes: number, places = elements): boolean {
    if (this.count + elements > MAX_ELEMENTS) return false;
    let need = 0;
    for (const { height, rootBytes } of this.trees) {
      const nodes = Math.min(places, this.#pages.count + 1) * height;
      const added = 2 * (bytes + elements * (MAX_ELEMENT_HEAD_BYTES + PAGE_RECORD_BYTES));
      need += (nodes + 1) * (this.#nodeBytes * BLOCK_SHARE + PAGE_RECORD_BYTES) + rootBytes * BLOCK_SHARE + added;
    }
    return this.#keyspace?.hasRoom(need) === true;
  }

  /** Write what it is now into the record of its key, or remove the key where there are no elements. */
  save(type: number, deadline = this.#keyspace?.exists === true ? this.#keyspace.deadline : 0): void {
    const keyspace = this.#keyspace;
    if (keyspace === undefined) return;
    if (this.count === 0) {
      if (this.#isNew) keyspace.remove();
      else if (this.#exists) keyspace.discardRecord();
    } else if (this.#exists && this.#isRecordAsItWas && deadline === keyspace.deadline) keyspace.touch();
    else this.#write(keyspace, type, deadline);
  }

  get #isRecordAsItWas(): boolean {
    const { marks, pages, lastPage } = this.#before;
    const isHeadAsItWas = marks === this.marks && pages === this.#pages.count && lastPage === this.#pages.last;
    return isHeadAsItWas && !this.trees.some(({ isRootChanged }) => isRootChanged);
  }

  #write(keyspace: Keyspace, type: number, deadline: number): void {
    const { isPaged } = this;
    const to = this.#value;
    if (isPaged) this.#putPaged(to);
    else {
      to.begin(SMALL_HEAD_BYTES + this.tree.rootBytes);
      writeSmallHead(to, this.marks);
      to.append(this.tree.rootMemory, this.tree.rootFrom, this.tree.rootBytes);
    }
    this.#content.type = isPaged ? type | PAGED : type;
    this.#content.value = to.memory;
    this.#content.length = to.length;
    this.#content.deadline = deadline;
    if (this.#isNew) keyspace.overwrite(this.#content);
    else keyspace.rewrite(this.#content);
  }

  #putPaged(to: Scratch): void {
    let bytes = PAGED_HEAD_BYTES;
    for (const { rootBytes } of this.trees) bytes += TREE_HEAD_BYTES + rootBytes;
    to.begin(bytes);
    const { collection, last, count } = this.#pages;
    writePagedHead(to, { collection, marks: this.marks, lastPage: last, pages: count });
    for (const { count: elements, rootBytes, rootMemory, rootFrom } of this.trees) {
      writeTreeHead(to, elements, rootBytes);
      to.append(rootMemory, rootFrom, rootBytes);
    }
  }
}
