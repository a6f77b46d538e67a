/**
 * How a node of a tree lies in memory, little-endian: u8 level (6 bits), 0 for a leaf, and four-byte words of an order number (2 bits); u16 how
 * many entries it has; then these, in order.
 *
 *     of a leaf, each element:      order number · length of the member · length of the value · member · value
 *     of others, each child:        u32 page · u32 elements below it · separator: order number · u8 length · that many bytes
 *
 * The form of the tree tells how an element is ordered and whether it has a value; what it has not is left out, and where there is no order
 * there is no separator. A length is a u8, or `LONG` and then u32.
 *
 * A separator is no more than the first element of its child, and more than all elements before it. That of a node's first child says nothing.
 * Where it would take more than `MAX_SEPARATOR_BYTES`, its length is `BY_REFERENCE`: it is the first element of the child itself, so that
 * members of megabytes that begin alike do not make inner nodes large.
 */
import { commonBytes } from '../engine/bytes.ts';
import { hashKey } from '../engine/hash.ts';
import type { Scratch } from '../scratch.ts';

/** What the elements of a tree are ordered by, before their members: nothing (they lie where they were put), a u32, or an f64. */
export type Form = { readonly orderBytes: 0 | 4 | 8; readonly hasValues: boolean };

export const FORMS = {
  /** Members in the order of their hashes, with a value each. */
  hash: { orderBytes: 4, hasValues: true },
  set: { orderBytes: 4, hasValues: false },
  list: { orderBytes: 0, hasValues: false },
  /** Members by score. */
  scores: { orderBytes: 8, hasValues: false },
} as const satisfies Record<string, Form>;

export const NODE_HEAD_BYTES = 3;
const LEVEL_MASK = 0x3f;
const ORDER_SHIFT = 6;
const COUNT = 1;
const CHILD_COUNT = 4;
const SEPARATOR = 8;
const LONG = 255;
const LONG_BYTES = 5;
const BY_REFERENCE = 255;
export const MAX_SEPARATOR_BYTES = 64;
/** Of an element besides its bytes, at most: the order number and two long lengths. */
export const MAX_ELEMENT_HEAD_BYTES = 8 + 2 * LONG_BYTES;

/** Where a member lies in the order of a hash or a set. The order is part of what is on disk, so it is the same for all processes. */
export function memberOrder(memory: DataView, from: number, length: number): number {
  return hashKey(0x6d656d62, 0x65727321, memory, from, length);
}

export function levelAt(memory: DataView, node: number): number {
  return memory.getUint8(node) & LEVEL_MASK;
}

/** Elements of a leaf, or children of another node. */
export function entriesAt(memory: DataView, node: number): number {
  return memory.getUint16(node + COUNT, true);
}

export function writeNodeHead(
  memory: DataView,
  node: number,
  { orderBytes }: Form,
  level: number,
  entries: number,
): void {
  memory.setUint8(node, level | ((orderBytes >>> 2) << ORDER_SHIFT));
  memory.setUint16(node + COUNT, entries, true);
}

/** The order number that begins here, of an element or of a separator; without an order 0. */
export function orderAt(memory: DataView, at: number, { orderBytes }: Form): number {
  if (orderBytes === 4) return memory.getUint32(at, true);
  return orderBytes === 8 ? memory.getFloat64(at, true) : 0;
}

function lengthAt(memory: DataView, at: number): number {
  const length = memory.getUint8(at);
  return length < LONG ? length : memory.getUint32(at + 1, true);
}

function lengthBytes(length: number): number {
  return length < LONG ? 1 : LONG_BYTES;
}

/** An element, where it lies in a leaf. */
export class Element {
  memory: DataView = new DataView(new ArrayBuffer(0));
  order = 0;
  member = 0;
  memberLength = 0;
  value = 0;
  valueLength = 0;
  /** Where the next one begins. */
  end = 0;

  read(memory: DataView, from: number, form: Form): void {
    this.memory = memory;
    this.order = orderAt(memory, from, form);
    let at = from + form.orderBytes;
    this.memberLength = lengthAt(memory, at);
    at += lengthBytes(this.memberLength);
    this.valueLength = 0;
    if (form.hasValues) {
      this.valueLength = lengthAt(memory, at);
      at += lengthBytes(this.valueLength);
    }
    this.member = at;
    this.value = at + this.memberLength;
    this.end = this.value + this.valueLength;
  }
}

/** Where the element that begins at byte `from` ends. */
export function elementEnd(memory: DataView, from: number, { orderBytes, hasValues }: Form): number {
  let at = from + orderBytes;
  const member = lengthAt(memory, at);
  at += lengthBytes(member);
  if (!hasValues) return at + member;
  const value = lengthAt(memory, at);
  return at + lengthBytes(value) + member + value;
}

