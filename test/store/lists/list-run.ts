/** A store's lists beside plain arrays, under random operations, seals, rollbacks and restarts, in nodes so small that trees are deep. */
import { createEngine, type Engine } from '@dpr/store/engine';
import { decodeResults, type Results } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { MIN_NODE_BYTES } from '../../../services/store/collections/tree.ts';
import { Executor } from '../../../services/store/executor.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { audit } from '../collections/audit.ts';
import { driver, OPTIONS } from '../engine/driver.ts';
import { calls, read } from './list-calls.ts';
import { ListModel, type Lists } from './list-model.ts';

const KEYS = ['a', 'b', 'c'];
/** Lengths of elements: few that are larger than any node. */
const LENGTHS = [0, 1, 2, 3, 5, 8, 13, 21, 40, 70, 254, 255, 1_500];
const NODE_BYTES = MIN_NODE_BYTES;
const NOW = 1_000;

type Sealed = { readonly lists: Lists; readonly chunks: readonly Uint8Array[]; readonly dump: Buffer };

export type Tally = {
  seals: number;
  rollbacks: number;
  restarts: number;
  doomed: number;
  height: number;
  steps: Map<string, number>;
};

export class ListRun {
  readonly tally: Tally = { seals: 0, rollbacks: 0, restarts: 0, doomed: 0, height: 0, steps: new Map() };
  readonly #random: Random;
  readonly #lengths: readonly number[];
  /** How many different elements there are, about, and how many come at once. */
  readonly #items: number;
  readonly #growth: number;
  readonly #model = new ListModel();
  #engine: Engine = createEngine(OPTIONS);
  readonly #executor = new Executor(() => this.#engine.keyspace, NODE_BYTES);
  #version = 0;
  /** What each version that may be gone back to is, by its number: all before it is in its chunks too. */
  readonly #sealed = new Map<number, Sealed>();
  #chunks: readonly Uint8Array[] = [];

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#lengths = LENGTHS.slice(0, this.#random.pick([4, 7, 10, LENGTHS.length]));
    this.#items = this.#random.pick([1, 3, 20, 500]);
    this.#growth = this.#random.pick([5, 60, 300]);
    this.#engine.load().end(0);
    this.#remember();
  }

  step(): void {
    const { random } = { random: this.#random };
    const chance = random.next();
    if (chance < 0.05) this.#seal();
    else if (chance < 0.07) this.#rollback();
    else if (chance < 0.08) this.#restart();
    else this.#operate();
    if (random.chance(0.1)) this.check();
  }

  #operate(): void {
    const random = this.#random;
    const [key, other] = [random.pick(KEYS), random.pick(KEYS)];
    const [isAtFirst, isToFirst] = [random.chance(0.5), random.chance(0.5)];
    const item = this.#item();
    const count = random.pick([0, 1, 1, 2, 7, 50]);
    const [first, last] = [this.#place(key), this.#place(key)];
    const model = this.#model;
    const kind = random.pick([
      ...(['push', 'push', 'push', 'push', 'pop', 'popFirst', 'index', 'set', 'set', 'range'] as const),
      ...(['insert', 'insert', 'remove', 'trim', 'positions', 'move', 'move', 'copy', 'delete'] as const),
    ]);
    this.tally.steps.set(kind, (this.tally.steps.get(kind) ?? 0) + 1);
    switch (kind) {
      case 'push': {
        const items = Array.from({ length: random.int(1, this.#growth) }, () => this.#item());
        const mustExist = random.chance(0.1);
        return this.#same(
          calls.push(key, isAtFirst, items, mustExist),
          read.integer,
          model.push(key, isAtFirst, items, mustExist),
        );
      }
      case 'pop':
        return this.#same(calls.pop(key, isAtFirst, count), read.items, model.pop(key, isAtFirst, count));
      case 'popFirst': {
        const keys = [key, other, random.pick(KEYS)].slice(0, random.int(1, 3));
        return this.#same(calls.popFirst(keys, isAtFirst, count), read.items, model.popFirst(keys, isAtFirst, count));
      }
      case 'index':
        return this.#same(calls.index(key, first), read.text, model.index(key, first));
      case 'set':
        return this.#same(calls.set(key, first, item), read.nothing, model.set(key, first, item));
      case 'range':
        return this.#same(calls.range(key, first, last), read.items, model.range(key, first, last));
      case 'insert': {
        const sought = this.#known(key);
        return this.#same(
          calls.insert(key, isToFirst, sought, item),
          read.integer,
          model.insert(key, isToFirst, sought, item),
        );
      }
      case 'remove': {
        const [much, sought] = [isAtFirst ? count : -count || 0, this.#known(key)];
        return this.#same(calls.remove(key, much, sought), read.integer, model.remove(key, much, sought));
      }
      case 'trim': {
        // Mostly of a part, so that lists stay large.
        const [from, to] = random.chance(0.2)
          ? [first, last]
          : [random.pick([0, 1, 5, 60]), -random.pick([1, 2, 6, 60])];
        return this.#same(calls.trim(key, from, to), read.nothing, model.trim(key, from, to));
      }
      case 'positions': {
        const [rank, sought] = [random.pick([1, 2, 5, -1, -2, -5]), this.#known(key)];
        const most = random.pick([0, 0, 1, 30]);
        const expected = model.positions(key, sought, rank, count, most);
        return this.#same(calls.positions(key, sought, rank, count, most), read.places, expected);
      }
      case 'move':
        return this.#same(
          calls.move(key, other, isAtFirst, isToFirst),
          read.text,
          model.move(key, other, isAtFirst, isToFirst),
        );
      case 'copy':
        return this.#same(calls.copy(key, other, isToFirst), read.nothing, model.copy(key, other, isToFirst));
      case 'delete':
        if (random.chance(0.7)) return;
        return this.#same(calls.delete(key), read.nothing, model.delete(key));
    }
  }

  #item(): string {
    const random = this.#random;
    return `${random.int(1, this.#items)}`.padEnd(random.pick(this.#lengths), '.');
  }

  /** One that is in the list, mostly. */
  #known(key: string): string {
    const list = this.#model.lists.get(key);
    return list === undefined || this.#random.chance(0.1) ? this.#item() : this.#random.pick(list);
  }

  #place(key: string): number {
    const length = this.#model.lists.get(key)?.length ?? 0;
    return this.#random.pick([0, -1, this.#random.int(-length - 2, length + 2)]);
  }

  #same<T>(operation: Buffer, readResult: (results: Results) => T, expected: T): void {
    assert.deepEqual(readResult(this.#apply(operation)), expected);
  }

  #apply(operation: Buffer): Results {
    return decodeResults(this.#executor.apply(operation, 1, NOW), 1);
  }

  #seal(): void {
    const changes = this.#engine.seal(++this.#version);
    const chunks: Uint8Array[] = [];
    for (let chunk = changes.next(5_000); chunk !== undefined; chunk = changes.next(5_000)) chunks.push(chunk);
    this.#chunks = [...this.#chunks, ...chunks];
    this.#remember();
    this.tally.seals++;
    if (!this.#random.chance(0.2)) return;
    this.#engine.committed(this.#version);
    while (this.#engine.release(1_000));
    for (const version of this.#sealed.keys()) if (version < this.#version) this.#sealed.delete(version);
  }

  #remember(): void {
    const lists = new Map([...this.#model.lists].map(([key, list]) => [key, [...list]]));
    this.#sealed.set(this.#version, { lists, chunks: this.#chunks, dump: driver(this.#engine).dump() });
  }

  #rollback(): void {
    const version = this.#random.pick([...this.#sealed.keys()]);
    this.#engine.rollback(version);
    this.#goTo(version);
    this.tally.rollbacks++;
  }

  #restart(): void {
    const version = this.#random.pick([...this.#sealed.keys()]);
    const engine = createEngine(OPTIONS);
    const loader = engine.load();
    for (const chunk of this.#sealed.get(version)?.chunks ?? []) loader.take(chunk);
    loader.end(version);
    this.#engine = engine;
    for (const earlier of this.#sealed.keys()) if (earlier < version) this.#sealed.delete(earlier);
    this.#goTo(version);
    this.tally.restarts++;
  }

  #goTo(version: number): void {
    const sealed = this.#sealed.get(version);
    assert.ok(sealed !== undefined);
    assert.deepEqual(driver(this.#engine).dump(), sealed.dump, 'what there was comes back byte for byte');
    this.#version = version;
    this.#chunks = sealed.chunks;
    for (const later of this.#sealed.keys()) if (later > version) this.#sealed.delete(later);
    this.#model.lists.clear();
    for (const [key, list] of sealed.lists) this.#model.lists.set(key, [...list]);
    this.check();
  }

  /** Look at all lists, and at all pages. */
  check(): void {
    const { height, doomed } = audit(this.#engine.keyspace, NODE_BYTES);
    this.tally.height = Math.max(this.tally.height, height);
    this.tally.doomed += doomed;
    for (const key of KEYS) {
      assert.deepEqual(read.items(this.#apply(calls.range(key))), this.#model.lists.get(key) ?? 'absent');
    }
  }

  /** Take everything out: nothing stays behind. */
  finish(): void {
    for (const key of KEYS) this.#same(calls.trim(key, 0, 0), read.nothing, this.#model.trim(key, 0, 0));
    this.check();
    for (const key of KEYS) this.#same(calls.pop(key, true, 5), read.items, this.#model.pop(key, true, 5));
    for (let round = 0; this.#engine.keyspace.progress.doomed > 0; round++) {
      assert.ok(round < 1_000, 'pages that were given up come to an end');
      this.#apply(calls.range('a'));
      this.#engine.seal(++this.#version);
      this.#engine.committed(this.#version);
      while (this.#engine.release(1_000));
    }
    assert.equal(audit(this.#engine.keyspace, NODE_BYTES).pages, 0);
    assert.equal(this.#engine.keyspace.keys, 0);
  }
}

/** So many seeds, of which the runs together do everything that a store may do to a list. */
export function assertLikePlainArrays(seeds: number, steps: number): void {
  let [height, doomed, rollbacks, restarts] = [0, 0, 0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    const run = new ListRun(seed);
    for (let step = 0; step < steps; step++) run.step();
    run.finish();
    height = Math.max(height, run.tally.height);
    doomed += run.tally.doomed;
    rollbacks += run.tally.rollbacks;
    restarts += run.tally.restarts;
  }
  assert.ok(height >= 4 && doomed > 0 && rollbacks > 0 && restarts > 0);
}
