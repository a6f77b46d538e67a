/**
 * Finds records by the hash of their key: some thousand open-addressing tables, chosen by the hash's first bits, each of which grows
 * and shrinks by itself. So no operation waits for more than one small table to be copied.
 *
 * A slot holds a hash and an address, 0: empty. A key's home in its table is told by the bits of the hash that follow, so that the
 * order of homes is that of hashes, however large the table is; a key lies in its home, or in the next empty slot after it.
 */
import assert from 'node:assert/strict';
import type { Records } from './records.ts';

/** 1,024 tables: of 10 million keys, each has 10,000, and is copied in a fraction of a millisecond. More of them would not stay in the cache. */
export const TABLE_BITS = 10;
/** One past the largest hash. */
export const HASH_END = 2 ** 32;

const SLOT_BYTES = 8;
const ADDRESS = 4;
const MIN_SLOT_BITS = 3;
/** As many as any table has, so that no key is met twice. */
export const SAMPLED_SLOTS = 2 ** MIN_SLOT_BITS;
/** A table with more keys than three quarters of its slots grows, one with fewer than an eighth shrinks. */
const SPARSE_SHARE = 1 / 8;

/** The keys of one home: the first `count` items, of arrays that are used again since many thousands of homes are looked at in a row. */
export type Group = { count: number; readonly hashes: number[]; readonly addresses: number[] };

export function createGroup(): Group {
  return { count: 0, hashes: [], addresses: [] };
}

export class KeyIndex {
  readonly #records: Records;
  readonly #tableShift: number;
  readonly #tables: DataView[];
  /** For each table how many keys it has. */
  readonly #counts: Uint32Array;
  /** For each table how far a hash without its first bits is shifted to the right to be a home. */
  readonly #shifts: Uint8Array;
  readonly #tableBits: number;
  slotBytes = 0;

  constructor(records: Records, tableBits: number) {
    this.#records = records;
    this.#tableBits = tableBits;
    this.#tableShift = 32 - tableBits;
    this.#tables = Array.from({ length: 2 ** tableBits }, () => this.#newTable(MIN_SLOT_BITS));
    this.#counts = new Uint32Array(2 ** tableBits);
    this.#shifts = new Uint8Array(2 ** tableBits).fill(32 - MIN_SLOT_BITS);
  }

  /** @param hidden 0, or `HIDDEN` @returns the address of the key's record; 0: none */
  find(hash: number, source: DataView, from: number, length: number, hidden: number): number {
    const table = this.#tableOf(hash);
    const end = table.byteLength;
    let at = this.#homeOf(hash);
    for (;;) {
      const address = table.getUint32(at + ADDRESS, true);
      if (address === 0) return 0;
      if (table.getUint32(at, true) === hash && this.#records.hasKey(address, source, from, length, hidden)) {
        return address;
      }
      at = at + SLOT_BYTES < end ? at + SLOT_BYTES : 0;
    }
  }

  /** The first record whose hash is this: most often that of the key. 0: none. */
  candidate(hash: number): number {
    const table = this.#tableOf(hash);
    const end = table.byteLength;
    let at = this.#homeOf(hash);
    for (;;) {
      const address = table.getUint32(at + ADDRESS, true);
      if (address === 0 || table.getUint32(at, true) === hash) return address;
      at = at + SLOT_BYTES < end ? at + SLOT_BYTES : 0;
    }
  }

