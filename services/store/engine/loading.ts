/**
 * Puts the records of a checkpoint into a keyspace. Each goes into its block at once; the index gets those of one of its tables together,
 * some hundred at a time, since with tables in turn each record would wait for memory that is in no cache.
 */
import type { Keyspace } from './keyspace.ts';
import { hiddenAt, isRemovedAt, keyAt, keyLengthAt, NO_PLACE } from './records.ts';

/** So many records of a table wait to be put into it; of each its hash and its address. */
export const WAITING_RECORDS = 128;
const ENTRY_WORDS = 2;

export class Loading {
  readonly #keyspace: Keyspace;
  /** For each table of the index what waits for it, in order, and how many records these are. */
  readonly #waiting: Uint32Array;
  readonly #counts: Uint8Array;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    const { tables } = keyspace.index;
    this.#waiting = new Uint32Array(tables * WAITING_RECORDS * ENTRY_WORDS);
    this.#counts = new Uint8Array(tables);
  }

  /** Take the record that is at byte `at`, in place of what there is of its key. */
  take(view: DataView, at: number): void {
    const { index, records } = this.#keyspace;
    const key = keyAt(view, at);
    const keyLength = keyLengthAt(view, at);
    const hash = this.#keyspace.hashOf(view, key, keyLength);
    const table = index.tableNumber(hash);
    if (isRemovedAt(view, at)) {
      this.#merge(table);
      this.#remove(hash, index.find(hash, view, key, keyLength, hiddenAt(view, at)));
    } else {
      this.#keyspace.count(view, at, 1);
      const address = records.copy(view, at);
      records.setPlace(address, NO_PLACE);
      this.#wait(table, hash, address);
    }
  }

  /** That was all: the index has everything. */
  end(): void {
    for (let table = 0; table < this.#counts.length; table++) this.#merge(table);
  }

  #wait(table: number, hash: number, address: number): void {
    const count = (this.#counts[table] ?? 0) + 1;
    const at = (table * WAITING_RECORDS + count - 1) * ENTRY_WORDS;
    this.#waiting[at] = hash;
    this.#waiting[at + 1] = address;
    this.#counts[table] = count;
    if (count === WAITING_RECORDS) this.#merge(table);
  }

  #merge(table: number): void {
    const count = this.#counts[table] ?? 0;
    this.#counts[table] = 0;
    const { index } = this.#keyspace;
    let at = table * WAITING_RECORDS * ENTRY_WORDS;
    for (const end = at + count * ENTRY_WORDS; at < end; at += ENTRY_WORDS) {
      this.#giveUp(index.put(this.#waiting[at] ?? 0, this.#waiting[at + 1] ?? 0));
    }
  }

  #remove(hash: number, address: number): void {
    if (address === 0) return;
    this.#keyspace.index.erase(hash, address);
    this.#giveUp(address);
  }

  /** A record that is not in the index any more. @param address 0: none */
  #giveUp(address: number): void {
    if (address === 0) return;
    const { records } = this.#keyspace;
    this.#keyspace.count(records.memory(address), records.offset(address), -1);
    records.arena.free(address);
  }
}
