/** An engine beside plain maps, under random writes of values and of hashes with pages, seals, commits, rollbacks, sweeps of the base, and restarts from what was written. */
import { createEngine, type Engine, MAX_REVISION } from '@dpr/store/engine';
import type { SealedChanges } from '@dpr/runtime';
import assert from 'node:assert/strict';
import { CLASSES, classUnits, UNIT_BYTES } from '../../../services/store/engine/size-classes.ts';
import { TORN_PAGES } from '../../../services/store/collections/teardown.ts';
import { MIN_NODE_BYTES } from '../../../services/store/collections/tree.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { audit } from '../collections/audit.ts';
import { driver, OPTIONS } from './driver.ts';
import { type Fields, HashDriver } from './hash-driver.ts';

const KEYS = Array.from({ length: 60 }, (_, index) => (index === 0 ? '' : `${index}`.padEnd(1 + (index % 7) * 5, '.')));

/** Values that fill blocks of each class, or need a little more. */
const VALUE_BYTES = Array.from({ length: CLASSES - 1 }, (_, index) => classUnits(index + 1) * UNIT_BYTES)
  .flatMap((bytes) => [bytes - 24, bytes - 20, bytes - 17, bytes - 16])
  .filter((bytes) => bytes >= 0);

/** Keys that hold hashes, mostly. */
const HASHES = ['hash 1', 'hash 2', 'hash 3'];
/** In nodes as small as they may be, so that a hash has several levels. */
const NODE_BYTES = MIN_NODE_BYTES;

type Entry = { readonly value: string | Fields; readonly deadline: number };
type Contents = Map<string, Entry>;
/** What a version wrote: the chunks of its section so far, and the changes that are still to come. */
type Section = {
  readonly version: number;
  readonly since: number;
  readonly chunks: Uint8Array[];
  changes?: SealedChanges;
};
type Sweep = { position: number | undefined; began: number; since: number };
type Sealed = { readonly contents: Contents; readonly clock: number; readonly revision: number; readonly sweep: Sweep };

export type Tally = {
  writes: number;
  seals: number;
  rollbacks: number;
  restarts: number;
  sweeps: number;
  reaped: number;
  /** Hashes with pages that were removed or replaced, or whose time was over; the most pages that there were. */
  doomed: number;
  pages: number;
};

export const NO_TALLY: Tally = {
  writes: 0,
  seals: 0,
  rollbacks: 0,
  restarts: 0,
  sweeps: 0,
  reaped: 0,
  doomed: 0,
  pages: 0,
};

