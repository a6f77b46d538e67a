/** A store's sorted sets beside plain maps, under random operations, seals, rollbacks and restarts, in nodes so small that trees are deep. */
import { ADD_OPTIONS, AGGREGATE, COMBINE, OPTIONS as OPERATION_OPTIONS, type Results } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { BOUND, BY } from '../../../services/store/sorted-sets/sorted-range.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { type Reached, type Run, runSeeds, Versions } from '../collections/versions.ts';
import { ALL_RANGE, calls, type Entry, type RangeSpec, read, type SourceSpec } from './sorted-set-calls.ts';
import { compareTexts, SortedSetModel, type SortedSets } from './sorted-set-model.ts';

const KEYS = ['a', 'b', 'c'];
/** All of its scores are equal, so that ranges by member can be told. */
const LEX_KEY = 'lex';
/** Lengths of members: few that are larger than any node. */
const LENGTHS = [1, 2, 3, 5, 8, 13, 21, 40, 70, 254, 255, 1_500];
const SCORES = [-Infinity, -2.5, -1, 0, 0, 1, 1, 2, 3, 100, Infinity];

class SortedSetRun implements Run {
  readonly #random: Random;
  readonly #lengths: readonly number[];
  /** How many different members there are, about, and how many come at once. */
  readonly #members: number;
  readonly #growth: number;
  readonly #model = new SortedSetModel();
  readonly #versions: Versions<SortedSets>;
  /** Kinds of operations that were tried. */
  readonly #kinds: Set<string>;

  /** @param kinds is given those that are tried */
  constructor(seed: number, kinds: Set<string>) {
    this.#kinds = kinds;
    this.#random = createRandom(seed);
    this.#lengths = LENGTHS.slice(0, this.#random.pick([3, 6, 9, LENGTHS.length]));
    this.#members = this.#random.pick([6, 30, 400]);
    this.#growth = this.#random.pick([5, 40, 100]);
    this.#versions = new Versions<SortedSets>(this.#random, {
      contents: () => new Map([...this.#model.sets].map(([key, set]) => [key, new Map(set)])),
      become: (sets) => {
        this.#model.sets.clear();
        for (const [key, set] of sets) this.#model.sets.set(key, new Map(set));
      },
      check: () => this.#check(),
    });
  }

  get reached(): Reached {
    return this.#versions.reached;
  }

  step(): void {
    this.#versions.step(() => this.#operate());
    if (this.#random.chance(0.05)) this.#check();
  }

  #operate(): void {
    const random = this.#random;
    const kind = random.pick([
      ...(['add', 'add', 'add', 'add', 'addLex', 'increment', 'remove', 'scores', 'rank', 'range', 'range'] as const),
      ...(['rangeLex', 'count', 'removeRange', 'pop', 'random', 'scan', 'combine', 'combineStore'] as const),
      ...(['intersectionCount', 'rangeStore', 'copy', 'delete'] as const),
    ]);
    this.#kinds.add(kind);
    this[kind]();
  }

