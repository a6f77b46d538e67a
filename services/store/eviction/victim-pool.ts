/** The keys that were used least recently, of all that were looked at: Redis' pool of candidates for eviction (`EVPOOL_SIZE` of its evict.c). */

/** One candidate: the hash of its key, and when that was used last. */
export type Candidate = { readonly hash: number; readonly used: number };

export const MAX_CANDIDATES = 16;

export class VictimPool {
  /** The one that was used least recently comes first. */
  readonly #candidates: Candidate[] = [];

  offer(hash: number, used: number): void {
    const candidates = this.#candidates;
    let place = candidates.length;
    for (; place > 0; place--) {
      const before = candidates[place - 1];
      if (before === undefined || before.used < used) break;
      if (before.used === used && before.hash === hash) return;
    }
    if (place === MAX_CANDIDATES) return;
    candidates.splice(place, 0, { hash, used });
    if (candidates.length > MAX_CANDIDATES) candidates.pop();
  }

  /** Take out the one that was used least recently. */
  take(): Candidate | undefined {
    return this.#candidates.shift();
  }

  clear(): void {
    this.#candidates.length = 0;
  }
}
