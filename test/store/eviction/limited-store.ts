/** A store with a limit, whose versions are committed when a test says so, or when undo takes as much as a worker lets it. */
import { createEngine, type Engine, type Keyspace, type KeyspaceOptions } from '@dpr/store/engine';
import { decodeResults, readStatus, type Results, STATUS } from '@dpr/store/operations';
import { createGroup, HASH_END } from '../../../services/store/engine/key-index.ts';
import { Executor } from '../../../services/store/executor.ts';
import { viewOf } from '../engine/driver.ts';

export const MIB = 2 ** 20;
const MOST_BYTES = 2 ** 30;

export class LimitedStore {
  engine: Engine;
  readonly #options: KeyspaceOptions;
  readonly #executor: Executor;
  #version = 0;
  readonly sections: Uint8Array[] = [];
  /** The most that there was at the end of a batch. */
  mostLive = 0;
  mostMemory = 0;
  /** Operations that were refused for lack of memory. */
  full = 0;

  constructor(options: Partial<KeyspaceOptions>, nodeBytes?: number) {
    this.#options = { seed: [1, 2], maxBytes: 2 ** 30, ...options };
    this.engine = createEngine(this.#options);
    this.#executor = new Executor(() => this.engine.keyspace, nodeBytes);
    this.engine.load().end(0);
  }

  get keyspace(): Keyspace {
    return this.engine.keyspace;
  }

  get evicted(): number {
    return this.#executor.evictedKeys;
  }

  apply(operations: readonly Buffer[], now = 0): Results {
    const { length } = operations;
    const results = decodeResults(this.#executor.apply(Buffer.concat(operations), length, now), length);
    for (let index = 0; index < length; index++) if (readStatus(results, index) === STATUS.full) this.full++;
    this.mostLive = Math.max(this.mostLive, this.keyspace.liveBytes);
    this.mostMemory = Math.max(this.mostMemory, this.keyspace.memoryBytes);
    return results;
  }

  seal(): number {
    const changes = this.engine.seal(++this.#version);
    for (let chunk = changes.next(100_000); chunk !== undefined; chunk = changes.next(100_000)) {
      this.sections.push(chunk);
    }
    return this.#version;
  }

  commit(version = this.seal()): void {
    this.engine.committed(version);
    while (this.engine.release(1_000));
  }

  rollback(version: number): void {
    this.engine.rollback(version);
    this.#version = version;
  }

  /** Another process begins with what was sealed. */
  restart(): void {
    this.engine = createEngine(this.#options);
    const loader = this.engine.load();
    for (const chunk of this.sections) loader.take(chunk);
    loader.end(this.#version);
  }

  has(key: string): boolean {
    const bytes = Buffer.from(key);
    return this.keyspace.seek(viewOf(bytes), 0, bytes.length);
  }

  /** Everything that is there, as bytes in the order of hashes. */
  dump(): Buffer {
    return Buffer.from(this.engine.base(0, MOST_BYTES).bytes);
  }
}

/** `liveBytes`, counted record by record. */
export function countLive({ index, records }: Keyspace): number {
  const group = createGroup();
  let bytes = index.slotBytes;
  for (let hash = 0; hash < HASH_END; hash = index.nextHome(hash)) {
    index.group(hash, group);
    for (const address of group.addresses.slice(0, group.count)) {
      if (!records.isRemoved(address)) bytes += records.arena.blockBytes(address);
    }
  }
  return bytes;
}

/** Keys of a test by their number, all of one length. */
export function keyOf(name: string, number: number): string {
  return `${name}-${String(number).padStart(8, '0')}`;
}
