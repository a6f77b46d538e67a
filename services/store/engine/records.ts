/**
 * How a record lies in its block, little-endian:
 *
 *     u32  place among the changes of the version that wrote it; once that is sealed, when the key was used (`recency.ts`)
 *     u32  revision, its low half
 *     u32  revision, its high 18 bits; type (6 bits); whether there is a deadline (1); the length of the value, its high 7 bits
 *     u32  the length of the key (16 bits); the length of the value, its low half
 *     f64  deadline, only if there is one
 *          key, value
 *
 * From the revision on, these are also its bytes in a chunk of a checkpoint.
 */
import { Arena } from './arena.ts';
import { copyBytes, sameBytes } from './bytes.ts';
import { Prefetch } from './prefetch.ts';

/** What a record is: its low four bits. */
export const TYPES = { removed: 0, string: 1, hash: 2, list: 3, set: 4, sortedSet: 5 } as const;
const KIND_MASK = 0x0f;
/** Added to a collection's type: its elements are in pages, and its value begins with the number of the collection, f64. */
export const PAGED = 0x10;
/** Added to the type of a record that is no key of a user's. A removed record of such a key has it too: it is part of what the key is. */
export const HIDDEN = 0x20;
/** Hidden records: a page of a collection; a collection that was removed, and of which there are pages. */
export const HIDDEN_TYPES = { removed: HIDDEN, page: HIDDEN | 1, doomed: HIDDEN | 2 } as const;
/** All that a record in a checkpoint may say of its type. */
export const KNOWN_TYPES: ReadonlySet<number> = new Set<number>([
  ...Object.values(TYPES),
  ...[TYPES.hash, TYPES.list, TYPES.set, TYPES.sortedSet].map((type) => type | PAGED),
  ...Object.values(HIDDEN_TYPES),
]);

/** Bits of a revision: at a million writes a second enough for 35 years. */
const REVISION_BITS = 50;
export const MAX_REVISION = 2 ** REVISION_BITS - 1;
export const MAX_KEY_BYTES = 2 ** 16 - 1;
/** Bits for the length of a value. */
const VALUE_BITS = 23;
export const MAX_RECORD_VALUE_BYTES = 2 ** VALUE_BITS - 1;

export const PLACE_BYTES = 4;
const HEAD_BYTES = 16;
const DEADLINE_BYTES = 8;
const REVISION_LOW = 4;
const REVISION_HIGH = 8;
const LENGTHS = 12;
const HIGH_REVISION_MASK = 2 ** (REVISION_BITS - 32) - 1;
const TYPE_SHIFT = 18;
const TYPE_MASK = 0x3f;
const DEADLINE_FLAG = 1 << 24;
const VALUE_HIGH_SHIFT = 25;

/** The place of a record that was loaded. */
export const NO_PLACE = 0;
/** The place of a removed record that no version's changes erase any more: who puts it back erases it. */
const SETTLED = 2 ** 32 - 1;

/** What a record says besides its key. `deadline` is in ms since 1970, 0: none. */
export type Content = {
  readonly type: number;
  readonly value: DataView;
  readonly from: number;
  readonly length: number;
  readonly deadline: number;
};

/** Bytes of a record of this size, with its place. */
export function recordBytes(keyLength: number, valueLength: number, deadline: number): number {
  return HEAD_BYTES + (deadline === 0 ? 0 : DEADLINE_BYTES) + keyLength + valueLength;
}

/** Reads what is at byte `at`: the place of a record in its block, or 4 bytes before a record in a chunk. */
export function typeAt(memory: DataView, at: number): number {
  return (memory.getUint32(at + REVISION_HIGH, true) >>> TYPE_SHIFT) & TYPE_MASK;
}

export function isRemovedAt(memory: DataView, at: number): boolean {
  return (typeAt(memory, at) & KIND_MASK) === TYPES.removed;
}

/** Whether this is a key, and no hidden record and no removed one. */
export function isKeyAt(memory: DataView, at: number): boolean {
  const type = typeAt(memory, at);
  return type !== TYPES.removed && type < HIDDEN;
}

export function isPagedAt(memory: DataView, at: number): boolean {
  return (typeAt(memory, at) & PAGED) !== 0;
}

/** Of which type the key is, whether its elements are in pages or not. */
export function kindAt(memory: DataView, at: number): number {
  return typeAt(memory, at) & KIND_MASK;
}

export function hiddenAt(memory: DataView, at: number): number {
  return typeAt(memory, at) & HIDDEN;
}

/** The number of a paged collection. */
export function collectionAt(memory: DataView, at: number): number {
  return memory.getFloat64(valueAt(memory, at), true);
}

export function keyLengthAt(memory: DataView, at: number): number {
  return memory.getUint16(at + LENGTHS, true);
}

export function valueLengthAt(memory: DataView, at: number): number {
  const high = memory.getUint32(at + REVISION_HIGH, true) >>> VALUE_HIGH_SHIFT;
  return (high << 16) | memory.getUint16(at + LENGTHS + 2, true);
}

