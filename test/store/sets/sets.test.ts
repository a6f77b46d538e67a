import { createStore } from '@dpr/store';
import {
  MAX_COMBINED_MEMBERS,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  readStatus,
  type SET_KINDS,
  SET_RULES,
  STATUS,
} from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { memberOrder } from '../../../services/store/collections/node.ts';
import { apply } from '../calls.ts';
import { viewOf } from '../engine/driver.ts';
import { integerOf, itemsOf, operation, pageOf, type Parts } from './set-calls.ts';
import { assertLikePlainSets } from './set-run.ts';

const OPTIONS = { seed: [3, 4], maxBytes: 2 ** 30, tableBits: 4 } as const;

describe('sets of a store', () => {
  it('are as plain sets, whatever is done to them, taken back and loaded', () => {
    assertLikePlainSets(2, 400);
  });

  it('refuse what is no operation, and change nothing', () => {
    const store = createStore(OPTIONS);
    const good = operation('setAdd', 'k', { items: ['one', 'two'] });
    const bad: readonly (readonly [keyof typeof SET_KINDS, Parts])[] = [
      ['setAdd', { items: [] }],
      ['setAdd', { pattern: 'abc' }],
      ['setAdd', { pattern: '\x04\0\0\0abc' }],
      ['setAdd', { items: ['a'], options: 1 }],
      ['setMove', { items: ['other'] }],
      ['setMove', { items: ['other', 'a', 'b'] }],
      ['setMove', { items: ['o'.repeat(MAX_KEY_BYTES + 1), 'a'] }],
      ['setPop', { numbers: [-1, 0] }],
      ['setPop', { numbers: [0.5, 0] }],
      ['setPop', { numbers: [1, 2 ** 32] }],
      ['setRandom', { numbers: [1, NaN] }],
      ['setScan', { pattern: '*', numbers: [2 ** 32, 1] }],
      ['setScan', { pattern: '*', numbers: [0, 0] }],
      ['setCombine', { items: ['a'] }],
      ['setCombine', { items: ['k'.repeat(MAX_KEY_BYTES + 1)], options: 1 }],
      ['setStore', { items: ['a'], options: 4 }],
      ['setCount', { items: ['a'], numbers: [-1] }],
    ];
    for (const [kind, parts] of bad) {
      const operations = Buffer.concat([good, operation(kind, 'k', parts)]);
      assert.throws(
        () => store.apply(operations, 2, 0),
        { name: 'MalformedOperations' },
        `${kind} ${JSON.stringify(parts).slice(0, 60)}`,
      );
    }
    for (let length = 1; length < good.length; length++) {
      assert.throws(() => store.apply(Buffer.concat([good, good.subarray(0, length)]), 2, 0), {
        name: 'MalformedOperations',
      });
    }
    assert.deepEqual(itemsOf(apply(store, [operation('setAll', 'k', {})]), 0), []);
  });

  it('have members up to their limits, and not beyond', () => {
    const store = createStore(OPTIONS);
    const large = 'm'.repeat(MAX_VALUE_BYTES);
    assert.equal(integerOf(apply(store, [operation('setAdd', 'k'.repeat(MAX_KEY_BYTES), { items: [large] })]), 0), 1);
    const found = itemsOf(apply(store, [operation('setAll', 'k'.repeat(MAX_KEY_BYTES), {})]), 0);
    assert.ok(found.length === 1 && found[0] === large);
    const tooLarge = operation('setAdd', 'k', { items: [`${large}m`] });
    assert.throws(() => apply(store, [tooLarge]), { name: 'MalformedOperations' });
  });

  it('are combined while no more members have to be looked at than may be', () => {
    const store = createStore(OPTIONS);
    const items = Array.from({ length: 1_000 }, (_, index) => String(index));
    apply(store, [operation('setAdd', 'k', { items }), operation('setAdd', 'few', { items: items.slice(0, 10) })]);
    const keys = new Array<string>(MAX_COMBINED_MEMBERS / items.length).fill('k');
    const more = ['k', ...keys];
    const list = (sources: readonly string[], options: number) =>
      apply(store, [operation('setCombine', '', { items: sources, options })]);
    const make = (sources: readonly string[], options: number) =>
      apply(store, [operation('setStore', 'to', { items: sources, options })]);
    const count = (sources: readonly string[]) =>
      apply(store, [operation('setCount', '', { items: sources, numbers: [0] })]);
    assert.equal(itemsOf(list(keys, SET_RULES.all), 0).length, items.length);
    assert.deepEqual(itemsOf(list(keys, SET_RULES.first), 0), []);
    assert.equal(integerOf(count(keys), 0), items.length);
    for (const rule of Object.values(SET_RULES)) {
      assert.equal(readStatus(list(more, rule), 0), STATUS.tooMuch);
      assert.equal(readStatus(make(more, rule), 0), STATUS.tooMuch);
    }
    assert.equal(readStatus(count(more), 0), STATUS.tooMuch);
    // What is looked at is the smallest of the sets, or what there is less of.
    assert.equal(integerOf(count([...keys, 'few']), 0), 10);
    assert.equal(itemsOf(list(['k', ...new Array<string>(5_000).fill('few')], SET_RULES.first), 0).length, 990);
  });

  it('are walked through with members together that have the same order', () => {
    const store = createStore(OPTIONS);
    const byOrder = new Map<number, string>();
    let pair: string[] = [];
    for (let index = 0; pair.length === 0; index++) {
      const bytes = Buffer.from(`member ${index}`);
      const order = memberOrder(viewOf(bytes), 0, bytes.length);
      const other = byOrder.get(order);
      if (other !== undefined) pair = [other, `member ${index}`];
      byOrder.set(order, `member ${index}`);
    }
    apply(store, [operation('setAdd', 'k', { items: [...pair, 'a', 'b', 'c'] })]);
    const pages: string[][] = [];
    let next = 0;
    do {
      const page = pageOf(apply(store, [operation('setScan', 'k', { pattern: '*', numbers: [next, 1] })]), 0);
      pages.push(page.members.sort());
      next = page.next;
    } while (next !== 0);
    assert.equal(pages.length, 4);
    assert.ok(pages.some((page) => page.join() === pair.sort().join()));
  });

  it('have every member picked as often as any other', () => {
    const store = createStore(OPTIONS);
    const items = Array.from({ length: 5 }, (_, index) => String(index));
    apply(store, [operation('setAdd', 'k', { items })]);
    const times = new Map<string, number>();
    for (let seed = 0; seed < 4_000; seed++) {
      const picked = itemsOf(apply(store, [operation('setRandom', 'k', { numbers: [2, seed] })]), 0);
      const pair = picked.sort().join();
      times.set(pair, (times.get(pair) ?? 0) + 1);
    }
    // Of ten pairs, each 400 times, give or take 19; six times that is by chance never.
    assert.equal(times.size, 10);
    for (const [pair, count] of times) assert.ok(Math.abs(count - 400) < 114, `${pair}: ${count} times`);
  });
});
