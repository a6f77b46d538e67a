/**
 * Keys and their records, with every version that may still be undone.
 *
 * A version's first write to a key leaves the record from before as it is and makes a new one; further writes replace that. So records
 * of sealed versions never change, and the list of a version's records is both what is to be written and, with what each
 * replaced, what undoes it. A removed key leaves a removed record, until its version is committed and released.
 */
import type { Progress } from './changes.ts';
import { hashKey } from './hash.ts';
import { History } from './history.ts';
import { KeyIndex, TABLE_BITS } from './key-index.ts';
import {
  type Content,
  deadlineAt,
  keyAt,
  MAX_REVISION,
  PLACE_BYTES,
  recordBytes,
  Records,
  revisionAt,
  sizeAt,
  TYPES,
  typeAt,
  valueLengthAt,
} from './records.ts';

export type KeyspaceOptions = {
  /** The secret of the hash, 64 bits; drawn at random by each process, and no part of any checkpoint. */
  readonly seed: readonly [number, number];
  /** With more than this in memory, nothing is written; bytes. */
  readonly maxBytes: number;
  /** The index has two to the power of this many tables. */
  readonly tableBits?: number;
};

const NOTHING: DataView = new DataView(new ArrayBuffer(0));
const REMOVAL: Content = { type: TYPES.removed, value: NOTHING, from: 0, length: 0, deadline: 0 };

export class Keyspace {
  readonly records = new Records();
  readonly index: KeyIndex;
  readonly progress: Progress = { clock: 0, revision: 1, keys: 0, bytes: 0, deadlines: 0 };
  /** What of it was taken out since, and was in no version's changes. */
  readonly reaped = { keys: 0, bytes: 0, deadlines: 0 };
  history: History;
  readonly #seed: readonly [number, number];
  readonly #maxBytes: number;

  // The key that was sought last, and its record, 0: none.
  #source = NOTHING;
  #from = 0;
  #length = 0;
  #hash = 0;
  #address = 0;
  #isVisible = false;
  // Where that record is.
  #memory = NOTHING;
  #at = 0;

  constructor({ seed, maxBytes, tableBits = TABLE_BITS }: KeyspaceOptions) {
    this.#seed = seed;
    this.#maxBytes = maxBytes;
    this.index = new KeyIndex(this.records, tableBits);
    this.history = new History(this.records, this.index, this.progress, 0);
  }

  /** Keys, with those whose time is over and that were not taken out yet. */
  get keys(): number {
    return this.progress.keys - this.reaped.keys;
  }

  get deadlines(): number {
    return this.progress.deadlines - this.reaped.deadlines;
  }

  /** Bytes of their records in a checkpoint. */
  get baseBytes(): number {
    return this.progress.bytes - this.reaped.bytes;
  }

  /** What records and index take, with records that are there for undo only; bytes. */
  get memoryBytes(): number {
    return this.records.arena.usedBytes + this.index.slotBytes;
  }

  /** The clock does not go back. */
  advance(now: number): void {
    if (now > this.progress.clock) this.progress.clock = now;
  }

  /**
   * Look for a key: what is below is then about it, until the next key is looked for.
   * @param source must stay as it is as long; the key begins at its byte `from`
   * @returns whether it is there
   */
  seek(source: DataView, from: number, length: number, hash = this.hashOf(source, from, length)): boolean {
    this.#source = source;
    this.#from = from;
    this.#length = length;
    this.#hash = hash;
    this.#find();
    return this.#isVisible;
  }

  /** Have in the cache what `seek` reads of the next keys with these hashes: of those from `from` on, up to `MAX_PREFETCHED`. */
  prefetch(hashes: Uint32Array, from: number, end: number): void {
    const { prefetch } = this.records;
    for (let place = from; place < end && !prefetch.isFull; place++)
      prefetch.add(this.index.candidate(hashes[place] ?? 0));
    prefetch.run();
  }

  hashOf(source: DataView, from: number, length: number): number {
    return hashKey(this.#seed[0], this.#seed[1], source, from, length);
  }

  #find(): void {
    this.#address = this.index.find(this.#hash, this.#source, this.#from, this.#length);
    this.#look();
  }

