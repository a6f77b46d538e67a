/**
 * Takes out keys whose time is over, some after each commit. Collections with pages it only finds, those whose time is over and those that
 * were removed: what a process loads or a rollback brings back is found so. Their pages are removed by versions.
 */
import { HomeWalk } from './home-walk.ts';
import type { Keyspace } from './keyspace.ts';
import { deadlineAt, HIDDEN_TYPES, isPagedAt, PLACE_BYTES, sizeAt, typeAt } from './records.ts';

export class Reaper {
  readonly #keyspace: Keyspace;
  readonly #walk: HomeWalk;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.#walk = new HomeWalk(keyspace.index, (hash, address) => this.#lookAt(hash, address));
  }

  /** Versions were committed: keys may be over and no version that may come back has them. */
  begin(): void {
    const { deadlines, progress } = this.#keyspace;
    this.#walk.begin(deadlines > 0 || progress.doomed > 0);
  }

  /** Look at up to so many homes. @returns whether there are more */
  work(homes: number): boolean {
    return this.#walk.work(homes);
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
