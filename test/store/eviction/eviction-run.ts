/** A store with a small limit beside a plain map, under random operations on values and on hashes with pages, rollbacks and restarts. */
import {
  readFound,
  readItems,
  readStatus,
  type Results,
  sizeOfHashAll,
  sizeOfHashSet,
  STATUS,
  writeHashAll,
  writeHashSet,
} from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../simulation/random.ts';
import { encoded, get, remove, set } from '../calls.ts';
import { type Run, Versions } from '../collections/versions.ts';
import { createGroup, HASH_END } from '../../../services/store/engine/key-index.ts';
import { relocate } from '../../../services/store/engine/relocation.ts';
import { viewOf } from '../engine/driver.ts';
import { countLive } from './limited-store.ts';

const OPTIONS = { seed: [1, 2], maxBytes: 2 ** 30, maxLiveBytes: 100_000, tableBits: 2 } as const;
const KEYS = 150;
const HASHES = ['hash 1', 'hash 2', 'hash 3'];
const FIELDS = 1_000;
const VALUE_BYTES = [0, 5, 60, 300, 2_000];

type Fields = ReadonlyMap<string, string>;
type Contents = Map<string, string | Fields>;

export class EvictionRun implements Run {
  readonly #random: Random;
  readonly #versions: Versions<Contents>;
  #contents: Contents = new Map();
  /** Keys that the map had, and the store had no more. */
  missed = 0;
  /** Records. */
  moved = 0;
  readonly #group = createGroup();
  #evicted = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    const model = {
      contents: () => new Map(this.#contents),
      become: (contents: Contents) => void (this.#contents = new Map(contents)),
      check: () => this.#check(),
    };
    this.#versions = new Versions(this.#random, model, OPTIONS);
  }

  get reached(): Run['reached'] {
    return this.#versions.reached;
  }

  get evicted(): number {
    return this.#versions.evictedKeys;
  }

  step(): void {
    this.#versions.step(() => this.#operate());
    if (this.#random.chance(0.1)) this.#move();
    if (this.#random.chance(0.02)) this.#check();
  }

  finish(): void {
    this.#check();
    for (const key of this.#contents.keys()) this.#versions.apply(remove(key));
    this.#versions.finish(get('none'));
  }

  #operate(): void {
    const random = this.#random;
    const isHash = random.chance(0.3);
    const key = isHash ? random.pick(HASHES) : `key ${random.int(1, KEYS)}`;
    const chance = random.next();
    if (chance < 0.3) this.#assertHas(key, this.#apply(isHash ? hashAll(key) : get(key)));
    else if (chance < 0.35) {
      this.#contents.delete(key);
      this.#apply(remove(key));
    } else if (isHash) this.#setFields(key);
    else {
      const value = String.fromCharCode(random.int(97, 122)).repeat(random.pick(VALUE_BYTES));
      this.#contents.set(key, value);
      this.#apply(set(key, value));
    }
  }

  /** Lay some records elsewhere, whatever they are of. */
  #move(): void {
    const { keyspace } = this.#versions;
    const { index, records } = keyspace;
    index.sample(this.#random.int(0, HASH_END - 1), this.#group);
    const hashes = this.#group.hashes.slice(0, this.#group.count);
    for (const [place, hash] of hashes.entries()) {
      const address = this.#group.addresses[place] ?? 0;
      if (records.isRemoved(address) || !relocate(keyspace, hash, address)) continue;
      assert.ok(!index.holds(hash, address));
      this.moved++;
    }
  }

  #setFields(key: string): void {
    const first = this.#random.int(1, FIELDS);
    const entries = Array.from({ length: this.#random.pick([1, 20, 300]) }, (_, index) => {
      return [`field ${(first + index) % FIELDS}`, 'v'.repeat(this.#random.pick([1, 40]))] as const;
    });
    const before = this.#contents.get(key);
    this.#contents.set(key, new Map([...(before instanceof Map ? before : []), ...entries]));
    this.#apply(encoded(sizeOfHashSet({ key, entries }), (bytes) => writeHashSet(bytes, 0, { key, entries })));
  }

  /** Execute it, and forget what was evicted afterwards: as many keys as the store counts. */
  #apply(operation: Buffer): Results {
    const results = this.#versions.apply(operation);
    assert.notEqual(readStatus(results, 0), STATUS.full);
    if (this.evicted === this.#evicted) return results;
    const gone = [...this.#contents.keys()].filter((key) => !this.#has(key));
    assert.equal(gone.length, this.evicted - this.#evicted);
    for (const key of gone) this.#contents.delete(key);
    this.missed += gone.length;
    this.#evicted = this.evicted;
    return results;
  }

  #has(key: string): boolean {
    const bytes = Buffer.from(key);
    return this.#versions.keyspace.seek(viewOf(bytes), 0, bytes.length);
  }

  /** @param results of reading all of it, as it was before the eviction that followed */
  #assertHas(key: string, results: Results): void {
    const value = this.#contents.get(key);
    if (value === undefined) return;
    if (typeof value === 'string') assert.equal(Buffer.from(readFound(results, 0)?.value ?? '').toString(), value);
    else {
      const items = readItems(results, 0).map((item) => Buffer.from(item ?? '').toString());
      const fields = items.flatMap((item, index) => (index % 2 === 0 ? [[item, items[index + 1] ?? ''] as const] : []));
      assert.deepEqual(new Map(fields), value);
    }
  }

  #check(): void {
    for (const [key, value] of this.#contents) {
      if (this.#contents.has(key))
        this.#assertHas(key, this.#apply(typeof value === 'string' ? get(key) : hashAll(key)));
    }
    assert.equal(this.#versions.keyspace.keys, this.#contents.size);
    assert.equal(this.#versions.keyspace.liveBytes, countLive(this.#versions.keyspace));
    this.#versions.audit();
  }
}

function hashAll(key: string): Buffer {
  return encoded(sizeOfHashAll(key), (bytes) => writeHashAll(bytes, 0, key));
}
