/**
 * Keeps what is there within its limit: removes keys that were not used for long, as changes of the open version. So checkpoints carry it,
 * and a rollback undoes it.
 *
 * Which key goes is told as Redis tells it, without a list of all keys by their last use: of some keys at a random place the one that was used
 * least recently, or one that was seen before and is older still. Since keys lie in the order of their hashes, those beside one another
 * are as good a sample as any. What the draw begins with is the state's own revision, so that the same steps evict the same keys.
 */
import { type Teardown, tornPages } from '../collections/teardown.ts';
import { createDraw } from '../draw.ts';
import { createGroup, HASH_END, SAMPLED_SLOTS } from '../engine/key-index.ts';
import { type Keyspace, MAX_KEY_BYTES } from '../engine/index.ts';
import { lastUse } from '../engine/recency.ts';
import { relocate } from '../engine/relocation.ts';
import { deadlineAt, isKeyAt, keyAt, keyLengthAt } from '../engine/records.ts';
import { Scratch } from '../scratch.ts';
import { VictimPool } from './victim-pool.ts';

/** Of so many keys one goes: Redis' `maxmemory-samples`. */
const SAMPLED_KEYS = 5;
/** So many keys are evicted with each batch, and one more for so many bytes of its operations: no record takes less. */
export const EVICTED_KEYS = 64;
export const BYTES_PER_EVICTION = 32;
/** Slots that are looked at with each batch, and one more for each byte of it: where there are large collections, most hold pages. */
export const LOOKED_SLOTS = 4_096;
/**
 * What is free between records may be a part of the limit, or so many bytes, since each size of records has pages of its own; but no more than a
 * part of what is left up to the limit of all memory, which undo needs too.
 */
const FREE_SHARE = 1 / 16;
const FREE_BYTES = 32 * 1024 * 1024;
const FREE_SHARE_OF_REST = 1 / 4;
/** A key whose time is over goes before all others. */
const NEVER = 0;

export class Evictor {
  readonly #teardown: Teardown;
  readonly #pool = new VictimPool();
  readonly #group = createGroup();
  readonly #key = new Scratch();
  #keyspace: Keyspace | undefined;
  #draw = createDraw(0);
  /** Of this batch. */
  #keysLeft = 0;
  #slotsLeft = 0;
  #pagesLeft = 0;
  /** The next one, as the batch before left it. */
  #revision = 0;
  /** Since the process started, those too that a rollback brought back. */
  evictedKeys = 0;

  constructor(teardown: Teardown) {
    this.#teardown = teardown;
  }

  /** Remove keys until memory is within its limits, or as many as one batch may. @param bytes of the batch's operations */
  work(keyspace: Keyspace, bytes: number): void {
    if (this.#keyspace !== keyspace) this.#begin(keyspace);
    const { liveBytes, maxLiveBytes, progress } = keyspace;
    const isScattered = this.#isScattered(keyspace);
    if (liveBytes > maxLiveBytes || isScattered) {
      this.#draw = createDraw(progress.revision);
      this.#keysLeft = EVICTED_KEYS + Math.floor(bytes / BYTES_PER_EVICTION);
      this.#slotsLeft = LOOKED_SLOTS + bytes;
      this.#pagesLeft = tornPages(bytes);
      while (keyspace.liveBytes > maxLiveBytes && this.#tearDownOr(keyspace, () => this.#evictOne(keyspace)));
      while (isScattered && this.#exceeds(keyspace) && this.#tearDownOr(keyspace, () => this.#evictSlab(keyspace)));
    }
    this.#revision = progress.revision;
  }

  #begin(keyspace: Keyspace): void {
    this.#keyspace = keyspace;
    this.#pool.clear();
    this.#revision = keyspace.progress.revision;
  }

  /**
   * Whether what is free does not fit what is written: of the blocks of one page, some are of records that are there. As long as nothing is
   * written, there is no need to do anything about that.
   */
  #isScattered(keyspace: Keyspace): boolean {
    const isWritten = keyspace.wasFull || keyspace.progress.revision !== this.#revision;
    keyspace.wasFull = false;
    return isWritten && this.#exceeds(keyspace);
  }

  /** Whether memory is above its limit, without what is given back once it is committed. */
  #exceeds({ memoryBytes, maxLiveBytes, maxBytes, history }: Keyspace): boolean {
    const rest = (maxBytes - maxLiveBytes) * FREE_SHARE_OF_REST;
    const free = Math.min(rest, Math.max(FREE_BYTES, maxLiveBytes * FREE_SHARE));
    return memoryBytes - history.heldBytes > maxLiveBytes + free;
  }

