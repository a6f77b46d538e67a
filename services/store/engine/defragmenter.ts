/**
 * Gives back memory that is spread over many slabs of which little is used, as many keys leave behind that were removed here and there: some
 * after each commit, records of such slabs move to others, until nothing is left in them.
 */
import { HomeWalk } from './home-walk.ts';
import type { Keyspace } from './keyspace.ts';
import { relocate } from './relocation.ts';

/** Free blocks are no reason to move records while they take no more than this, as one slab of each class may; bytes. */
export const SPARE_BYTES = 32 * 2 ** 20;
/** Nor while they take no more than this share of all memory. */
const SPARE_SHARE = 1 / 4;

export class Defragmenter {
  readonly #keyspace: Keyspace;
  readonly #spareBytes: number;
  readonly #walk: HomeWalk;

  constructor(keyspace: Keyspace, spareBytes = SPARE_BYTES) {
    this.#keyspace = keyspace;
    this.#spareBytes = spareBytes;
    this.#walk = new HomeWalk(keyspace.index, (hash, address) => this.#lookAt(hash, address));
  }

  /** Versions were committed: what they replaced or removed may have left slabs nearly empty. */
  begin(): void {
    const { usedBytes, freeBytes } = this.#keyspace.records.arena;
    this.#walk.begin(freeBytes > Math.max(this.#spareBytes, usedBytes * SPARE_SHARE));
  }

  /** Look at up to so many homes. @returns whether there are more */
  work(homes: number): boolean {
    return this.#walk.work(homes);
  }

  #lookAt(hash: number, address: number): void {
    if (this.#keyspace.records.arena.vacate(address)) relocate(this.#keyspace, hash, address);
  }
}