export function elementBytes({ orderBytes, hasValues }: Form, memberLength: number, valueLength: number): number {
  const value = hasValues ? lengthBytes(valueLength) + valueLength : 0;
  return orderBytes + lengthBytes(memberLength) + memberLength + value;
}

/** Write the head of an element: member and value are appended after it. */
export function writeElementHead(
  to: Scratch,
  form: Form,
  order: number,
  memberLength: number,
  valueLength: number,
): void {
  writeOrder(to, form, order);
  writeLength(to, memberLength);
  if (form.hasValues) writeLength(to, valueLength);
}

function writeOrder(to: Scratch, { orderBytes }: Form, order: number): void {
  if (orderBytes === 4) to.word(order);
  else if (orderBytes === 8) to.float(order);
}

function writeLength(to: Scratch, length: number): void {
  if (length < LONG) {
    to.byte(length);
    return;
  }
  to.byte(LONG);
  to.word(length);
}

export function pageAt(memory: DataView, child: number): number {
  return memory.getUint32(child, true);
}

/** How many elements are below the child. */
export function childCountAt(memory: DataView, child: number): number {
  return memory.getUint32(child + CHILD_COUNT, true);
}

export function addToChildCount(memory: DataView, child: number, change: number): void {
  memory.setUint32(child + CHILD_COUNT, childCountAt(memory, child) + change, true);
}

export function childEnd(memory: DataView, child: number, { orderBytes }: Form): number {
  if (orderBytes === 0) return child + SEPARATOR;
  const at = child + SEPARATOR + orderBytes;
  const length = memory.getUint8(at);
  return at + 1 + (length === BY_REFERENCE ? 0 : length);
}

export function childOrderAt(memory: DataView, child: number, form: Form): number {
  return orderAt(memory, child + SEPARATOR, form);
}

/** Where the bytes of the separator begin, of a form with an order; they end with the child. */
export function separatorBytesAt(child: number, { orderBytes }: Form): number {
  return child + SEPARATOR + orderBytes + 1;
}

/** Whether the separator is the first element below the child, as far as its order number is equal. */
export function isByReference(memory: DataView, child: number, { orderBytes }: Form): boolean {
  return memory.getUint8(child + SEPARATOR + orderBytes) === BY_REFERENCE;
}

/** Elements below a node. */
export function elementsBelow(memory: DataView, node: number, form: Form): number {
  const entries = entriesAt(memory, node);
  if (levelAt(memory, node) === 0) return entries;
  let sum = 0;
  let child = node + NODE_HEAD_BYTES;
  for (let index = 0; index < entries; index++) {
    sum += childCountAt(memory, child);
    child = childEnd(memory, child, form);
  }
  return sum;
}

/** Give `take` each page that is right below a node, whatever form its tree has. */
export function eachPage(memory: DataView, node: number, take: (page: number) => void): void {
  if (levelAt(memory, node) === 0) return;
  const form = INNER_FORMS[memory.getUint8(node) >>> ORDER_SHIFT] ?? FORMS.list;
  let child = node + NODE_HEAD_BYTES;
  for (let left = entriesAt(memory, node); left > 0; left--) {
    take(pageAt(memory, child));
    child = childEnd(memory, child, form);
  }
}

/** By words of an order number: whether elements have values is nothing to inner nodes. */
const INNER_FORMS: readonly Form[] = [FORMS.list, FORMS.set, FORMS.scores];

/** Begin a child: its separator is to be written next. */
export function writeChild(to: Scratch, page: number, elements: number): void {
  to.word(page);
  to.word(elements);
}

/** The separator of the child that begins at byte `child`. */
export function copySeparator(to: Scratch, memory: DataView, child: number, form: Form): void {
  const from = child + SEPARATOR;
  to.append(memory, from, childEnd(memory, child, form) - from);
}

/** One for a first child, which says nothing. */
export function writeNoSeparator(to: Scratch, form: Form): void {
  if (form.orderBytes === 0) return;
  writeOrder(to, form, 0);
  to.byte(0);
}

/** One between two elements, as short as it can be. @param most bytes that it may take beside the order number */
export function writeSeparator(to: Scratch, form: Form, before: Element, after: Element, most: number): void {
  if (form.orderBytes === 0) return;
  writeOrder(to, form, after.order);
  if (before.order !== after.order) {
    to.byte(0);
    return;
  }
  const shorter = Math.min(before.memberLength, after.memberLength);
  const length = commonBytes(before.memory, before.member, after.memory, after.member, Math.min(shorter, most)) + 1;
  to.byte(length > most ? BY_REFERENCE : length);
  if (length <= most) to.append(after.memory, after.member, length);
}