  #look(): void {
    const address = this.#address;
    this.#memory = this.records.memory(address);
    this.#at = this.records.offset(address);
    this.#isVisible = address !== 0 && this.isVisible(this.#memory, this.#at);
  }

  /** Whether the record here is of a key that is there. */
  isVisible(memory: DataView, at: number): boolean {
    if (typeAt(memory, at) === TYPES.removed) return false;
    const deadline = deadlineAt(memory, at);
    return deadline === 0 || deadline > this.progress.clock;
  }

  get exists(): boolean {
    return this.#isVisible;
  }

  // The next ones only of a key that exists.

  get type(): number {
    return typeAt(this.#memory, this.#at);
  }

  /** Another number with each write, rising. */
  get revision(): number {
    return revisionAt(this.#memory, this.#at);
  }

  /** When the key's time is over, ms since 1970; 0: never. */
  get deadline(): number {
    return deadlineAt(this.#memory, this.#at);
  }

  /** The memory that its value is in, at byte `valueFrom`, until the next write to it. */
  get value(): DataView {
    return this.#memory;
  }

  get valueFrom(): number {
    return keyAt(this.#memory, this.#at) + this.#length;
  }

  get valueLength(): number {
    return valueLengthAt(this.#memory, this.#at);
  }

  /**
   * Write the key.
   * @param content its value is in other memory than the key's record
   * @returns false when there is no memory for it: nothing was changed
   */
  write(content: Content): boolean {
    const size = recordBytes(this.#length, content.length, content.deadline);
    if (this.memoryBytes + size > this.#maxBytes) return false;
    this.#put(content, size);
    return true;
  }

  /** Remove the key if it is there. @returns whether it was */
  remove(): boolean {
    return this.#isVisible && this.discard();
  }

  /** Remove the key's record, also where its time is over and it was not taken out yet. @returns whether there was one */
  discard(): boolean {
    if (this.#address === 0 || typeAt(this.#memory, this.#at) === TYPES.removed) return false;
    this.#put(REMOVAL, recordBytes(this.#length, 0, 0));
    return true;
  }

  #put(content: Content, size: number): void {
    if (this.progress.revision > MAX_REVISION) throw new RangeError('there are no more revisions');
    const previous = this.#address;
    if (previous !== 0) this.count(this.#memory, this.#at, -1);
    const isOpen = previous !== 0 && this.history.isOpen(previous);
    const address = isOpen ? this.#renew(previous, size) : this.#begin(previous, size);
    this.records.writeContent(address, this.progress.revision++, this.#length, content);
    this.records.writeKey(address, this.#source, this.#from, this.#length);
    if (content.type === TYPES.removed) this.history.setRemoved(address, true);
    this.#address = address;
    this.#look();
    this.count(this.#memory, this.#at, 1);
  }

  #begin(previous: number, size: number): number {
    const address = this.records.arena.allocate(size);
    this.history.begin(this.#hash, address, previous);
    if (previous === 0) this.index.insert(this.#hash, address);
    else this.index.replace(this.#hash, previous, address);
    return address;
  }

  /** The block for another record of the open version. */
  #renew(previous: number, size: number): number {
    const { arena } = this.records;
    if (this.records.isRemoved(previous)) this.history.setRemoved(previous, false);
    if (arena.blockBytes(previous) === arena.sizeOf(size)) return previous;
    const address = arena.allocate(size);
    this.history.move(previous, address);
    this.index.replace(this.#hash, previous, address);
    arena.free(previous);
    return address;
  }

  /** Count the record here among what there is, or not any more. */
  count(memory: DataView, at: number, sign: 1 | -1): void {
    if (typeAt(memory, at) === TYPES.removed) return;
    this.progress.keys += sign;
    this.progress.bytes += sign * (sizeAt(memory, at) - PLACE_BYTES);
    if (deadlineAt(memory, at) !== 0) this.progress.deadlines += sign;
  }

  /** Take out a key whose time was over when the committed version ended: no version that may come back has it. */
  reap(hash: number, address: number): void {
    const memory = this.records.memory(address);
    const at = this.records.offset(address);
    this.reaped.keys++;
    this.reaped.bytes += sizeAt(memory, at) - PLACE_BYTES;
    this.reaped.deadlines++;
    this.index.erase(hash, address);
    this.records.arena.free(address);
  }
}
