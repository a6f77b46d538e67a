/** A store's lists beside plain arrays, under random operations, seals, rollbacks and restarts, in nodes so small that trees are deep. */
import type { Results } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../simulation/random.ts';
import { type Reached, type Run, runSeeds, Versions } from '../collections/versions.ts';
import { calls, read } from './list-calls.ts';
import { ListModel, type Lists } from './list-model.ts';

const KEYS = ['a', 'b', 'c'];
/** Lengths of elements: few that are larger than any node. */
const LENGTHS = [0, 1, 2, 3, 5, 8, 13, 21, 40, 70, 254, 255, 1_500];

class ListRun implements Run {
  readonly #random: Random;
  readonly #lengths: readonly number[];
  /** How many different elements there are, about, and how many come at once. */
  readonly #items: number;
  readonly #growth: number;
  readonly #model = new ListModel();
  readonly #versions: Versions<Lists>;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#lengths = LENGTHS.slice(0, this.#random.pick([4, 7, 10, LENGTHS.length]));
    this.#items = this.#random.pick([1, 3, 20, 500]);
    this.#growth = this.#random.pick([5, 60, 300]);
    this.#versions = new Versions<Lists>(this.#random, {
      contents: () => new Map([...this.#model.lists].map(([key, list]) => [key, [...list]])),
      become: (lists) => {
        this.#model.lists.clear();
        for (const [key, list] of lists) this.#model.lists.set(key, [...list]);
      },
      check: () => this.#check(),
    });
  }

  get reached(): Reached {
    return this.#versions.reached;
  }

  step(): void {
    this.#versions.step(() => this.#operate());
    if (this.#random.chance(0.1)) this.#check();
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
    assert.deepEqual(readResult(this.#versions.apply(operation)), expected);
  }

  /** Look at all lists, and at all pages. */
  #check(): void {
    this.#versions.audit();
    for (const key of KEYS) {
      assert.deepEqual(read.items(this.#versions.apply(calls.range(key))), this.#model.lists.get(key) ?? 'absent');
    }
  }

  /** Take everything out: nothing stays behind. */
  finish(): void {
    for (const key of KEYS) this.#same(calls.trim(key, 0, 0), read.nothing, this.#model.trim(key, 0, 0));
    this.#check();
    for (const key of KEYS) this.#same(calls.pop(key, true, 5), read.items, this.#model.pop(key, true, 5));
    this.#versions.finish(calls.range('a'));
  }
}

/** So many seeds, of which the runs together do everything that a store may do to a list. */
export function assertLikePlainArrays(seeds: number, steps: number): void {
  const { height, doomed, rollbacks, restarts } = runSeeds(seeds, steps, (seed) => new ListRun(seed));
  assert.ok(height >= 4 && doomed > 0 && rollbacks > 0 && restarts > 0);
}
