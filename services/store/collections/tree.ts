/**
 * A counted B+ tree. Its root lies in the record of the collection's key, its other nodes in pages. Inner nodes say how many elements are
 * below each child, so that an element is found by its rank as fast as by its order, and the other way round.
 *
 * A reader seeks a position, reads the element there, and goes on with `next` or `previous`. A writer seeks an element, or the place where it
 * would be, and inserts, removes or changes there; a change ends the position (but that of a value to one as long), and what is read meanwhile
 * must not be kept. Changes of the root wait in memory of the tree's own until the collection is saved.
 *
 * A node with more than `nodeBytes` is split, unless it has one entry: so a page holds an element of any size alone. Below half of that
 * it is merged with a neighbour, if both together take no more than three quarters: so neither splits nor merges follow each other.
 */
import { copyBytes } from '../engine/bytes.ts';
import { NOTHING } from '../engine/index.ts';
import { Scratch } from '../scratch.ts';
import {
  addToChildCount,
  childCountAt,
  childEnd,
  copySeparator,
  Element,
  elementBytes,
  elementEnd,
  elementsBelow,
  entriesAt,
  type Form,
  levelAt,
  MAX_SEPARATOR_BYTES,
  NODE_HEAD_BYTES,
  pageAt,
  writeChild,
  writeElementHead,
  writeNodeHead,
  writeNoSeparator,
  writeSeparator,
} from './node.ts';
import { pageOf, type Pages } from './pages.ts';
import { type Edge, Partition } from './partition.ts';
import { type Place, Position, Step } from './position.ts';

/** Of a separator, beside its child: so many have room in a node that it never splits into nodes of one child each. */
const SEPARATOR_SHARE = 1 / 8;
/** The smallest node size for which that is so. */
export const MIN_NODE_BYTES = 128;
/** Two nodes become one if that is no more than so full. */
const FULL_SHARE = 3 / 4;

export class Tree {
  readonly form: Form;
  readonly #pages: Pages;
  readonly #nodeBytes: number;
  readonly #separatorBytes: number;
  readonly position: Position;
  /** The root, once it was changed. */
  #root = new Scratch();
  /** What a node is to be. */
  #node = new Scratch();
  /** Another node, which is made of that. */
  readonly #part = new Scratch();
  /** Entries that take the place of others. */
  readonly #entries = new Scratch();
  readonly #partition: Partition;
  /** A page that is on no way. */
  readonly #other = new Step();
  readonly #before = new Element();
  readonly #after = new Element();
  /** How many elements there are. */
  count = 0;
  /** Whether the root is to be saved. */
  isRootChanged = false;

  /** @param nodeBytes from `MIN_NODE_BYTES` to 65,535 */
  constructor(form: Form, pages: Pages, nodeBytes: number) {
    this.form = form;
    this.#pages = pages;
    this.position = new Position(form, pages);
    this.#nodeBytes = nodeBytes;
    this.#separatorBytes = Math.min(MAX_SEPARATOR_BYTES, Math.floor(nodeBytes * SEPARATOR_SHARE));
    this.#partition = new Partition(form, nodeBytes);
  }

  /** Begin with a root as it lies in memory, which may be read as long as nothing is written. */
  open(memory: DataView, from: number, bytes: number, count: number): void {
    const root = this.position.step(0);
    root.memory = memory;
    root.node = from;
    root.bytes = bytes;
    root.entries = entriesAt(memory, from);
    this.count = count;
    this.isRootChanged = false;
  }

  /** Begin with no elements. */
  clear(): void {
    this.#root.begin(NODE_HEAD_BYTES);
    this.#root.length = NODE_HEAD_BYTES;
    writeNodeHead(this.#root.memory, 0, this.form, 0, 0);
    this.#useRoot();
    this.count = 0;
  }

  get #rootStep(): Step {
    return this.position.step(0);
  }

  /** The root, and where it lies: to be saved, unless it is a leaf without elements. */
  get rootMemory(): DataView {
    return this.#rootStep.memory;
  }

  get rootFrom(): number {
    return this.#rootStep.node;
  }

