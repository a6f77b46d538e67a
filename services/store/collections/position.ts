/**
 * A position in a tree: the nodes from the root to a leaf, and an element there or the place where one would be. A change of the tree ends the
 * position; what is read at it lies in the nodes themselves, and must not be kept.
 */
import { compareBytes } from '../engine/bytes.ts';
import { type Cursor, NOTHING } from '../engine/index.ts';
import {
  childCountAt,
  childEnd,
  childOrderAt,
  Element,
  elementEnd,
  entriesAt,
  type Form,
  isByReference,
  levelAt,
  NODE_HEAD_BYTES,
  orderAt,
  pageAt,
  separatorBytesAt,
} from './node.ts';
import { pageCursor, type Pages } from './pages.ts';
import type { Edge } from './partition.ts';

/** The length of a member that comes after all others. */
const ABOVE_ALL = Infinity;

function compareMember(a: DataView, atA: number, lengthA: number, b: DataView, atB: number, lengthB: number): number {
  return lengthB === ABOVE_ALL ? -1 : compareBytes(a, atA, lengthA, b, atB, lengthB);
}

/** Where a node lies. */
export type Place = { memory: DataView; node: number; bytes: number };

/** A node on the way from the root to a leaf. */
export class Step implements Place {
  /** For a page; the root has none. */
  readonly cursor: Cursor = pageCursor();
  memory: DataView = NOTHING;
  node = 0;
  bytes = 0;
  entries = 0;
  /** Which entry the way goes through, and how far that is from the beginning of the node. */
  index = 0;
  entry = 0;
}

export class Position {
  readonly #form: Form;
  readonly #pages: Pages;
  readonly #steps: Step[] = [new Step()];
  /** The leaf's place among the steps. */
  depth = 0;
  /** A page that is on no way. */
  readonly #other = new Step();
  readonly #first = new Element();
  /** The element at the position, if there is one. */
  readonly element = new Element();
  /** How far from the beginning of the leaf its entries begin, up to the position; without items: it is not known. */
  readonly #entries: number[] = [];

  constructor(form: Form, pages: Pages) {
    this.#form = form;
    this.#pages = pages;
  }

  /**
   * Go to an element, or to where it would be.
   * @returns whether it is there; if not, there may be no element at the position: `toElement` goes to the next one
   */
  seek(order: number, memory: DataView, from: number, length: number): boolean {
    this.#entries.length = 0;
    let depth = 0;
    while (this.#levelOf(depth) > 0) {
      this.#chooseChild(this.step(depth), order, memory, from, length);
      this.#enter(++depth);
    }
    this.depth = depth;
    return this.#chooseElement(order, memory, from, length);
  }

  /** Go to the first element whose order number is at least this, or more. @returns whether there is one */
  seekOrder(order: number, isMore = false): boolean {
    this.seek(order, NOTHING, 0, isMore ? ABOVE_ALL : 0);
    return this.toElement();
  }

  /** Go to the element of this rank, 0 for the first; or behind the last one. @returns whether there is one */
  seekRank(rank: number): boolean {
    this.#entries.length = 0;
    let left = rank;
    let depth = 0;
    while (this.#levelOf(depth) > 0) {
      left = this.#chooseByCount(this.step(depth), left);
      this.#enter(++depth);
    }
    this.depth = depth;
    const leaf = this.step(depth);
    leaf.index = 0;
    leaf.entry = NODE_HEAD_BYTES;
    for (; left > 0 && leaf.index < leaf.entries; left--) this.#passElement(leaf);
    return this.readElement();
  }

  /** Go to the next element if there is none at the position. @returns false behind the last one */
  toElement(): boolean {
    const leaf = this.leaf;
    return leaf.index < leaf.entries ? this.readElement() : this.#toNextLeaf();
  }

  /** @returns false behind the last element */
  next(): boolean {
    this.#entries.length = 0;
    this.#passElement(this.leaf);
    return this.toElement();
  }