export class ModelRun {
  readonly tally: Tally = { ...NO_TALLY };
  readonly #random: Random;
  readonly #sizes: readonly number[];
  readonly #hashes = new HashDriver(NODE_BYTES);
  #tried = driver();
  #contents: Contents = new Map();
  #clock = 0;
  #sealed = new Map<number, Sealed>();
  #sections: Section[] = [];
  #openChunks: Uint8Array[] = [];
  #sweep: Sweep = { position: 0, began: 1, since: 1 };
  #version = 0;
  #committed = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    const most = this.#random.pick([40, 40, 150, 300, VALUE_BYTES.length]);
    this.#sizes = VALUE_BYTES.slice(0, most);
    this.#remember();
  }

  get #engine(): Engine {
    return this.#tried.engine;
  }

  step(): void {
    const chance = this.#random.next();
    if (chance < 0.3) this.#set(this.#random.pick(KEYS));
    else if (chance < 0.4) this.#remove(this.#random.pick(KEYS));
    else if (chance < 0.65) this.#changeHash();
    else if (chance < 0.66) this.#expireHash();
    else if (chance < 0.67) this.#remove(this.#random.pick(HASHES));
    else if (chance < 0.68) this.#set(this.#random.pick(HASHES));
    else if (chance < 0.7) this.#tearDown();
    else if (chance < 0.78) this.#advance();
    else if (chance < 0.86) this.#slice();
    else if (chance < 0.92) this.#seal();
    else if (chance < 0.95) this.#encode(this.#random.int(1, 3));
    else if (chance < 0.97) this.#commit();
    else if (chance < 0.985) this.#engine.release(this.#random.int(1, 40));
    else if (chance < 0.997) this.#rollback();
    else this.#restart();
    const key = this.#random.pick(KEYS);
    assert.equal(this.#tried.get(key), this.#visible(key));
  }

  #changeHash(): void {
    const key = this.#random.pick(HASHES);
    const before = this.#visible(key);
    if (typeof before === 'string') {
      this.#remove(key);
      return;
    }
    const deadline = this.#contents.get(key)?.deadline ?? 0;
    const isThere = before !== undefined;
    this.#tried.has(key);
    const value = this.#hashes.change(this.#engine.keyspace, this.#random, before ?? new Map());
    if (value.size === 0) this.#contents.delete(key);
    else this.#contents.set(key, { value, deadline: isThere ? deadline : 0 });
    this.tally.writes++;
  }

  #expireHash(): void {
    const key = this.#random.pick(HASHES);
    const value = this.#visible(key);
    if (value === undefined) return;
    const deadline = this.#clock + this.#random.int(1, 60);
    this.#tried.expire(key, deadline);
    this.#contents.set(key, { value, deadline });
  }

  #tearDown(): void {
    this.tally.doomed += this.#engine.keyspace.progress.doomed;
    this.#hashes.teardown.work(this.#engine.keyspace, TORN_PAGES);
  }

  #visible(key: string): string | Fields | undefined {
    const entry = this.#contents.get(key);
    return entry === undefined || (entry.deadline > 0 && entry.deadline <= this.#clock) ? undefined : entry.value;
  }

  #set(key: string): void {
    const bytes = this.#random.pick(this.#sizes);
    const value = String.fromCharCode(this.#random.int(32, 126)).repeat(bytes);
    const deadline = this.#random.chance(0.2) ? this.#clock + this.#random.int(-5, 100) : 0;
    assert.ok(this.#tried.set(key, value, Math.max(0, deadline)));
    this.#contents.set(key, { value, deadline: Math.max(0, deadline) });
    if (this.#visible(key) !== undefined)
      assert.equal(this.#tried.revision(key), this.#engine.keyspace.progress.revision - 1);
    this.tally.writes++;
  }

  #remove(key: string): void {
    assert.equal(this.#tried.remove(key), this.#visible(key) !== undefined);
    if (this.#visible(key) !== undefined) this.#contents.delete(key);
    this.tally.writes++;
  }

  /** Sometimes to an earlier time, which changes nothing. */
  #advance(): void {
    const now = this.#clock + this.#random.int(-20, 30);
    this.#tried.advance(now);
    this.#clock = Math.max(this.#clock, now);
  }

  #slice(): void {
    const { position } = this.#sweep;
    if (position === undefined) {
      if (this.#random.chance(0.3)) this.#sweep = { ...this.#sweep, position: 0, began: this.#version + 1 };
      return;
    }
    const { bytes, next } = this.#engine.base(position, this.#random.pick([1, 100, 3_000, 100_000]));
    this.#openChunks.push(bytes);
    const { began, since } = this.#sweep;
    this.#sweep = next === undefined ? { position: next, began, since: began } : { position: next, began, since };
    if (next === undefined) this.tally.sweeps++;
  }

  #seal(): void {
    this.#version += this.#random.int(1, 3);
    const changes = this.#engine.seal(this.#version);
    this.#sections.push({ version: this.#version, since: this.#sweep.since, chunks: this.#openChunks, changes });
    this.#openChunks = [];
    this.#remember();
    this.tally.seals++;
  }

  #remember(): void {
    const { revision, clock } = this.#engine.keyspace.progress;
    assert.equal(clock, this.#clock);
    const sealed = { contents: new Map(this.#contents), clock, revision, sweep: { ...this.#sweep } };
    this.#sealed.set(this.#version, sealed);
  }

  /** Read changes of the oldest versions, in some chunks. */
  #encode(count: number): void {
    for (let left = count; left > 0; left--) {
      const section = this.#sections.find(({ changes }) => changes !== undefined);
      const chunk = section?.changes?.next(this.#random.pick([1, 200, 5_000, 1_000_000]));
      if (chunk !== undefined) section?.chunks.push(chunk);
      else delete section?.changes;
    }
  }

  #commit(): void {
    const written = this.#sections.filter(({ version, changes }) => changes === undefined && version > this.#committed);
    if (written.length === 0) return;
    const { version, since } = this.#random.pick(written);
    const before = this.#sections.filter((section) => section.version <= version);
    if (before.some(({ changes }) => changes !== undefined)) return;
    this.#committed = version;
    this.#engine.committed(version);
    this.#sections = this.#sections.filter((section) => section.version >= since);
    for (const sealed of this.#sealed.keys()) if (sealed < version) this.#sealed.delete(sealed);
  }

  #goTo(version: number): void {
    const sealed = this.#sealed.get(version);
    assert.ok(sealed !== undefined);
    this.#version = version;
    this.#contents = new Map(sealed.contents);
    this.#clock = sealed.clock;
    this.#sweep = { ...sealed.sweep };
    this.#openChunks = [];
    this.#sections = this.#sections.filter((section) => section.version <= version);
    for (const later of this.#sealed.keys()) if (later > version) this.#sealed.delete(later);
    assert.equal(this.#engine.keyspace.progress.revision, sealed.revision);
    assert.equal(this.#engine.keyspace.progress.clock, sealed.clock);
    this.checkContents();
  }

  #rollback(): void {
    const target = this.#random.pick([...this.#sealed.keys()]);
    this.#engine.rollback(target);
    this.#goTo(target);
    const isWritten = !this.#sections.some(({ changes }) => changes !== undefined);
    if (isWritten) assert.deepEqual(this.#tried.dump(), driver(this.#loaded(target)).dump(), 'the disk has the same');
    this.tally.rollbacks++;
  }

  #restart(): void {
    const written = this.#sections.filter(
      ({ changes, version }) => changes === undefined && version >= this.#committed,
    );
    const first = this.#sections.find(({ changes }) => changes !== undefined)?.version ?? Infinity;
    const targets = written.map(({ version }) => version).filter((version) => version < first);
    if (targets.length === 0) return;
    const target = this.#random.pick(targets);
    this.#tried = driver(this.#loaded(target));
    for (const sealed of this.#sealed.keys()) if (sealed < target) this.#sealed.delete(sealed);
    this.#committed = target;
    this.#goTo(target);
    assert.equal(this.#engine.undoBytes(), 0);
    // Positions mean nothing to another process: a sweep begins anew.
    this.#sweep = { position: undefined, began: 0, since: this.#sweep.since };
    this.tally.restarts++;
  }

  /** Another engine, perhaps with another number of tables, with what was written of a version. */
  #loaded(version: number): Engine {
    const engine = createEngine(this.#random.chance(0.5) ? OPTIONS : { ...OPTIONS, tableBits: 1 });
    const since = this.#sections.find((section) => section.version === version)?.since ?? Infinity;
    const loader = engine.load();
    for (const section of this.#sections) {
      if (section.version < since || section.version > version) continue;
      for (const chunk of section.chunks) loader.take(chunk);
    }
    loader.end(version);
    return engine;
  }

  checkContents(): void {
    const { keyspace } = this.#engine;
    for (const key of [...KEYS, ...HASHES]) {
      const value = this.#visible(key);
      if (value instanceof Map) {
        assert.ok(this.#tried.has(key));
        assert.deepEqual(this.#hashes.fields(keyspace), value);
      } else assert.equal(this.#tried.get(key), value, key);
      const entry = this.#contents.get(key);
      if (this.#visible(key) !== undefined) assert.equal(keyspace.deadline, entry?.deadline);
    }
    const { pages } = audit(keyspace, NODE_BYTES);
    this.tally.pages = Math.max(this.tally.pages, pages);
  }

  /** All is committed and removed: the memory is as at first. */
  finish(): void {
    this.checkContents();
    for (const key of [...KEYS, ...HASHES]) this.#tried.remove(key);
    this.#tried.advance(this.#clock + 1_000);
    for (let round = 0; round < 3 || this.#engine.keyspace.progress.doomed > 0; round++) {
      assert.ok(round < 100, 'collections that were removed come to an end');
      this.#tearDown();
      while (this.#engine.seal(++this.#version).next(100_000) !== undefined);
      this.#tried.settle(this.#version);
    }
    const { keyspace } = this.#engine;
    assert.equal(this.#engine.undoBytes(), 0);
    assert.equal(keyspace.keys, 0);
    assert.equal(keyspace.deadlines, 0);
    assert.equal(this.#engine.baseBytes(), 0);
    assert.equal(audit(keyspace, NODE_BYTES).pages, 0);
    assert.equal(keyspace.records.arena.usedBytes, 0);
    assert.ok(keyspace.index.slotBytes <= createEngine(OPTIONS).keyspace.index.slotBytes);
    this.tally.reaped += keyspace.reaped.keys;
    assert.ok(keyspace.progress.revision < MAX_REVISION);
  }
}