  get rootBytes(): number {
    return this.#rootStep.bytes;
  }

  /** Whether all of the tree is its root. */
  get isLeaf(): boolean {
    return levelAt(this.rootMemory, this.rootFrom) === 0;
  }

  /** Nodes from the root to a leaf. */
  get height(): number {
    return levelAt(this.rootMemory, this.rootFrom) + 1;
  }

  /** Put an element before the position: `seek` did not find it there, or the form has no order. */
  insert(
    order: number,
    member: DataView,
    memberFrom: number,
    memberLength: number,
    value: DataView = NOTHING,
    valueFrom = 0,
    valueLength = 0,
  ): void {
    const leaf = this.position.leaf;
    const edge = this.position.edge();
    const bytes = elementBytes(this.form, memberLength, valueLength);
    this.#beginNode(leaf, bytes);
    writeElementHead(this.#node, this.form, order, memberLength, valueLength);
    this.#node.append(member, memberFrom, memberLength);
    this.#node.append(value, valueFrom, valueLength);
    this.#endNode(leaf, leaf.entry, 0, 1);
    this.#store(this.position.depth, 1, edge, leaf.index);
  }

  /** Give the element at the position another value. */
  setValue(value: DataView, from: number, length: number): void {
    const leaf = this.position.leaf;
    const { element } = this.position;
    if (length === element.valueLength) {
      const offset = element.value - leaf.node;
      this.#edit(this.position.depth);
      copyBytes(leaf.memory, leaf.node + offset, value, from, length);
      this.position.readElement();
      return;
    }
    this.#beginNode(leaf, length + MIN_NODE_BYTES);
    writeElementHead(this.#node, this.form, element.order, element.memberLength, length);
    this.#node.append(element.memory, element.member, element.memberLength);
    this.#node.append(value, from, length);
    this.#endNode(leaf, element.end - leaf.node, 1, 1);
    this.#store(this.position.depth, 0, undefined, -1);
  }

  /** Put another element in the place of the one at the position, in a tree without an order. */
  replace(member: DataView, from: number, length: number): void {
    const leaf = this.position.leaf;
    const { element } = this.position;
    if (length === element.memberLength) {
      const offset = element.member - leaf.node;
      this.#edit(this.position.depth);
      copyBytes(leaf.memory, leaf.node + offset, member, from, length);
      this.position.readElement();
      return;
    }
    this.#beginNode(leaf, elementBytes(this.form, length, 0));
    writeElementHead(this.#node, this.form, element.order, length, 0);
    this.#node.append(member, from, length);
    this.#endNode(leaf, element.end - leaf.node, 1, 1);
    this.#store(this.position.depth, 0, undefined, -1);
  }

  /** Remove so many elements, from the one with this rank on. What is a whole page goes as that, and is not read. */
  removeRange(rank: number, count: number): void {
    const end = this.count - count;
    while (this.count > end) {
      this.position.seekRank(rank);
      const depth = this.position.runDepth(this.count - end);
      if (depth === this.position.depth) this.#removeFromLeaf(this.count - end);
      else this.#removeChildren(depth, this.count - end);
    }
  }

  /** Remove the element at the position and those after it in its leaf, up to `most`. */
  #removeFromLeaf(most: number): void {
    const leaf = this.position.leaf;
    const count = Math.min(most, leaf.entries - leaf.index);
    let end = leaf.node + leaf.entry;
    for (let left = count; left > 0; left--) end = elementEnd(leaf.memory, end, this.form);
    this.#beginNode(leaf, 0);
    this.#endNode(leaf, end - leaf.node, count, 0);
    this.#store(this.position.depth, -count, undefined, -1);
  }

  /** Remove the chosen child of the node at this depth and those after it, as many as have up to `most` elements together. */
  #removeChildren(depth: number, most: number): void {
    const { memory, node, entry, index, entries } = this.position.step(depth);
    const pages: number[] = [];
    let elements = 0;
    for (let child = node + entry; index + pages.length < entries; child = childEnd(memory, child, this.form)) {
      const count = childCountAt(memory, child);
      if (elements + count > most) break;
      elements += count;
      pages.push(pageAt(memory, child));
    }
    this.#pages.removeWithAllBelow(pages);
    this.#entries.begin(0);
    this.#replaceChildren(depth, pages.length, 0, -elements, undefined);
  }

  /** Remove those elements of the leaf, from the position on, that are to go, up to `most`. @returns how many */
  removeInLeaf(isToGo: (element: Element) => boolean, most: number): number {
    const leaf = this.position.leaf;
    let removed = 0;
    this.#beginNode(leaf, leaf.bytes - leaf.entry);
    let at = leaf.node + leaf.entry;
    for (let index = leaf.index; index < leaf.entries; index++) {
      this.#before.read(leaf.memory, at, this.form);
      const { end } = this.#before;
      if (removed < most && isToGo(this.#before)) removed++;
      else this.#node.append(leaf.memory, at, end - at);
      at = end;
    }
    if (removed === 0) return 0;
    this.#endNode(leaf, leaf.bytes, removed, 0);
    this.#store(this.position.depth, -removed, undefined, -1);
    return removed;
  }

  /** Remove the element at the position. */
  remove(): void {
    const leaf = this.position.leaf;
    this.#beginNode(leaf, 0);
    this.#endNode(leaf, this.position.element.end - leaf.node, 1, 0);
    this.#store(this.position.depth, -1, undefined, -1);
  }

  /** The bytes of the node may be written where they lie. */
  #edit(depth: number): void {
    const step = this.position.step(depth);
    if (depth === 0) {
      this.#ownRoot();
      return;
    }
    this.#pages.open(step.cursor);
    this.position.useCursor(step);
  }

  #ownRoot(): void {
    const { memory, node, bytes } = this.#rootStep;
    if (memory !== this.#root.memory) {
      this.#root.begin(bytes);
      this.#root.append(memory, node, bytes);
    }
    this.#useRoot();
  }

  /** The root is what is in the memory for it. */
  #useRoot(): void {
    const step = this.#rootStep;
    step.memory = this.#root.memory;
    step.node = 0;
    step.bytes = this.#root.length;
    step.entries = entriesAt(step.memory, 0);
    this.isRootChanged = true;
  }

