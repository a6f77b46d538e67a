/**
 * Keys and their records, with every version that may still be undone.
 *
 * A version's first write to a key leaves the record from before as it is and makes a new one; further writes replace that. So records
 * of sealed versions never change, and the list of a version's records is both what is to be written and, with what each
 * replaced, what undoes it. A removed key leaves a removed record, until its version is committed and released.
 *
 * Hidden records lie beside keys, and are written, undone and carried by checkpoints as these are: pages of collections, and what is left of
 * collections that were removed. Where another value takes the place of a paged collection, its pages are not removed at once, which would
 * take as long as it is large: its root goes into a doomed record, and `collections/teardown.ts` removes page by page, in later batches.
 */
import type { Progress } from './changes.ts';
import { Cursor, NOTHING } from './cursor.ts';
import { DoomedQueue } from './doomed-queue.ts';
import { hashKey } from './hash.ts';
import { History } from './history.ts';
import { KeyIndex, TABLE_BITS } from './key-index.ts';
import { noteUse } from './recency.ts';
import {
  collectionAt,
  type Content,
  deadlineAt,
  HIDDEN,
  HIDDEN_TYPES,
  isKeyAt,
  isPagedAt,
  isRemovedAt,
  kindAt,
  MAX_REVISION,
  PAGED,
  PLACE_BYTES,
  recordBytes,
  Records,
  revisionAt,
  sizeAt,
  TYPES,
  typeAt,
  valueAt,
  valueLengthAt,
} from './records.ts';

export type KeyspaceOptions = {
  /** The secret of the hash, 64 bits; drawn at random by each process, and no part of any checkpoint. */
  readonly seed: readonly [number, number];
  /** With more than this in memory, nothing is written; bytes. */
  readonly maxBytes: number;
  /** With more than this in records that are there, keys are evicted; bytes. Undefined: none are. */
  readonly maxLiveBytes?: number | undefined;
  /** The index has two to the power of this many tables. */
  readonly tableBits?: number;
  /** Free blocks are no reason to move records while they take no more than this; usually `SPARE_BYTES`. */
  readonly spareBytes?: number;
};

const COLLECTION_BYTES = 8;

function removal(type: number): Content {
  return { type, value: NOTHING, from: 0, length: 0, deadline: 0 };
}

const REMOVAL = removal(TYPES.removed);
const HIDDEN_REMOVAL = removal(HIDDEN_TYPES.removed);

export class Keyspace {
  readonly records = new Records();
  readonly index: KeyIndex;
  readonly progress: Progress = { clock: 0, revision: 1, keys: 0, bytes: 0, blockBytes: 0, deadlines: 0, doomed: 0 };
  /** What of it was taken out since, and was in no version's changes. */
  readonly reaped = { keys: 0, bytes: 0, blockBytes: 0, deadlines: 0 };
  /** Collections whose pages are to be removed. */
  readonly doomed = new DoomedQueue();
  history: History;
  readonly #seed: readonly [number, number];
  readonly maxBytes: number;
  /** `Infinity`: nothing is evicted. */
  readonly maxLiveBytes: number;
  /** Whether a key that is sought and found was used, by which eviction chooses. */
  notesUse = false;
  /** Something had no room since this was set to false. */
  wasFull = false;
  /** The key that was sought last. */
  readonly #key = new Cursor(false);
  #isVisible = false;
  readonly #doomedKey = new Cursor(true);

  constructor({ seed, maxBytes, maxLiveBytes = Infinity, tableBits = TABLE_BITS }: KeyspaceOptions) {
    this.#seed = seed;
    this.maxBytes = maxBytes;
    this.maxLiveBytes = maxLiveBytes;
    this.index = new KeyIndex(this.records, tableBits);
    this.history = new History(this.records, this.index, this.progress, 0);
    this.#doomedKey.source = new DataView(new ArrayBuffer(COLLECTION_BYTES));
    this.#doomedKey.length = COLLECTION_BYTES;
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

  /** Of that, what is there now takes: the rest is given back when versions are committed, or holds no record. */
  get liveBytes(): number {
    return this.progress.blockBytes - this.reaped.blockBytes + this.index.slotBytes;
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
    const key = this.#key;
    key.source = source;
    key.from = from;
    key.length = length;
    key.hash = hash;
    this.#locate(key, this.index.find(hash, source, from, length, 0));
    this.#look();
    if (this.notesUse && this.#isVisible && !this.history.isOpen(key.address)) {
      noteUse(key.memory, key.at, this.progress.revision);
    }
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

  #locate(cursor: Cursor, address: number): void {
    cursor.address = address;
    cursor.memory = this.records.memory(address);
    cursor.at = this.records.offset(address);
  }

  #look(): void {
    const { address, memory, at } = this.#key;
    this.#isVisible = address !== 0 && this.isVisible(memory, at);
  }