  add(): void {
    const [key, entries] = [this.#key(), this.#entries()];
    const { ifAbsent, ifPresent, ifGreater, ifLess, countChanged } = ADD_OPTIONS;
    const options = this.#random.pick([0, 0, 0, countChanged, ifAbsent, ifPresent, ifGreater, ifLess | countChanged]);
    this.#same(calls.add(key, entries, options), read.integer, this.#model.add(key, entries, options));
  }

  addLex(): void {
    const entries = this.#entries().map(([member]) => [member, 0] as const);
    this.#same(calls.add(LEX_KEY, entries), read.integer, this.#model.add(LEX_KEY, entries, 0));
  }

  increment(): void {
    const [key, member, amount] = [this.#key(), this.#member(), this.#random.pick(SCORES)];
    const options = this.#random.pick([0, 0, ADD_OPTIONS.ifPresent, ADD_OPTIONS.ifAbsent, ADD_OPTIONS.ifGreater]);
    const expected = this.#model.increment(key, member, amount, options);
    this.#same(calls.increment(key, member, amount, options), read.score, expected);
  }

  remove(): void {
    const key = this.#random.chance(0.2) ? LEX_KEY : this.#key();
    const members = Array.from({ length: this.#random.int(1, 8) }, () => this.#known(key));
    this.#same(calls.remove(key, members), read.integer, this.#model.remove(key, members));
  }

  scores(): void {
    const key = this.#key();
    const members = [this.#known(key), this.#member(), this.#known(key)];
    this.#same(calls.scores(key, members), read.scores, this.#model.scores(key, members));
  }

  rank(): void {
    const [key, isFromLast] = [this.#key(), this.#random.chance(0.5)];
    const member = this.#known(key);
    this.#same(calls.rank(key, member, isFromLast), read.integer, this.#model.rank(key, member, isFromLast));
  }

  range(): void {
    const [key, spec] = [this.#key(), this.#limited(this.#numberRange())];
    this.#same(calls.range(key, spec), read.elements, this.#model.range(key, spec));
  }

  rangeLex(): void {
    const spec = this.#limited(this.#memberRange());
    this.#same(calls.range(LEX_KEY, spec), read.elements, this.#model.range(LEX_KEY, spec));
    this.#same(calls.count(LEX_KEY, spec), read.integer, this.#model.range(LEX_KEY, spec).length);
  }

  count(): void {
    const [key, spec] = [this.#key(), this.#numberRange()];
    this.#same(calls.count(key, spec), read.integer, this.#model.range(key, spec).length);
  }

  removeRange(): void {
    const isLex = this.#random.chance(0.2);
    const key = isLex ? LEX_KEY : this.#key();
    const whole = isLex ? this.#memberRange() : this.#numberRange();
    // Mostly of a part, so that sets stay large.
    const spec = this.#random.chance(0.9) ? { ...whole, count: this.#random.int(0, 12) } : whole;
    this.#same(calls.removeRange(key, spec), read.integer, this.#model.removeRange(key, spec));
  }

  pop(): void {
    const keys = [this.#key(), this.#key(), 'none'].slice(this.#random.int(0, 2));
    const [count, isFromLast] = [this.#random.pick([0, 1, 2, 9]), this.#random.chance(0.5)];
    this.#same(calls.pop(keys, count, isFromLast), read.popped, this.#model.pop(keys, count, isFromLast));
  }

  random(): void {
    const [key, count] = [this.#key(), this.#random.pick([0, 1, 3, 50, -1, -20])];
    const all = this.#model.elements(key);
    const found = read.elements(this.#versions.apply(calls.random(key, count, this.#random.int(0, 2 ** 32 - 1))));
    if (typeof found === 'string') {
      assert.ok(found === 'absent' && all.length === 0, found);
      return;
    }
    for (const element of found) assert.ok(all.some((one) => isSame(one, element)));
    const different = new Set(found.map(([member]) => member)).size;
    if (count >= 0) assert.equal(different, Math.min(count, all.length));
    assert.equal(found.length, count >= 0 ? different : -count);
  }

  /** Page by page, each element is met once. */
  scan(): void {
    const key = this.#key();
    const count = this.#random.pick([1, 2, 10, 1_000]);
    const found: Entry[] = [];
    let position = 0;
    do {
      const page = read.page(this.#versions.apply(calls.scan(key, position, count)));
      assert.ok(typeof page !== 'string');
      assert.ok(page[0] === 0 || page[0] > position);
      found.push(...page[1]);
      position = page[0];
    } while (position !== 0);
    const byMember = (a: Entry, b: Entry): number => compareTexts(a[0], b[0]);
    assert.deepEqual(found.sort(byMember), this.#model.elements(key).sort(byMember));
  }

  combine(): void {
    const [sources, options] = this.#combination();
    this.#same(calls.combine(sources, options), read.elements, this.#model.combined(sources, options));
  }

  combineStore(): void {
    const [sources, options] = this.#combination();
    const key = this.#key();
    const expected = this.#model.store(key, this.#model.combined(sources, options));
    this.#same(calls.combineStore(key, sources, options), read.integer, expected);
  }

  intersectionCount(): void {
    const [sources] = this.#combination();
    const limit = this.#random.pick([0, 1, 5]);
    const { length } = this.#model.combined(sources, COMBINE.intersection);
    const keys = sources.map(([key]) => key);
    this.#same(calls.intersectionCount(keys, limit), read.integer, limit === 0 ? length : Math.min(limit, length));
  }

  rangeStore(): void {
    const [key, source, spec] = [this.#key(), this.#key(), this.#limited(this.#numberRange())];
    const expected = this.#model.store(key, this.#model.range(source, spec));
    this.#same(calls.rangeStore(key, source, spec), read.integer, expected);
  }

  copy(): void {
    const [key, other, isMove] = [this.#key(), this.#key(), this.#random.chance(0.3)];
    const options = isMove ? OPERATION_OPTIONS.move : 0;
    this.#same(calls.copy(key, other, options), read.status, this.#model.copy(key, other, isMove));
  }

  delete(): void {
    if (this.#random.chance(0.6)) return;
    const key = this.#key();
    this.#same(calls.delete(key), read.status, this.#model.sets.delete(key) ? 'done' : 'absent');
  }

  #key(): string {
    return this.#random.pick(KEYS);
  }

  /** Of few different beginnings, some of them long. */
  #member(): string {
    const random = this.#random;
    const beginning = random.pick(['', '', '', '\xff', 'y'.repeat(90)]);
    return `${beginning}${random.int(1, this.#members)}`.padEnd(random.pick(this.#lengths), '.');
  }

  /** One that is in the set, mostly. */
  #known(key: string): string {
    const set = this.#model.sets.get(key);
    return set === undefined || this.#random.chance(0.1) ? this.#member() : this.#random.pick([...set.keys()]);
  }

  #entries(): Entry[] {
    const score = (): number =>
      this.#random.chance(0.5) ? this.#random.pick(SCORES) : this.#random.int(-500, 500) / 4;
    return Array.from({ length: this.#random.int(1, this.#growth) }, () => [this.#member(), score()] as const);
  }

  #numberRange(): RangeSpec {
    const random = this.#random;
    const bound = (): number => random.pick([BOUND.within, BOUND.beyond]);
    if (random.chance(0.5)) {
      const ranks = [0, 1, 3, 40, -1, -2, -30, 10_000, -10_000];
      return { by: BY.rank, isReverse: random.chance(0.5), first: random.pick(ranks), last: random.pick(ranks) };
    }
    const score = (): number => random.pick([...SCORES, 7.25, -33]);
    const bounds = { lower: bound(), upper: bound(), first: score(), last: score() };
    return { by: BY.score, isReverse: random.chance(0.5), ...bounds };
  }

  #memberRange(): RangeSpec {
    const random = this.#random;
    const bound = (most: number): number => random.pick([BOUND.within, BOUND.beyond, most, most]);
    const [first, last] = [this.#known(LEX_KEY), this.#known(LEX_KEY)].sort(compareTexts);
    const bounds = { lower: bound(BOUND.lowest), upper: bound(BOUND.highest), first: first ?? '', last: last ?? '' };
    if (random.chance(0.1)) return { by: BY.member, ...bounds, lower: BOUND.highest, upper: BOUND.lowest };
    return { by: BY.member, isReverse: random.chance(0.5), ...bounds };
  }

  #limited(spec: RangeSpec): RangeSpec {
    if (this.#random.chance(0.5)) return spec;
    return { ...spec, offset: this.#random.pick([0, 1, 5, -1]), count: this.#random.pick([0, 1, 7, -1]) };
  }

  #combination(): [sources: SourceSpec[], options: number] {
    const random = this.#random;
    const sources = Array.from({ length: random.int(1, 3) }, (): SourceSpec => {
      return [random.chance(0.1) ? 'none' : random.pick([...KEYS, LEX_KEY]), random.pick([1, 1, 2, 0.5])];
    });
    const how = random.pick(Object.values(COMBINE));
    return [sources, how | random.pick(Object.values(AGGREGATE))];
  }

  #same<T>(operation: Buffer, readResult: (results: Results) => T, expected: T): void {
    assert.deepEqual(readResult(this.#versions.apply(operation)), expected);
  }

  /** Look at all sets, and at all pages. */
  #check(): void {
    this.#versions.audit();
    for (const key of [...KEYS, LEX_KEY]) {
      const elements = this.#model.elements(key);
      assert.deepEqual(read.elements(this.#versions.apply(calls.range(key, ALL_RANGE))), elements);
      if (elements.length === 0) continue;
      const members = elements.map(([member]) => member);
      assert.deepEqual(
        read.scores(this.#versions.apply(calls.scores(key, members))),
        elements.map(([, score]) => score),
      );
    }
  }

  /** Take everything out: nothing stays behind. */
  finish(): void {
    for (const key of [...KEYS, LEX_KEY]) {
      while (this.#model.sets.has(key)) {
        this.#same(calls.pop([key], 20, true), read.popped, this.#model.pop([key], 20, true));
      }
    }
    this.#check();
    this.#versions.finish(calls.range('a'));
  }
}

function isSame([a, one]: Entry, [b, other]: Entry): boolean {
  return a === b && one === other;
}

/** So many seeds, of which the runs together do everything that a store may do to a sorted set. */
export function assertLikePlainMaps(seeds: number, steps: number): void {
  const kinds = new Set<string>();
  const { height, doomed, rollbacks, restarts } = runSeeds(seeds, steps, (seed) => new SortedSetRun(seed, kinds));
  assert.ok(height >= 4, `${height} levels`);
  assert.ok(rollbacks > 5 && restarts > 2 && doomed > 3, `${rollbacks}, ${restarts}, ${doomed}`);
  assert.equal(kinds.size, 19);
}