  /** @returns false when there is none before; the position is then at the first element */
  previous(): boolean {
    const leaf = this.leaf;
    if (leaf.index === 0) return this.#toPreviousLeaf();
    if (this.#entries.length === 0) this.#listEntries(leaf);
    leaf.entry = this.#entries[--leaf.index] ?? NODE_HEAD_BYTES;
    return this.readElement();
  }

  /** A walk backwards through a leaf would look for each of its entries from the beginning. */
  #listEntries({ memory, node, index }: Step): void {
    let at = node + NODE_HEAD_BYTES;
    for (let before = 0; before < index; before++) {
      this.#entries.push(at - node);
      at = elementEnd(memory, at, this.#form);
    }
  }

  /** How many elements are before the position. */
  get rank(): number {
    let rank = this.leaf.index;
    for (let depth = 0; depth < this.depth; depth++) {
      const { memory, node, index } = this.step(depth);
      let child = node + NODE_HEAD_BYTES;
      for (let before = 0; before < index; before++) {
        rank += childCountAt(memory, child);
        child = childEnd(memory, child, this.#form);
      }
    }
    return rank;
  }

  /**
   * The node nearest to the root that has entries which begin at the position and have no more than `most` elements, of which there are as many.
   * @returns its depth: the leaf's, or that of a node of which whole children are meant
   */
  runDepth(most: number): number {
    let depth = this.depth;
    while (depth > 0 && this.step(depth).index === 0) {
      const { memory, node, entry } = this.step(depth - 1);
      if (childCountAt(memory, node + entry) > most) break;
      depth--;
    }
    return depth;
  }

  get leaf(): Step {
    return this.step(this.depth);
  }

  step(depth: number): Step {
    return (this.#steps[depth] ??= new Step());
  }

  #levelOf(depth: number): number {
    const { memory, node } = this.step(depth);
    return levelAt(memory, node);
  }

  /** Take the child that the step before has chosen. */
  #enter(depth: number): void {
    const { memory, node, entry } = this.step(depth - 1);
    const step = this.step(depth);
    this.#entries.length = 0;
    this.#pages.seek(step.cursor, pageAt(memory, node + entry));
    this.useCursor(step);
    step.index = 0;
    step.entry = NODE_HEAD_BYTES;
  }

  useCursor(step: Step): void {
    const { cursor } = step;
    step.memory = cursor.memory;
    step.node = cursor.value;
    step.bytes = cursor.valueLength;
    step.entries = entriesAt(step.memory, step.node);
  }

  /** The last child whose separator is not above the element. */
  #chooseChild(step: Step, order: number, memory: DataView, from: number, length: number): void {
    const node = step.memory;
    let child = step.node + NODE_HEAD_BYTES;
    let index = 0;
    for (; index + 1 < step.entries; index++) {
      const next = childEnd(node, child, this.#form);
      if (this.#compareSeparator(node, next, order, memory, from, length) > 0) break;
      child = next;
    }
    step.index = index;
    step.entry = child - step.node;
  }

  /** @returns more than 0 where the separator of the child is above the element */
  #compareSeparator(
    node: DataView,
    child: number,
    order: number,
    memory: DataView,
    from: number,
    length: number,
  ): number {
    const own = childOrderAt(node, child, this.#form);
    if (own !== order) return own < order ? -1 : 1;
    if (isByReference(node, child, this.#form)) {
      this.#readFirst(pageAt(node, child));
      if (this.#first.order !== order) return 1; // the elements with this order number that there were are gone
      return compareMember(this.#first.memory, this.#first.member, this.#first.memberLength, memory, from, length);
    }
    const bytes = separatorBytesAt(child, this.#form);
    return compareMember(node, bytes, childEnd(node, child, this.#form) - bytes, memory, from, length);
  }

  /** Read the first element below a page. */
  #readFirst(page: number): void {
    const { cursor } = this.#other;
    this.#pages.seek(cursor, page);
    while (levelAt(cursor.memory, cursor.value) > 0) {
      this.#pages.seek(cursor, pageAt(cursor.memory, cursor.value + NODE_HEAD_BYTES));
    }
    this.#first.read(cursor.memory, cursor.value + NODE_HEAD_BYTES, this.#form);
  }

  /** @returns whether the element is there; if not, the position is at the first one above it in this leaf, or at the end of the leaf */
  #chooseElement(order: number, memory: DataView, from: number, length: number): boolean {
    const leaf = this.leaf;
    const { element } = this;
    const form = this.#form;
    let at = leaf.node + NODE_HEAD_BYTES;
    let index = 0;
    let isFound = false;
    for (; index < leaf.entries; index++) {
      const own = orderAt(leaf.memory, at, form);
      if (own > order) break;
      if (own === order) {
        element.read(leaf.memory, at, form);
        const difference = compareMember(leaf.memory, element.member, element.memberLength, memory, from, length);
        isFound = difference === 0;
        if (difference >= 0) break;
      }
      at = elementEnd(leaf.memory, at, form);
    }
    leaf.index = index;
    leaf.entry = at - leaf.node;
    return isFound;
  }

  /** The child that has the element with this rank, or the last one. @returns its rank below that child */
  #chooseByCount(step: Step, rank: number): number {
    const { memory, node, entries } = step;
    let left = rank;
    let child = node + NODE_HEAD_BYTES;
    let index = 0;
    for (; index + 1 < entries; index++) {
      const count = childCountAt(memory, child);
      if (left < count) break;
      left -= count;
      child = childEnd(memory, child, this.#form);
    }
    step.index = index;
    step.entry = child - node;
    return left;
  }

  #passElement(leaf: Step): void {
    leaf.entry = elementEnd(leaf.memory, leaf.node + leaf.entry, this.#form) - leaf.node;
    leaf.index++;
  }

  readElement(): boolean {
    const leaf = this.leaf;
    if (leaf.index === leaf.entries) return false;
    this.element.read(leaf.memory, leaf.node + leaf.entry, this.#form);
    return true;
  }

  #toNextLeaf(): boolean {
    let depth = this.depth - 1;
    while (depth >= 0 && this.step(depth).index + 1 === this.step(depth).entries) depth--;
    if (depth < 0) return false;
    const step = this.step(depth);
    step.entry = childEnd(step.memory, step.node + step.entry, this.#form) - step.node;
    step.index++;
    while (depth < this.depth) this.#enter(++depth);
    return this.readElement();
  }

  #toPreviousLeaf(): boolean {
    let depth = this.depth - 1;
    while (depth >= 0 && this.step(depth).index === 0) depth--;
    if (depth < 0) return false;
    this.goTo(this.step(depth), this.step(depth).index - 1);
    while (depth < this.depth) {
      this.#enter(++depth);
      this.goTo(this.step(depth), this.step(depth).entries - 1);
    }
    return this.readElement();
  }

  /** Choose the entry with this index. */
  goTo(step: Step, index: number): void {
    const { memory, node } = step;
    const isLeaf = levelAt(memory, node) === 0;
    let at = node + NODE_HEAD_BYTES;
    for (let before = 0; before < index; before++) {
      at = isLeaf ? elementEnd(memory, at, this.#form) : childEnd(memory, at, this.#form);
    }
    step.index = index;
    step.entry = at - node;
  }

  /** Whether the position is at an end of the tree: there elements often come in order, and leave full nodes behind. */
  edge(): Edge {
    let isFirst = true;
    let isLast = this.leaf.index === this.leaf.entries;
    for (let depth = 0; depth <= this.depth; depth++) {
      const { index, entries } = this.step(depth);
      isFirst &&= index === 0;
      if (depth < this.depth) isLast &&= index === entries - 1;
    }
    if (isLast) return 'last';
    return isFirst ? 'first' : undefined;
  }
}
