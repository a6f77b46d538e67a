/** Goes over all keys of an index again and again, home by home, as many as there is time for. */
import { createGroup, HASH_END, type KeyIndex } from './key-index.ts';

/** How many homes are looked at after each commit, unless there are fewer. */
export const WALKED_HOMES = 16_384;

export class HomeWalk {
  readonly #index: KeyIndex;
  readonly #visit: (hash: number, address: number) => void;
  readonly #group = createGroup();
  #position = 0;
  #homesLeft = 0;

  /** @param visit may erase the record, or put another one in its place */
  constructor(index: KeyIndex, visit: (hash: number, address: number) => void) {
    this.#index = index;
    this.#visit = visit;
  }

  /** Versions were committed. @param isNeeded whether there may be something to find */
  begin(isNeeded: boolean): void {
    this.#homesLeft = isNeeded ? Math.min(WALKED_HOMES, this.#index.homes) : 0;
  }

  /** Look at up to so many homes. @returns whether there are more */
  work(homes: number): boolean {
    const end = Math.max(0, this.#homesLeft - homes);
    for (; this.#homesLeft > end; this.#homesLeft--) this.#visitHome();
    return end > 0;
  }

  #visitHome(): void {
    const group = this.#group;
    this.#index.group(this.#position, group);
    for (let place = 0; place < group.count; place++) {
      this.#visit(group.hashes[place] ?? 0, group.addresses[place] ?? 0);
    }
    const next = this.#index.nextHome(this.#position);
    this.#position = next === HASH_END ? 0 : next;
  }
}
