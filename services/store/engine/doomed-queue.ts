/**
 * Where removed collections are that wait for their pages to be removed: hashes of records, a bounded number. What has no room is found
 * again by the reaper, which comes by every record in time; and one that a rollback brought back is no more than a look in vain.
 */
const MAX_WAITING = 64;

export class DoomedQueue {
  readonly #hashes: number[] = [];

  /** @param hash of a doomed record, or of a paged collection whose time is over */
  add(hash: number): void {
    if (this.#hashes.length < MAX_WAITING && !this.#hashes.includes(hash)) this.#hashes.push(hash);
  }

  /** The one that waits longest; undefined: none does. */
  get first(): number | undefined {
    return this.#hashes[0];
  }

  /** The first one is done. */
  shift(): void {
    this.#hashes.shift();
  }
}