  /** Begin what a node is to be with what it has before its chosen entry. @param bytes of what will be added, at most */
  #beginNode({ memory, node, bytes, entry }: Step, added: number): void {
    this.#node.begin(bytes + added);
    this.#node.append(memory, node, entry);
  }

  /** End it with what the node has from an offset on. */
  #endNode({ memory, node, bytes, entries }: Step, from: number, removed: number, added: number): void {
    this.#node.append(memory, node + from, bytes - from);
    writeNodeHead(this.#node.memory, 0, this.form, levelAt(memory, node), entries - removed + added);
  }

  /**
   * The node at this depth becomes what `#node` is.
   * @param change of the number of elements below it
   * @param inserted the index of the one entry that is new, where all else is as it was; -1 otherwise
   */
  #store(depth: number, change: number, edge: Edge, inserted: number): void {
    const { memory, length } = this.#node;
    const entries = entriesAt(memory, 0);
    if (depth === 0) {
      this.count += change;
      this.#storeRoot(edge);
      return;
    }
    const step = this.position.step(depth);
    if (entries === 0) {
      this.#pages.remove(step.cursor);
      this.#entries.begin(0);
      this.#replaceChildren(depth - 1, 1, 0, change, undefined);
    } else if (length > this.#nodeBytes && entries > 1) {
      this.#split(depth, change, edge, inserted);
    } else if (length >= step.bytes || length >= this.#nodeBytes / 2 || !this.#merge(depth, change)) {
      this.#pages.write(step.cursor, memory, 0, length);
      this.#addToCounts(depth - 1, change);
    }
  }

  /** The chosen child, and as many after it as are said, become the `count` entries that are in `#entries`. */
  #replaceChildren(depth: number, replaced: number, count: number, change: number, edge: Edge): void {
    const step = this.position.step(depth);
    let end = step.node + step.entry;
    for (let left = replaced; left > 0; left--) end = childEnd(step.memory, end, this.form);
    this.#beginNode(step, this.#entries.length);
    this.#node.append(this.#entries.memory, 0, this.#entries.length);
    this.#endNode(step, end - step.node, replaced, count);
    this.#store(depth, change, edge, -1);
  }

  #addToCounts(depth: number, change: number): void {
    if (change !== 0) {
      for (let above = depth; above >= 0; above--) {
        this.#edit(above);
        const { memory, node, entry } = this.position.step(above);
        addToChildCount(memory, node + entry, change);
      }
    }
    this.count += change;
  }

  #storeRoot(edge: Edge): void {
    if (this.#node.length > this.#nodeBytes && entriesAt(this.#node.memory, 0) > 1) {
      this.#grow(edge);
      return;
    }
    [this.#root, this.#node] = [this.#node, this.#root];
    this.#shrink();
    this.#useRoot();
  }

  /** The content of the root moves into pages, and the root has these as its children. */
  #grow(edge: Edge): void {
    const { parts } = this.#divide(edge);
    this.#root.begin(NODE_HEAD_BYTES + parts * this.#childBytes);
    this.#root.length = NODE_HEAD_BYTES;
    writeNodeHead(this.#root.memory, 0, this.form, levelAt(this.#node.memory, 0) + 1, parts);
    for (let part = 0; part < parts; part++) {
      this.#takePart(part);
      const page = this.#pages.create(this.#other.cursor, this.#part.memory, 0, this.#part.length);
      writeChild(this.#root, page, elementsBelow(this.#part.memory, 0, this.form));
      this.#separate(this.#root, part);
    }
    this.#useRoot();
  }

  /** A root with one child takes its content, unless it is larger than a node may be. */
  #shrink(): void {
    const root = this.#root;
    if (levelAt(root.memory, 0) > 0 && entriesAt(root.memory, 0) === 0) writeNodeHead(root.memory, 0, this.form, 0, 0);
    while (levelAt(root.memory, 0) > 0 && entriesAt(root.memory, 0) === 1) {
      const { cursor } = this.#other;
      this.#pages.seek(cursor, pageAt(root.memory, NODE_HEAD_BYTES));
      if (cursor.valueLength > this.#nodeBytes) return;
      root.begin(cursor.valueLength);
      root.append(cursor.memory, cursor.value, cursor.valueLength);
      this.#pages.remove(cursor);
    }
  }

  /** The largest entry of an inner node. */
  get #childBytes(): number {
    return 8 + this.form.orderBytes + 1 + this.#separatorBytes;
  }

  #divide(edge: Edge): Partition {
    this.#partition.divide(this.#node.memory, this.#node.length, edge);
    return this.#partition;
  }

  /** Make a node of a part of `#node`. */
  #takePart(part: number): void {
    const { memory } = this.#node;
    const [first, end] = this.#partOf(part);
    const from = this.#partition.offset(first);
    const bytes = this.#partition.offset(end) - from;
    this.#part.begin(NODE_HEAD_BYTES + bytes);
    this.#part.length = NODE_HEAD_BYTES;
    this.#part.append(memory, from, bytes);
    writeNodeHead(this.#part.memory, 0, this.form, levelAt(memory, 0), end - first);
  }

  /** The first entry of a part, and the one after its last. */
  #partOf(part: number): [first: number, end: number] {
    const { firsts } = this.#partition;
    return [firsts[part] ?? 0, firsts[part + 1] ?? 0];
  }

  /** Write what separates a part of `#node` from the one before. */
  #separate(to: Scratch, part: number): void {
    const { memory } = this.#node;
    const [first] = this.#partOf(part);
    const from = this.#partition.offset(first);
    if (part === 0) writeNoSeparator(to, this.form);
    else if (levelAt(memory, 0) > 0) copySeparator(to, memory, from, this.form);
    else {
      this.#before.read(memory, this.#partition.offset(first - 1), this.form);
      this.#after.read(memory, from, this.form);
      writeSeparator(to, this.form, this.#before, this.#after, this.#separatorBytes);
    }
  }

  /** `#node` is too large for the page at this depth. */
  #split(depth: number, change: number, edge: Edge, inserted: number): void {
    const { cursor } = this.position.step(depth);
    const above = this.position.step(depth - 1);
    const { parts } = this.#divide(edge);
    // Where all that is new is a part of its own, the page stays as it is: it may be a large one.
    const alone = parts === 2 ? [0, 1].findIndex((part) => this.#isAlone(part, inserted)) : -1;
    const kept = alone === 0 ? 1 : 0;
    this.#entries.begin(parts * this.#childBytes);
    for (let part = 0; part < parts; part++) {
      this.#takePart(part);
      const { memory, length } = this.#part;
      let page = pageOf(cursor);
      if (part !== kept) page = this.#pages.create(this.#other.cursor, memory, 0, length);
      else if (alone < 0) this.#pages.write(cursor, memory, 0, length);
      writeChild(this.#entries, page, elementsBelow(memory, 0, this.form));
      if (part === 0) copySeparator(this.#entries, above.memory, above.node + above.entry, this.form);
      else this.#separate(this.#entries, part);
    }
    this.#replaceChildren(depth - 1, 1, parts, change, edge);
  }

  /** Whether a part is no more than the entry with this index. */
  #isAlone(part: number, index: number): boolean {
    const [first, end] = this.#partOf(part);
    return first === index && end === index + 1;
  }

  /** `#node` is to be one with a neighbour of the page at this depth. @returns whether there is one that has room */
  #merge(depth: number, change: number): boolean {
    const above = this.position.step(depth - 1);
    const { cursor } = this.position.step(depth);
    const { index } = above;
    const own = { memory: this.#node.memory, node: 0, bytes: this.#node.length };
    if (index + 1 < above.entries && this.#hasRoomWith(above, index + 1)) {
      this.#join(own, this.#other, above);
      this.#pages.write(cursor, this.#part.memory, 0, this.#part.length);
      this.#pages.remove(this.#other.cursor);
      this.position.goTo(above, index);
    } else if (index > 0 && this.#hasRoomWith(above, index - 1)) {
      this.position.goTo(above, index);
      this.#join(this.#other, own, above);
      this.#pages.write(this.#other.cursor, this.#part.memory, 0, this.#part.length);
      this.#pages.remove(cursor);
      this.position.goTo(above, index - 1);
    } else {
      this.position.goTo(above, index);
      return false;
    }
    const left = above.node + above.entry;
    this.#entries.begin(this.#childBytes);
    writeChild(this.#entries, pageAt(above.memory, left), elementsBelow(this.#part.memory, 0, this.form));
    copySeparator(this.#entries, above.memory, left, this.form);
    this.#replaceChildren(depth - 1, 2, 1, change, undefined);
    return true;
  }

  /** Choose another child, and look whether `#node` and its page have room in one. */
  #hasRoomWith(above: Step, index: number): boolean {
    this.position.goTo(above, index);
    this.#pages.seek(this.#other.cursor, pageAt(above.memory, above.node + above.entry));
    this.position.useCursor(this.#other);
    return this.#node.length + this.#other.bytes <= this.#nodeBytes * FULL_SHARE;
  }

  /** Make `#part` of two neighbours, the right one of which is the chosen child of the node above. */
  #join(left: Place, right: Place, above: Step): void {
    const part = this.#part;
    const level = levelAt(left.memory, left.node);
    part.begin(left.bytes + right.bytes + this.#childBytes);
    part.append(left.memory, left.node, left.bytes);
    let from = right.node + NODE_HEAD_BYTES;
    if (level > 0) {
      // What was a first child is none any more: what separated the nodes separates it.
      writeChild(part, pageAt(right.memory, from), childCountAt(right.memory, from));
      copySeparator(part, above.memory, above.node + above.entry, this.form);
      from = childEnd(right.memory, from, this.form);
    }
    part.append(right.memory, from, right.node + right.bytes - from);
    const entries = entriesAt(left.memory, left.node) + entriesAt(right.memory, right.node);
    writeNodeHead(part.memory, 0, this.form, level, entries);
  }
}
