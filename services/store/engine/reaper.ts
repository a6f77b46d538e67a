/**
 * Takes out keys whose time is over, home by home, some after each commit. Collections with pages it only finds, those whose time is over
 * and those that were removed: what a process loads or a rollback brings back is found so. Their pages are removed by versions.
 */
import { createGroup, HASH_END } from './key-index.ts';
import type { Keyspace } from './keyspace.ts';
import { deadlineAt, HIDDEN_TYPES, isPagedAt, PLACE_BYTES, sizeAt, typeAt } from './records.ts';

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
    const { deadlines, progress } = this.#keyspace;
    this.#homesLeft = deadlines > 0 || progress.doomed > 0 ? REAPED_HOMES : 0;
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
      this.#lookAt(this.#group.hashes[place] ?? 0, this.#group.addresses[place] ?? 0);
    }
    const next = index.nextHome(this.#position);
    this.#position = next === HASH_END ? 0 : next;
  }

  #lookAt(hash: number, address: number): void {
    const { records, history, doomed, progress } = this.#keyspace;
    const memory = records.memory(address);
    const at = records.offset(address);
    const deadline = deadlineAt(memory, at);
    if (isPagedAt(memory, at)) {
      if (deadline !== 0 && deadline <= progress.clock) doomed.add(hash);
    } else if (deadline !== 0) {
      const isOver = deadline <= history.committed.clock && history.isUnreferenced(address);
      if (isOver) this.#reap(hash, address);
    } else if (typeAt(memory, at) === HIDDEN_TYPES.doomed) doomed.add(hash);
  }

  /**
   * Take out a key whose time was over when the committed version ended: no version that may come back has it.
   * It has no pages: those of a collection are removed by a version, as all of its changes are.
   */
  #reap(hash: number, address: number): void {
    const { index, records, reaped } = this.#keyspace;
    const size = sizeAt(records.memory(address), records.offset(address));
    reaped.keys++;
    reaped.bytes += size - PLACE_BYTES;
    reaped.blockBytes += records.arena.sizeOf(size);
    reaped.deadlines++;
    index.erase(hash, address);
    records.arena.free(address);
  }
}
