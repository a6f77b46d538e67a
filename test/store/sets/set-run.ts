/** A store's sets beside plain ones, under random operations, seals, rollbacks, and restarts from what was written. */
import { createStore } from '@dpr/store';
import type { Engine, Keyspace } from '@dpr/store/engine';
import { readStatus, type SET_KINDS, SET_RULES, STATUS } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../simulation/random.ts';
import { apply, remove, set } from '../calls.ts';
import { audit } from '../collections/audit.ts';
import { NODE_BYTES, type Reached, type Run, runSeeds } from '../collections/versions.ts';
import { flagsOf, integerOf, itemsOf, operation, pageOf, type Parts } from './set-calls.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e'];
/** One that holds a string, at times. */
const STRING = 'string';
const MEMBERS = 1_000;
const OPTIONS = { seed: [5, 6], maxBytes: 2 ** 28, tableBits: 2 } as const;

type Sets = ReadonlyMap<string, ReadonlySet<string>>;
type Rule = keyof typeof SET_RULES;

function combined(rule: Rule, sets: readonly ReadonlySet<string>[]): Set<string> {
  const [first = new Set(), ...others] = sets;
  if (rule === 'all') return new Set(sets.flatMap((one) => [...one]));
  return new Set(
    [...first].filter((one) =>
      rule === 'common' ? others.every((set) => set.has(one)) : !others.some((set) => set.has(one)),
    ),
  );
}

