/**
 * Stores of which one after the other is killed under load, and what they must hold: the client's own record. Of each key that is how often it
 * was written, and whether it was removed since; its value follows from that.
 */
import assert from 'node:assert/strict';
import type { Cluster, Session, SetOperation, Store } from '@dpr/client';
import { createRandom, type Random } from '../simulation/random.ts';
import { clientOf, type Place } from './harness.ts';

export interface Sizes {
  readonly workers: number;
  /** Of each worker, all of which are written at first. */
  readonly keys: number;
  readonly valueBytes: number;
  /** Keys in a batch: a tenth of them is removed, the others are written. */
  readonly batchKeys: number;
  readonly batchesInFlight: number;
}

const REMOVED = 2 ** 31;

function storeOf(session: Session, id: number): Store {
  return session.store(id);
}

/** What one store must hold. */
class Recorded {
  readonly store: Store;
  readonly #sizes: Sizes;
  readonly #worker: number;
  readonly #writes: Uint32Array;
  /** Keys that were written or removed since they were looked at. */
  readonly changed = new Set<number>();

  constructor(store: Store, worker: number, sizes: Sizes) {
    this.store = store;
    this.#worker = worker;
    this.#sizes = sizes;
    this.#writes = new Uint32Array(sizes.keys);
  }

  async write(keys: readonly number[]): Promise<void> {
    await this.store.setAll(keys.map((key) => this.#operation(key)));
  }

  async remove(keys: readonly number[]): Promise<void> {
    for (const key of keys) {
      this.#writes[key] = ((this.#writes[key] ?? 0) | REMOVED) >>> 0;
      this.changed.add(key);
    }
    await this.store.deleteAll(keys.map(String));
  }

  async isExact(keys: readonly number[]): Promise<void> {
    const found = await this.store.getAll(keys.map(String));
    for (const [index, key] of keys.entries()) {
      const value = found[index]?.value;
      const expected = this.#expected(key);
      const isRight = value === undefined ? expected === undefined : expected?.equals(value) === true;
      const shown = value === undefined ? 'nothing' : Buffer.from(value).toString().slice(0, 40);
      assert.ok(
        isRight,
        `key ${key} of store ${this.#worker}: ${shown} instead of ${expected?.toString().slice(0, 40) ?? 'nothing'}`,
      );
    }
  }

  #operation(key: number): SetOperation {
    this.#writes[key] = (((this.#writes[key] ?? 0) & ~REMOVED) >>> 0) + 1;
    this.changed.add(key);
    return { key: String(key), value: this.#expected(key) ?? Buffer.alloc(0) };
  }

  /** Undefined: it was removed. */
  #expected(key: number): Buffer | undefined {
    const writes = this.#writes[key] ?? 0;
    if ((writes & REMOVED) !== 0) return undefined;
    return Buffer.alloc(this.#sizes.valueBytes, `${this.#worker}.${key}.${writes} `);
  }
}

/** A call at a time, to one store by a session of its own. */
class Probe {
  readonly #store: Store;
  #isOver = false;
  #last = performance.now();
  #longest = 0;
  readonly #ended: Promise<void>;

  constructor(client: Cluster, worker: number) {
    this.#store = storeOf(client.session({ replay: true }), worker);
    this.#ended = this.#run();
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      await this.#store.set('probe', String(turn));
      const now = performance.now();
      this.#longest = Math.max(this.#longest, now - this.#last);
      this.#last = now;
    }
  }

  /** The longest time without an answer since this was asked, up to now; ms. */
  takeLongest(): number {
    const longest = Math.max(this.#longest, performance.now() - this.#last);
    this.#longest = 0;
    return longest;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
  }
}

/** What a kill did, ms. */
export interface KillResult {
  readonly victim: number;
  /** Of those that were not killed, the longest time without an answer: before the kill, and from it on until the victim served again. */
  readonly usualMs: number;
  readonly gapMs: number;
  /** Until the victim served again. */
  readonly restartMs: number;
}

export interface StoreKills {
  /** Every key is written, and committed. */
  fill(): Promise<void>;
  /** One store is killed under load; then all hold exactly what was written, and more keys that did not change are looked at. */
  kill(victim: number): Promise<KillResult>;
  /** Every key of every store is as it was written. */
  allAreExact(): Promise<void>;
}

export async function storeKills(place: Place, sizes: Sizes): Promise<StoreKills> {
  const client = await clientOf(place);
  const watcher = await clientOf(place);
  const session = client.session({ replay: true });
  const stores = Array.from({ length: sizes.workers }, (_, id) => new Recorded(storeOf(session, id), id, sizes));
  const random = createRandom(1);

  return {
    async fill() {
      await Promise.all(stores.map((store) => inBatches(sizes, rowOf(sizes.keys), (keys) => store.write(keys))));
      await session.commit();
      for (const store of stores) store.changed.clear();
    },
    async kill(victim) {
      const probes = stores.flatMap((_, id) => (id === victim ? [] : [new Probe(watcher, id)]));
      const load = underLoad(stores, sizes, random);
      await load.batches(2 * sizes.batchesInFlight);
      const usualMs = longestOf(probes);
      const began = performance.now();
      place.kill(`store-${victim}`);
      await storeOf(watcher.session({ replay: true }), victim).get('probe');
      const restartMs = performance.now() - began;
      const gapMs = longestOf(probes);
      await load.end();
      await Promise.all(probes.map((probe) => probe.end()));
      await session.commit();
      for (const store of stores) {
        const others = Array.from({ length: sizes.batchKeys }, () => random.int(0, sizes.keys - 1));
        await inBatches(sizes, [...store.changed, ...others], (keys) => store.isExact(keys));
        store.changed.clear();
      }
      return { victim, usualMs, gapMs, restartMs };
    },
    async allAreExact() {
      await Promise.all(stores.map((store) => inBatches(sizes, rowOf(sizes.keys), (keys) => store.isExact(keys))));
    },
  };
}

/** Writes and removals at random in all stores, so many batches of each in flight, until it is ended. */
function underLoad(stores: readonly Recorded[], { keys, batchKeys, batchesInFlight }: Sizes, random: Random) {
  let [isOver, done] = [false, 0];
  let tell = (): void => undefined;
  const loops = stores.flatMap((store) =>
    Array.from({ length: batchesInFlight }, async () => {
      while (!isOver) {
        const some = Array.from({ length: batchKeys }, () => random.int(0, keys - 1));
        const removed = some.splice(0, Math.ceil(batchKeys / 10));
        await Promise.all([store.write(some), store.remove(removed)]);
        done++;
        tell();
      }
    }),
  );
  return {
    /** Resolves when so many batches are done. */
    batches: (count: number) =>
      new Promise<void>((resolve) => {
        tell = () => done >= count && resolve();
      }),
    async end() {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

function longestOf(probes: readonly Probe[]): number {
  return Math.max(...probes.map((probe) => probe.takeLongest()));
}

function rowOf(keys: number): number[] {
  return Array.from({ length: keys }, (_, key) => key);
}

async function inBatches(
  { batchKeys, batchesInFlight }: Sizes,
  keys: readonly number[],
  work: (keys: readonly number[]) => Promise<void>,
): Promise<void> {
  let at = 0;
  const worker = async (): Promise<void> => {
    while (at < keys.length) {
      const some = keys.slice(at, at + batchKeys);
      at += batchKeys;
      await work(some);
    }
  };
  await Promise.all(Array.from({ length: batchesInFlight }, worker));
}