export function deadlineAt(memory: DataView, at: number): number {
  return hasDeadline(memory, at) ? memory.getFloat64(at + HEAD_BYTES, true) : 0;
}

export function keyAt(memory: DataView, at: number): number {
  return at + HEAD_BYTES + (hasDeadline(memory, at) ? DEADLINE_BYTES : 0);
}

export function valueAt(memory: DataView, at: number): number {
  return keyAt(memory, at) + keyLengthAt(memory, at);
}

export function revisionAt(memory: DataView, at: number): number {
  const high = memory.getUint32(at + REVISION_HIGH, true) & HIGH_REVISION_MASK;
  return high * 2 ** 32 + memory.getUint32(at + REVISION_LOW, true);
}

/** Bytes of the record here, with its place. */
export function sizeAt(memory: DataView, at: number): number {
  return keyAt(memory, at) - at + keyLengthAt(memory, at) + valueLengthAt(memory, at);
}

function hasDeadline(memory: DataView, at: number): boolean {
  return (memory.getUint32(at + REVISION_HIGH, true) & DEADLINE_FLAG) !== 0;
}

/** Records by the address of their block. */
export class Records {
  readonly arena = new Arena();
  readonly #pages = this.arena.pages;
  readonly prefetch = new Prefetch(this.arena.pages);

  memory(address: number): DataView {
    return this.#pages.memory(address);
  }

  offset(address: number): number {
    return this.#pages.offset(address);
  }

  /** @param hidden 0, or `HIDDEN`: the same bytes are two keys */
  hasKey(address: number, source: DataView, from: number, length: number, hidden: number): boolean {
    const memory = this.#pages.memory(address);
    const at = this.#pages.offset(address);
    if (keyLengthAt(memory, at) !== length || hiddenAt(memory, at) !== hidden) return false;
    return sameBytes(memory, keyAt(memory, at), source, from, length);
  }

  haveSameKey(one: number, other: number): boolean {
    const memory = this.#pages.memory(other);
    const at = this.#pages.offset(other);
    return this.hasKey(one, memory, keyAt(memory, at), keyLengthAt(memory, at), hiddenAt(memory, at));
  }

  isRemoved(address: number): boolean {
    return isRemovedAt(this.#pages.memory(address), this.#pages.offset(address));
  }

  revision(address: number): number {
    return revisionAt(this.#pages.memory(address), this.#pages.offset(address));
  }

  place(address: number): number {
    return this.#pages.memory(address).getUint32(this.#pages.offset(address), true);
  }

  settle(address: number): void {
    this.#pages.memory(address).setUint32(this.#pages.offset(address), SETTLED, true);
  }

  isSettled(address: number): boolean {
    return this.place(address) === SETTLED;
  }

  size(address: number): number {
    return sizeAt(this.#pages.memory(address), this.#pages.offset(address));
  }

  setPlace(address: number, place: number): void {
    this.#pages.memory(address).setUint32(this.#pages.offset(address), place, true);
  }

  /** Write all but place and key. */
  writeContent(address: number, revision: number, keyLength: number, content: Content): void {
    const { type, value, from, length, deadline } = content;
    const memory = this.#pages.memory(address);
    const at = this.#pages.offset(address);
    const flag = deadline === 0 ? 0 : DEADLINE_FLAG;
    const high = Math.floor(revision / 2 ** 32) | (type << TYPE_SHIFT) | flag | ((length >>> 16) << VALUE_HIGH_SHIFT);
    memory.setUint32(at + REVISION_LOW, revision >>> 0, true);
    memory.setUint32(at + REVISION_HIGH, high, true);
    memory.setUint32(at + LENGTHS, keyLength | (length << 16), true);
    let key = at + HEAD_BYTES;
    if (deadline !== 0) {
      memory.setFloat64(key, deadline, true);
      key += DEADLINE_BYTES;
    }
    copyBytes(memory, key + keyLength, value, from, length);
  }

  /** Say that another write made the record what it is. */
  setRevision(address: number, revision: number): void {
    const memory = this.#pages.memory(address);
    const at = this.#pages.offset(address);
    const rest = memory.getUint32(at + REVISION_HIGH, true) & ~HIGH_REVISION_MASK;
    memory.setUint32(at + REVISION_LOW, revision >>> 0, true);
    memory.setUint32(at + REVISION_HIGH, rest | Math.floor(revision / 2 ** 32), true);
  }

  /** A new block with the record that is at byte `at`. */
  copy(source: DataView, at: number): number {
    const address = this.arena.allocate(sizeAt(source, at));
    this.copyTo(address, source, at);
    return address;
  }

  /** Write the record that is at byte `at`, all but its place. */
  copyTo(address: number, source: DataView, at: number): void {
    const to = this.#pages.offset(address) + PLACE_BYTES;
    copyBytes(this.#pages.memory(address), to, source, at + PLACE_BYTES, sizeAt(source, at) - PLACE_BYTES);
  }

  writeKey(address: number, source: DataView, from: number, length: number): void {
    const memory = this.#pages.memory(address);
    copyBytes(memory, keyAt(memory, this.#pages.offset(address)), source, from, length);
  }
}