class SetRun implements Run {
  readonly #random: Random;
  #store = createStore({ ...OPTIONS, nodeBytes: NODE_BYTES });
  #sets = new Map<string, Set<string>>();
  #hasString = false;
  #version = 0;
  #committed = 0;
  /** What each version wrote, and what there was then. */
  readonly #sealed: { version: number; chunks: Uint8Array[]; sets: Sets; hasString: boolean }[] = [];
  readonly reached: Reached = { height: 0, doomed: 0, rollbacks: 0, restarts: 0 };

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#store.load().end(0);
    this.#seal();
  }

  get #keyspace(): Keyspace {
    return (this.#store as unknown as Engine).keyspace;
  }

  #one(kind: keyof typeof SET_KINDS, key: string, parts: Parts) {
    return apply(this.#store, [operation(kind, key, parts)]);
  }

  #set(key: string): Set<string> {
    return this.#sets.get(key) ?? new Set();
  }

  #put(key: string, members: Set<string>): void {
    if (members.size === 0) this.#sets.delete(key);
    else this.#sets.set(key, members);
  }

  #member(): string {
    const random = this.#random;
    const text = String(random.int(0, MEMBERS));
    return random.chance(0.1) ? text.padEnd(random.pick([30, 100, 254, 255, 400]), '.') : text;
  }

  #members(): string[] {
    return Array.from({ length: this.#random.pick([1, 1, 2, 5, 300]) }, () => this.#member());
  }

  step(): void {
    const chance = this.#random.next();
    const key = this.#random.pick(KEYS);
    if (chance < 0.35) this.#add(key);
    else if (chance < 0.5) this.#remove(key);
    else if (chance < 0.55) this.#move(key, this.#random.pick(KEYS));
    else if (chance < 0.62) this.#pick('setPop', key);
    else if (chance < 0.66) this.#pick('setRandom', key);
    else if (chance < 0.78) this.#combine(key);
    else if (chance < 0.82) this.#scan(key);
    else if (chance < 0.85) this.#string();
    else if (chance < 0.87) this.#delete(key);
    else if (chance < 0.95) this.#seal();
    else if (chance < 0.97) this.#commit();
    else if (chance < 0.99) this.#rollBack();
    else this.#restart();
    this.#check(key);
  }

  #add(key: string): void {
    const items = this.#members();
    const before = this.#set(key);
    const after = new Set([...before, ...items]);
    assert.equal(integerOf(this.#one('setAdd', key, { items }), 0), after.size - before.size);
    this.#put(key, after);
  }

  #remove(key: string): void {
    const items = this.#members();
    const before = this.#set(key);
    const after = new Set([...before].filter((one) => !items.includes(one)));
    assert.equal(integerOf(this.#one('setRemove', key, { items }), 0), before.size - after.size);
    this.#put(key, after);
  }

  #move(key: string, other: string): void {
    const [any = this.#member()] = this.#set(key);
    const member = this.#random.pick([any, this.#member()]);
    const isThere = this.#set(key).has(member);
    assert.equal(integerOf(this.#one('setMove', key, { items: [other, member] }), 0), isThere ? 1 : 0);
    if (!isThere || key === other) return;
    const left = this.#set(key);
    left.delete(member);
    this.#put(key, left);
    this.#put(other, new Set([...this.#set(other), member]));
  }

  #pick(kind: 'setPop' | 'setRandom', key: string): void {
    const { size } = this.#set(key);
    const count = this.#random.pick([0, 1, 2, 20, Math.max(0, size - 1), size, 500]);
    const isRepeated = kind === 'setRandom' && this.#random.chance(0.5);
    const numbers = [isRepeated ? -count : count, this.#random.int(0, 2 ** 32 - 1)];
    const picked = itemsOf(this.#one(kind, key, { numbers }), 0);
    assert.ok(picked.every((one) => this.#set(key).has(one)));
    assert.equal(picked.length, isRepeated ? (size === 0 ? 0 : count) : Math.min(count, size));
    if (isRepeated) return;
    assert.equal(new Set(picked).size, picked.length);
    if (kind === 'setPop') this.#put(key, new Set([...this.#set(key)].filter((one) => !picked.includes(one))));
  }

  #combine(key: string): void {
    const items = Array.from({ length: this.#random.int(1, 4) }, () => this.#random.pick([...KEYS, STRING]));
    const rule = this.#random.pick(['common', 'all', 'first'] as const);
    const expected = combined(
      rule,
      items.map((one) => this.#set(one)),
    );
    const isWrong = this.#hasString && items.includes(STRING);
    const listed = this.#one('setCombine', '', { options: SET_RULES[rule], items });
    if (isWrong) assert.equal(readStatus(listed, 0), STATUS.wrongType);
    else assert.deepEqual(itemsOf(listed, 0).sort(), [...expected].sort());
    const most = this.#random.pick([0, 1, 3]);
    const counted = this.#one('setCount', '', { numbers: [most], items });
    const common = combined(
      'common',
      items.map((one) => this.#set(one)),
    ).size;
    if (isWrong) assert.equal(readStatus(counted, 0), STATUS.wrongType);
    else assert.equal(integerOf(counted, 0), most === 0 ? common : Math.min(common, most));
    const stored = this.#one('setStore', key, { options: SET_RULES[rule], items });
    if (isWrong) assert.equal(readStatus(stored, 0), STATUS.wrongType);
    else {
      assert.equal(integerOf(stored, 0), expected.size);
      this.#put(key, expected);
    }
  }

  #scan(key: string): void {
    const found: string[] = [];
    let position = 0;
    do {
      const page = pageOf(this.#one('setScan', key, { pattern: '*', numbers: [position, this.#random.int(1, 30)] }), 0);
      found.push(...page.members);
      assert.ok(page.next === 0 || page.next > position);
      position = page.next;
    } while (position !== 0);
    assert.deepEqual(found.sort(), [...this.#set(key)].sort());
  }

  #string(): void {
    apply(this.#store, [this.#hasString ? remove(STRING) : set(STRING, 'text')]);
    this.#hasString = !this.#hasString;
  }

  #delete(key: string): void {
    apply(this.#store, [remove(key)]);
    this.#sets.delete(key);
    if (this.#keyspace.progress.doomed > 0) this.reached.doomed++;
  }

  #check(key: string): void {
    const members = [...this.#set(key)];
    const items = [...members.slice(0, 3), this.#member()];
    const results = apply(this.#store, [operation('setAll', key, {}), operation('setHas', key, { items })]);
    assert.deepEqual(itemsOf(results, 0).sort(), members.sort());
    assert.deepEqual(
      flagsOf(results, 1),
      items.map((one) => this.#set(key).has(one)),
    );
    if (!this.#random.chance(0.05)) return;
    this.reached.height = Math.max(this.reached.height, audit(this.#keyspace, NODE_BYTES).height);
  }

  #copy(): Map<string, Set<string>> {
    return new Map([...this.#sets].map(([key, members]) => [key, new Set(members)]));
  }

  #seal(): void {
    const changes = this.#store.seal(++this.#version);
    const chunks: Uint8Array[] = [];
    for (let chunk = changes.next(500); chunk !== undefined; chunk = changes.next(500)) chunks.push(chunk);
    this.#sealed.push({ version: this.#version, chunks, sets: this.#copy(), hasString: this.#hasString });
  }

  #commit(): void {
    this.#store.committed(this.#version);
    while (this.#store.release(100));
    this.#committed = this.#version;
  }

  #goTo(version: number): void {
    while ((this.#sealed.at(-1)?.version ?? 0) > version) this.#sealed.pop();
    const { sets = new Map<string, Set<string>>(), hasString = false } = this.#sealed.at(-1) ?? {};
    this.#version = version;
    this.#sets = new Map([...sets].map(([key, members]) => [key, new Set(members)]));
    this.#hasString = hasString;
    for (const key of KEYS) this.#check(key);
  }

  #rollBack(): void {
    const { version } = this.#random.pick(this.#sealed.filter((one) => one.version >= this.#committed).slice(-4));
    this.#store.rollback(version);
    this.reached.rollbacks++;
    this.#goTo(version);
  }

  #restart(): void {
    const loader = this.#store.load();
    for (const { chunks } of this.#sealed) for (const chunk of chunks) loader.take(chunk);
    loader.end(this.#version);
    this.#committed = this.#version;
    this.reached.restarts++;
    this.#goTo(this.#sealed.at(-1)?.version ?? 0);
  }

  /** All sets are removed, and with time all of their pages. */
  finish(): void {
    for (const key of [...KEYS, STRING]) this.#delete(key);
    for (let batches = 0; this.#keyspace.progress.doomed > 0; batches++) {
      assert.ok(batches < 1_000);
      this.#delete('a');
    }
    assert.deepEqual(audit(this.#keyspace, NODE_BYTES), { pages: 0, doomed: 0, height: 0 });
  }
}

/** So many seeds, of which the runs together do everything that a store may do to a set. */
export function assertLikePlainSets(seeds: number, steps: number): void {
  const reached = runSeeds(seeds, steps, (seed) => new SetRun(seed));
  const { height, doomed, rollbacks, restarts } = reached;
  assert.ok(height >= 3 && doomed > 0 && rollbacks > 3 && restarts > 2, JSON.stringify(reached));
}