  /** Pages of collections that are removed already are as good as gone, so they come before keys. @returns whether to go on */
  #tearDownOr(keyspace: Keyspace, evict: () => boolean): boolean {
    if (keyspace.doomed.first === undefined) return this.#keysLeft > 0 && evict();
    this.#pagesLeft = this.#teardown.work(keyspace, this.#pagesLeft);
    return this.#pagesLeft > 0;
  }

  /** @returns false when there was no key where it looked, and it may not look at more */
  #evictOne(keyspace: Keyspace): boolean {
    const address = this.#victim(keyspace);
    if (address !== 0) this.#evict(keyspace, this.#hashOf(keyspace, address), address);
    return address !== 0;
  }

  /**
   * Empty the slab that a victim is in, so that its pages are given back: what lies there was most often written at about the same time. Keys
   * that were used since, in the later half of the time, and pages of collections, are moved.
   */
  #evictSlab(keyspace: Keyspace): boolean {
    const victim = this.#victim(keyspace);
    if (victim === 0) return false;
    const { records, index, progress } = keyspace;
    const used = this.#lastUse(keyspace, victim) ?? 0;
    for (const address of records.arena.blocksBeside(victim)) {
      const hash = this.#hashOf(keyspace, address);
      if (!index.holds(hash, address)) continue;
      const other = this.#lastUse(keyspace, address) ?? Infinity;
      if (other <= (used + progress.revision) / 2) this.#evict(keyspace, hash, address);
      else if (!records.isRemoved(address)) relocate(keyspace, hash, address);
    }
    return true;
  }

  #hashOf(keyspace: Keyspace, address: number): number {
    const memory = keyspace.records.memory(address);
    const at = keyspace.records.offset(address);
    return keyspace.hashOf(memory, keyAt(memory, at), keyLengthAt(memory, at));
  }

  /** The record of the key that is to go next; 0: none was found. */
  #victim(keyspace: Keyspace): number {
    do {
      this.#sample(keyspace);
      for (let next = this.#pool.take(); next !== undefined; next = this.#pool.take()) {
        const address = this.#find(keyspace, next.hash, next.used);
        if (address !== 0) return address;
      }
    } while (this.#slotsLeft > 0);
    return 0;
  }

  #sample(keyspace: Keyspace): void {
    for (let keys = SAMPLED_KEYS; keys > 0 && this.#slotsLeft > 0; this.#slotsLeft -= SAMPLED_SLOTS) {
      keyspace.index.sample(Math.floor(this.#draw() * HASH_END), this.#group);
      for (let place = 0; place < this.#group.count && keys > 0; place++) {
        const used = this.#lastUse(keyspace, this.#group.addresses[place] ?? 0);
        if (used === undefined) continue;
        this.#pool.offer(this.#group.hashes[place] ?? 0, used);
        keys--;
      }
    }
  }

  /** The record of a key with this hash that was used then; 0: there is none any more. */
  #find(keyspace: Keyspace, hash: number, used: number): number {
    keyspace.index.group(hash, this.#group);
    for (let place = 0; place < this.#group.count; place++) {
      const address = this.#group.addresses[place] ?? 0;
      if (this.#group.hashes[place] === hash && this.#lastUse(keyspace, address) === used) return address;
    }
    return 0;
  }

  /** @returns undefined where there is no key */
  #lastUse({ records, progress }: Keyspace, address: number): number | undefined {
    const memory = records.memory(address);
    const at = records.offset(address);
    if (!isKeyAt(memory, at)) return undefined;
    const deadline = deadlineAt(memory, at);
    if (deadline !== 0 && deadline <= progress.clock) return NEVER;
    return lastUse(records.place(address), records.revision(address), progress.revision);
  }

  /** Remove the key with this hash whose record this is. */
  #evict(keyspace: Keyspace, hash: number, address: number): void {
    const memory = keyspace.records.memory(address);
    const at = keyspace.records.offset(address);
    const length = keyLengthAt(memory, at);
    this.#key.begin(MAX_KEY_BYTES);
    this.#key.append(memory, keyAt(memory, at), length);
    if (keyspace.seek(this.#key.memory, 0, length, hash)) this.evictedKeys++;
    keyspace.discard();
    this.#keysLeft--;
  }
}
