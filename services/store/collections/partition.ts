/** How a node that is too large becomes several: as few as can be, with about as many bytes each. */
import { childEnd, elementEnd, entriesAt, type Form, levelAt, NODE_HEAD_BYTES } from './node.ts';

/** Where in a tree a node grows, if that is at one of its ends. */
export type Edge = 'first' | 'last' | undefined;

export class Partition {
  readonly #form: Form;
  readonly #nodeBytes: number;
  /** Where each entry of the node begins, and where the last one ends. */
  readonly #offsets: number[] = [];
  parts = 0;
  /** Of each part the index of its first entry, and the number of entries after the last part's. */
  readonly firsts: number[] = [];

  constructor(form: Form, nodeBytes: number) {
    this.#form = form;
    this.#nodeBytes = nodeBytes;
  }

  /**
   * Divide a node of several entries, that is too large.
   * @param edge there it grows: what is new is divided from the rest, since more is to be expected there
   */
  divide(memory: DataView, bytes: number, edge: Edge): void {
    const entries = entriesAt(memory, 0);
    const isLeaf = levelAt(memory, 0) === 0;
    let at = NODE_HEAD_BYTES;
    for (let index = 0; index < entries; index++) {
      this.#offsets[index] = at;
      at = isLeaf ? elementEnd(memory, at, this.#form) : childEnd(memory, at, this.#form);
    }
    this.#offsets[entries] = bytes;
    this.parts = 0;
    const cut = edge === undefined ? this.#middle(0, entries) : edge === 'first' ? 1 : entries - 1;
    this.#take(0, cut);
    this.#take(cut, entries);
    this.firsts[this.parts] = entries;
  }

  /** Where an entry begins. */
  offset(index: number): number {
    return this.#offsets[index] ?? 0;
  }

  /** The entries from `first` to `end` are a part, or several if they are too large for one. */
  #take(first: number, end: number): void {
    const bytes = NODE_HEAD_BYTES + this.offset(end) - this.offset(first);
    if (bytes <= this.#nodeBytes || end === first + 1) {
      this.firsts[this.parts++] = first;
      return;
    }
    const cut = this.#middle(first, end);
    this.#take(first, cut);
    this.#take(cut, end);
  }

  /** The entry that begins nearest to the middle. */
  #middle(first: number, end: number): number {
    const middle = (this.offset(first) + this.offset(end)) / 2;
    let cut = first + 1;
    while (cut + 1 < end && Math.abs(this.offset(cut + 1) - middle) < Math.abs(this.offset(cut) - middle)) cut++;
    return cut;
  }
}
