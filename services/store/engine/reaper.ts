/** Takes out keys whose time is over, home by home, some after each commit. */
import { createGroup, HASH_END } from './key-index.ts';
import type { Keyspace } from './keyspace.ts';
import { deadlineAt } from './records.ts';

/** How many homes of keys are looked at after each commit. */
export const REAPED_HOMES = 16_384;

export class Reaper {
  readonly #keyspace: Keyspace;
  readonly #group = createGroup();
  #position = 0;
  #homesLeft = 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  /** Versions were committed: keys may be over and no version that may come back has them. */
  begin(): void {
    this.#homesLeft = this.#keyspace.deadlines > 0 ? REAPED_HOMES : 0;
  }

  /** Look at up to so many homes. @returns whether there are more */
  work(homes: number): boolean {
    const end = Math.max(0, this.#homesLeft - homes);
    for (; this.#homesLeft > end; this.#homesLeft--) this.#lookAtHome();
    return end > 0;
  }

  #lookAtHome(): void {
    const { index } = this.#keyspace;
    index.group(this.#position, this.#group);
    for (let place = 0; place < this.#group.count; place++) {
      const address = this.#group.addresses[place] ?? 0;
      if (this.#isOver(address)) this.#keyspace.reap(this.#group.hashes[place] ?? 0, address);
    }
    const next = index.nextHome(this.#position);
    this.#position = next === HASH_END ? 0 : next;
  }

  #isOver(address: number): boolean {
    const { records, history } = this.#keyspace;
    const deadline = deadlineAt(records.memory(address), records.offset(address));
    return deadline !== 0 && deadline <= history.committed.clock && history.isUnreferenced(address);
  }
}