  /** A key that is not there. */
  insert(hash: number, address: number): void {
    insertInto(this.#tableOf(hash), this.#homeOf(hash), hash, address);
    this.#added(hash >>> this.#tableShift);
  }

  /** A record, in place of what there is of its key. @returns the address of that; 0: nothing */
  put(hash: number, address: number): number {
    const table = this.#tableOf(hash);
    const end = table.byteLength;
    let at = this.#homeOf(hash);
    for (;;) {
      const found = table.getUint32(at + ADDRESS, true);
      if (found === 0) break;
      if (table.getUint32(at, true) === hash && this.#records.haveSameKey(found, address)) {
        table.setUint32(at + ADDRESS, address, true);
        return found;
      }
      at = at + SLOT_BYTES < end ? at + SLOT_BYTES : 0;
    }
    table.setUint32(at, hash, true);
    table.setUint32(at + ADDRESS, address, true);
    this.#added(hash >>> this.#tableShift);
    return 0;
  }

  /** How many tables there are, and which of them a hash belongs to. */
  get tables(): number {
    return this.#tables.length;
  }

  /** Of all keys, those that are not there too. */
  get homes(): number {
    return this.slotBytes / SLOT_BYTES;
  }

  tableNumber(hash: number): number {
    return hash >>> this.#tableShift;
  }

  /** Whether a key's record is the one at this address. Of `hash`, only the first 30 bits are looked at, here and below. */
  holds(hash: number, address: number): boolean {
    return this.#slotOf(hash, address) >= 0;
  }

  /** Put one record of a key in the place of another. */
  replace(hash: number, previous: number, address: number): void {
    const slot = this.#slotOf(hash, previous);
    assert.ok(slot >= 0, 'the record is in the index');
    this.#tableOf(hash).setUint32(slot + ADDRESS, address, true);
  }

  erase(hash: number, address: number): void {
    const index = hash >>> this.#tableShift;
    const table = this.#tableOf(hash);
    const slot = this.#slotOf(hash, address);
    assert.ok(slot >= 0, 'the record is in the index');
    this.#close(table, slot);
    const count = (this.#counts[index] ?? 0) - 1;
    this.#counts[index] = count;
    const isSparse = count * SLOT_BYTES < table.byteLength * SPARSE_SHARE;
    if (isSparse && table.byteLength > SLOT_BYTES << MIN_SLOT_BITS) this.#resize(index, table.byteLength / 2);
  }

  /** The keys whose home is that of `hash`, and whose hash is no less, in the order of their hashes. */
  group(hash: number, group: Group): void {
    const { hashes, addresses } = group;
    group.count = 0;
    const table = this.#tableOf(hash);
    const home = this.#homeOf(hash);
    for (let at = home; ; at = (at + SLOT_BYTES) % table.byteLength) {
      const address = table.getUint32(at + ADDRESS, true);
      if (address === 0) return;
      const other = table.getUint32(at, true);
      if (other < hash || this.#homeOf(other) !== home) continue;
      let place = group.count++;
      for (; place > 0 && (hashes[place - 1] ?? 0) > other; place--) {
        hashes[place] = hashes[place - 1] ?? 0;
        addresses[place] = addresses[place - 1] ?? 0;
      }
      hashes[place] = other;
      addresses[place] = address;
    }
  }

  /** What lies in `SAMPLED_SLOTS` from the home of `hash` on, in any order. */
  sample(hash: number, group: Group): void {
    const { hashes, addresses } = group;
    group.count = 0;
    const table = this.#tableOf(hash);
    let at = this.#homeOf(hash);
    for (let left = SAMPLED_SLOTS; left > 0; left--) {
      const address = table.getUint32(at + ADDRESS, true);
      if (address !== 0) {
        hashes[group.count] = table.getUint32(at, true);
        addresses[group.count++] = address;
      }
      at = at + SLOT_BYTES < table.byteLength ? at + SLOT_BYTES : 0;
    }
  }

  /** The first hash of the home after that of `hash`; `HASH_END` after the last one. */
  nextHome(hash: number): number {
    const width = 2 ** ((this.#shifts[hash >>> this.#tableShift] ?? 0) - this.#tableBits);
    return (Math.floor(hash / width) + 1) * width;
  }

  #added(index: number): void {
    const count = (this.#counts[index] ?? 0) + 1;
    this.#counts[index] = count;
    const bytes = this.#tables[index]?.byteLength ?? 0;
    if (count * 4 * SLOT_BYTES > bytes * 3) this.#resize(index, bytes * 2);
  }

  #tableOf(hash: number): DataView {
    const table = this.#tables[hash >>> this.#tableShift];
    assert.ok(table !== undefined);
    return table;
  }

  /** The byte where the home begins. */
  #homeOf(hash: number): number {
    return ((hash << this.#tableBits) >>> (this.#shifts[hash >>> this.#tableShift] ?? 0)) * SLOT_BYTES;
  }

  /** Where the slot with this address begins; -1: nowhere. */
  #slotOf(hash: number, address: number): number {
    const table = this.#tableOf(hash);
    const end = table.byteLength;
    let at = this.#homeOf(hash);
    for (;;) {
      const found = table.getUint32(at + ADDRESS, true);
      if (found === address) return at;
      if (found === 0) return -1;
      at = at + SLOT_BYTES < end ? at + SLOT_BYTES : 0;
    }
  }

  /** Empty a slot, and move up what lies behind it and has its home before. */
  #close(table: DataView, slot: number): void {
    const end = table.byteLength;
    const after = (at: number): number => (at + SLOT_BYTES < end ? at + SLOT_BYTES : 0);
    let gap = slot;
    for (let at = after(slot); table.getUint32(at + ADDRESS, true) !== 0; at = after(at)) {
      const hash = table.getUint32(at, true);
      const home = this.#homeOf(hash);
      const fromHome = (at - home + end) % end;
      const fromGap = (at - gap + end) % end;
      if (fromHome < fromGap) continue;
      table.setUint32(gap, hash, true);
      table.setUint32(gap + ADDRESS, table.getUint32(at + ADDRESS, true), true);
      gap = at;
    }
    table.setUint32(gap + ADDRESS, 0, true);
  }

  #resize(index: number, bytes: number): void {
    const table = this.#tables[index];
    assert.ok(table !== undefined);
    this.slotBytes -= table.byteLength;
    const slotBits = 31 - Math.clz32(bytes / SLOT_BYTES);
    const resized = this.#newTable(slotBits);
    this.#tables[index] = resized;
    this.#shifts[index] = 32 - slotBits;
    for (let at = 0; at < table.byteLength; at += SLOT_BYTES) {
      const address = table.getUint32(at + ADDRESS, true);
      const hash = table.getUint32(at, true);
      if (address !== 0) insertInto(resized, this.#homeOf(hash), hash, address);
    }
  }

  #newTable(slotBits: number): DataView {
    const table = new DataView(new ArrayBuffer(SLOT_BYTES << slotBits));
    this.slotBytes += table.byteLength;
    return table;
  }
}

function insertInto(table: DataView, home: number, hash: number, address: number): void {
  const end = table.byteLength;
  let at = home;
  while (table.getUint32(at + ADDRESS, true) !== 0) at = at + SLOT_BYTES < end ? at + SLOT_BYTES : 0;
  table.setUint32(at, hash, true);
  table.setUint32(at + ADDRESS, address, true);
}