  /** Whether the record here is of a key that is there. */
  isVisible(memory: DataView, at: number): boolean {
    if (!isKeyAt(memory, at)) return false;
    const deadline = deadlineAt(memory, at);
    return deadline === 0 || deadline > this.progress.clock;
  }

  /**
   * Whether the record here is a part of the base. A paged collection is one even where its time is over: if it were left out, the next process
   * would have its pages, and nothing that says so.
   */
  isInBase(memory: DataView, at: number): boolean {
    if (isRemovedAt(memory, at)) return false;
    return typeAt(memory, at) >= PAGED || this.isVisible(memory, at);
  }

  get exists(): boolean {
    return this.#isVisible;
  }

  // The next ones only of a key that exists.

  /** One of `TYPES`. */
  get type(): number {
    return kindAt(this.#key.memory, this.#key.at);
  }

  /** Whether it is a collection with pages. */
  get isPaged(): boolean {
    return isPagedAt(this.#key.memory, this.#key.at);
  }

  /** The type as it is written, with `PAGED`. */
  get recordType(): number {
    return typeAt(this.#key.memory, this.#key.at);
  }

  /** Another number with each write, rising. */
  get revision(): number {
    return revisionAt(this.#key.memory, this.#key.at);
  }

  /** When the key's time is over, ms since 1970; 0: never. */
  get deadline(): number {
    return deadlineAt(this.#key.memory, this.#key.at);
  }

  /** The memory that its value is in, at byte `valueFrom`, until the next write to it. */
  get value(): DataView {
    return this.#key.memory;
  }

  get valueFrom(): number {
    return valueAt(this.#key.memory, this.#key.at);
  }

  get valueLength(): number {
    return valueLengthAt(this.#key.memory, this.#key.at);
  }

  /** Whether so many bytes more may be taken. */
  hasRoom(bytes: number): boolean {
    const hasRoom = this.memoryBytes + bytes <= this.maxBytes;
    if (!hasRoom) this.wasFull = true;
    return hasRoom;
  }

  /**
   * Write the key.
   * @param content its value is in other memory than the key's record
   * @returns false when there is no memory for it: nothing was changed
   */
  write(content: Content): boolean {
    const { length } = this.#key;
    if (!this.hasRoom(recordBytes(length, content.length, content.deadline))) return false;
    this.overwrite(content);
    return true;
  }

  /** The same, also where there is no memory for it. */
  overwrite(content: Content): void {
    this.#doomUnless(content);
    this.#put(this.#key, content);
    this.#look();
  }

  /** Write what the collection of the key is now, its pages included, or a first one: also where there is no memory for it. */
  rewrite(content: Content): void {
    if (!this.#isVisible) this.#doomUnless(content);
    this.#put(this.#key, content);
    this.#look();
  }

  /** Give the key another revision: what belongs to it, and does not lie in its record, was written. */
  touch(): void {
    this.#open(this.#key);
    this.records.setRevision(this.#key.address, this.#nextRevision());
  }

  /** Remove the key if it is there. @returns whether it was */
  remove(): boolean {
    return this.#isVisible && this.discard();
  }

  /** Remove the key's record, also where its time is over and it was not taken out yet. @returns whether there was one */
  discard(): boolean {
    const { address, memory, at } = this.#key;
    if (address === 0 || isRemovedAt(memory, at)) return false;
    this.#doomUnless(REMOVAL);
    this.discardRecord();
    return true;
  }

  /** Remove the key's record and nothing else: its collection has no pages any more, or belongs to another key. */
  discardRecord(): void {
    this.rewrite(REMOVAL);
  }

  /** A number that no other collection has or had. */
  nextCollection(): number {
    return this.#nextRevision();
  }

  /** Look for a hidden record, with the cursor's key. @returns whether it is there */
  seekHidden(cursor: Cursor): boolean {
    const { source, from, length } = cursor;
    cursor.hash = this.hashOf(source, from, length);
    this.#locate(cursor, this.index.find(cursor.hash, source, from, length, HIDDEN));
    return cursor.address !== 0 && !isRemovedAt(cursor.memory, cursor.at);
  }

  /** Write the hidden record that was sought, also where there is no memory for it. The content is in other memory than the record. */
  writeHidden(cursor: Cursor, content: Content): void {
    this.#put(cursor, content);
  }

  removeHidden(cursor: Cursor): void {
    this.writeHidden(cursor, HIDDEN_REMOVAL);
  }

  /** The bytes of the hidden record may be written where they lie, from then on until the version is sealed. */
  openHidden(cursor: Cursor): void {
    this.#open(cursor);
  }

  /** Where the key's record is a paged collection, and what comes in its place is not: its pages are to be removed. */
  #doomUnless({ type, value, from }: Content): void {
    const { address, memory, at } = this.#key;
    if (address === 0 || !isPagedAt(memory, at)) return;
    const collection = collectionAt(memory, at);
    if ((type & PAGED) !== 0 && value.getFloat64(from, true) === collection) return;
    const doomed = this.#doomedKey;
    doomed.source.setFloat64(0, collection, true);
    this.seekHidden(doomed);
    const [root, length] = [valueAt(memory, at), valueLengthAt(memory, at)];
    this.writeHidden(doomed, { type: HIDDEN_TYPES.doomed, value: memory, from: root, length, deadline: 0 });
    this.doomed.add(doomed.hash);
  }

  #put(cursor: Cursor, content: Content): void {
    const size = recordBytes(cursor.length, content.length, content.deadline);
    const revision = this.#nextRevision();
    if (cursor.address !== 0) this.count(cursor.memory, cursor.at, -1);
    const isOpen = cursor.address !== 0 && this.history.isOpen(cursor.address);
    const address = isOpen ? this.#renew(cursor, size) : this.#begin(cursor, this.records.arena.allocate(size));
    this.records.writeContent(address, revision, cursor.length, content);
    this.records.writeKey(address, cursor.source, cursor.from, cursor.length);
    this.#locate(cursor, address);
    if (isRemovedAt(cursor.memory, cursor.at)) this.history.setRemoved(address, true);
    this.count(cursor.memory, cursor.at, 1);
  }

  #nextRevision(): number {
    if (this.progress.revision > MAX_REVISION) throw new RangeError('there are no more revisions');
    return this.progress.revision++;
  }

  /** The open version has a record of its own, which is as the one before. */
  #open(cursor: Cursor): void {
    if (this.history.isOpen(cursor.address)) return;
    const address = this.#begin(cursor, this.records.copy(cursor.memory, cursor.at));
    this.records.setRevision(address, this.#nextRevision());
    this.#locate(cursor, address);
  }

  /** The open version's first record of a key. */
  #begin({ hash, address: previous }: Cursor, address: number): number {
    this.history.begin(hash, address, previous);
    if (previous === 0) this.index.insert(hash, address);
    else this.index.replace(hash, previous, address);
    return address;
  }

  /** The block for another record of the open version. */
  #renew({ hash, address: previous }: Cursor, size: number): number {
    const { arena } = this.records;
    if (this.records.isRemoved(previous)) this.history.setRemoved(previous, false);
    if (arena.blockBytes(previous) === arena.sizeOf(size)) return previous;
    const address = arena.allocate(size);
    this.history.move(previous, address);
    this.index.replace(hash, previous, address);
    arena.free(previous);
    return address;
  }

  /** Count the record here among what there is, or not any more. */
  count(memory: DataView, at: number, sign: 1 | -1): void {
    if (isRemovedAt(memory, at)) return;
    const size = sizeAt(memory, at);
    this.progress.bytes += sign * (size - PLACE_BYTES);
    this.progress.blockBytes += sign * this.records.arena.sizeOf(size);
    if (!isKeyAt(memory, at)) {
      if (typeAt(memory, at) === HIDDEN_TYPES.doomed) this.progress.doomed += sign;
      return;
    }
    this.progress.keys += sign;
    if (deadlineAt(memory, at) !== 0) this.progress.deadlines += sign;
  }
}
