/** Sorted sets beside plain maps; their limits; and what is none of their operations. */
import { MalformedOperations } from '@dpr/runtime';
import { createStore } from '@dpr/store';
import {
  ADD_OPTIONS,
  COMBINE,
  decodeResults,
  END_POSITION,
  FROM_LAST,
  MAX_BYTES_AT_ONCE,
  MAX_ELEMENTS_AT_ONCE,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  SORTED_SET_KINDS,
} from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { BOUND, BY } from '../../../services/store/sorted-sets/sorted-range.ts';
import { OPTIONS } from '../engine/driver.ts';
import {
  asking,
  calls,
  entriesValue,
  fill,
  itemsValue,
  operation,
  rangeValue,
  read,
  short,
  type SourceSpec,
  sourcesValue,
} from './sorted-set-calls.ts';
import { assertLikePlainMaps } from './sorted-set-run.ts';

const KINDS = SORTED_SET_KINDS;

describe('sorted sets of a store', () => {
  it('are as plain maps, whatever is done with them, and after rollbacks and restarts', () => {
    assertLikePlainMaps(3, 300);
  });

  it('have the longest keys and members in every operation, and numbers up to their limits', () => {
    const ask = asking();
    const key = 'k'.repeat(MAX_KEY_BYTES);
    const member = 'm'.repeat(MAX_VALUE_BYTES);
    assert.equal(read.integer(ask(calls.add(key, [[member, Number.MAX_VALUE]]))), 1);
    assert.equal(read.integer(ask(calls.rank(key, member))), 0);
    assert.deepEqual(read.scores(ask(calls.scores(key, [member]))), [Number.MAX_VALUE]);
    assert.equal(read.score(ask(calls.increment(key, member, Number.MAX_VALUE))), Infinity);
    const most = { offset: 0, count: Number.MAX_SAFE_INTEGER };
    const ranks = { by: BY.rank, first: Number.MIN_SAFE_INTEGER, last: Number.MAX_SAFE_INTEGER };
    assert.deepEqual(read.elements(ask(calls.range(key, { ...ranks, ...most }))), [[member, Infinity]]);
    const members = { by: BY.member, first: 'm', last: member };
    assert.equal(read.integer(ask(calls.count(key, members))), 1);
    assert.equal(read.integer(ask(calls.rangeStore('other', key, members))), 1);
    assert.equal(read.integer(ask(calls.combineStore('other', [[key, -Infinity]], 0))), 1);
    assert.deepEqual(read.page(ask(calls.scan('other', END_POSITION - 1, 1))), [0, [[member, -Infinity]]]);
    assert.deepEqual(read.popped(ask(calls.pop(['none', key], Number.MAX_SAFE_INTEGER, true))), [
      key,
      [[member, Infinity]],
    ]);
  });

  it('are combined while no more is read than may be', () => {
    const ask = asking();
    fill(ask, 'key', 1_000);
    fill(ask, 'few', 10);
    const keys = new Array<string>(MAX_ELEMENTS_AT_ONCE / 1_000).fill('key');
    const weighted = (names: readonly string[]) => names.map((name): SourceSpec => [name, 1]);
    for (const how of Object.values(COMBINE)) {
      const left = how === COMBINE.difference ? 0 : 1_000;
      assert.equal(read.integer(ask(calls.combineStore('other', weighted(keys), how))), left);
      assert.equal(read.elements(ask(calls.combine(weighted(keys), how))).length, left);
      assert.equal(read.integer(ask(calls.combineStore('other', weighted(['key', ...keys]), how))), 'tooMuch');
      assert.equal(read.elements(ask(calls.combine(weighted(['key', ...keys]), how))), 'tooMuch');
    }
    assert.equal(read.integer(ask(calls.intersectionCount(keys, 0))), 1_000);
    assert.equal(read.integer(ask(calls.intersectionCount(['key', ...keys], 0))), 'tooMuch');
    // Of what they have in common, only the smallest one is gone through.
    assert.equal(read.integer(ask(calls.intersectionCount(['few', ...keys], 0))), 10);
  });

  it('are combined while the members that are read have no more bytes than they may', () => {
    const ask = asking();
    const megabyte = 2 ** 20;
    ask(calls.add('key', [['m'.repeat(megabyte), 1]]));
    ask(calls.add('tiny', [['t', 1]]));
    const sources = new Array<SourceSpec>(MAX_BYTES_AT_ONCE / megabyte).fill(['key', 1]);
    assert.equal(read.integer(ask(calls.combineStore('other', sources, COMBINE.union))), 1);
    assert.equal(read.integer(ask(calls.combineStore('other', [['tiny', 1], ...sources], COMBINE.union))), 'tooMuch');
    assert.equal(read.integer(ask(calls.count('other', { by: BY.score, first: sources.length, last: Infinity }))), 1);
  });

  it('refuse operations that are none, before anything is changed', () => {
    const store = createStore(OPTIONS);
    const first = calls.add('key', [['a', 1]]);
    const member = 'm'.repeat(MAX_VALUE_BYTES + 1);
    const ranks = { by: BY.rank, first: 0, last: 1 };
    const scores = { by: BY.score, first: 0, last: 1 };
    const members = { by: BY.member, first: 'a', last: 'b' };
    const ranges = [
      { ...ranks, first: 0.5 },
      { ...ranks, last: NaN },
      { ...ranks, lower: BOUND.beyond },
      { ...ranks, offset: 0.5 },
      { ...ranks, count: Infinity },
      { ...ranks, by: 3 },
      { ...scores, first: NaN },
      { ...scores, upper: BOUND.highest },
      { ...members, lower: 4 },
    ].map(rangeValue);
    const reversed = Buffer.from(rangeValue(ranks));
    reversed[1] = 2;
    ranges.push(reversed, rangeValue(ranks).subarray(0, -1), Buffer.concat([rangeValue(members), Buffer.alloc(1)]));
    ranges.push(rangeValue(members).subarray(0, -1), Buffer.alloc(0));
    const ofKey = (value: Buffer): Buffer => Buffer.concat([short(1), Buffer.from('a'), value]);
    const bad = [
      operation(KINDS.add, 0, 'key', Buffer.alloc(0)),
      operation(KINDS.add, ADD_OPTIONS.countChanged << 1, 'key', entriesValue([['a', 1]])),
      operation(KINDS.add, 0, 'key', entriesValue([['a', NaN]])),
      operation(KINDS.add, 0, 'key', entriesValue([['a', 1]]).subarray(0, -1)),
      operation(KINDS.add, 0, 'key', Buffer.concat([entriesValue([['a', 1]]), Buffer.alloc(3)])),
      operation(KINDS.add, 0, 'key', entriesValue([[member, 1]])),
      operation(KINDS.increment, 0, 'key', Buffer.from('a'), [NaN]),
      operation(KINDS.increment, 0, 'key', Buffer.from(member), [1]),
      operation(KINDS.increment, ADD_OPTIONS.countChanged, 'key', Buffer.from('a'), [1]),
      operation(KINDS.remove, 0, 'key', Buffer.alloc(0)),
      operation(KINDS.scores, 0, 'key', itemsValue([member])),
      operation(KINDS.rank, 2, 'key', Buffer.from('a')),
      operation(KINDS.rank, 0, 'key', Buffer.from(member)),
      ...ranges.flatMap((value) => [
        operation(KINDS.count, 0, 'key', value),
        operation(KINDS.range, 0, 'key', value),
        operation(KINDS.removeRange, 0, 'key', value),
        operation(KINDS.rangeStore, 0, 'key', ofKey(value)),
      ]),
      operation(KINDS.rangeStore, 0, 'key', Buffer.alloc(1)),
      operation(KINDS.rangeStore, 0, 'key', Buffer.concat([short(9), rangeValue(ranks).subarray(0, 5)])),
      ...[-1, 0.5, NaN].map((count) => operation(KINDS.pop, 0, 'key', Buffer.alloc(0), [count])),
      operation(KINDS.pop, 0, 'key', itemsValue(['a']).subarray(0, -1), [1]),
      operation(KINDS.pop, 0, 'key', itemsValue(['k'.repeat(MAX_KEY_BYTES + 1)]), [1]),
      operation(KINDS.pop, FROM_LAST << 1, 'key', Buffer.alloc(0), [1]),
      ...[
        [0.5, 0],
        [1, -1],
        [1, 0.5],
        [1, 2 ** 32],
        [1, NaN],
      ].map((numbers) => operation(KINDS.random, 0, 'key', undefined, numbers)),
      ...[
        [-1, 1],
        [END_POSITION, 1],
        [0, 0],
        [0, 0.5],
      ].map((numbers) => operation(KINDS.scan, 0, 'key', Buffer.from('*'), numbers)),
      operation(KINDS.combine, 0, '', Buffer.alloc(0)),
      operation(KINDS.combine, 3, '', sourcesValue([['a', 1]])),
      operation(KINDS.combine, 0, '', sourcesValue([['k'.repeat(MAX_KEY_BYTES + 1), 1]])),
      operation(KINDS.combineStore, 12, 'key', sourcesValue([['a', 1]])),
      operation(KINDS.combineStore, 0, 'key', sourcesValue([['a', NaN]])),
      operation(KINDS.intersectionCount, 0, '', sourcesValue([['a', 1]]), [-1]),
      operation(KINDS.rangeStore + 1, 0, 'key', undefined),
      operation(KINDS.add - 1, 0, 'key', undefined),
    ];
    for (const [index, bytes] of bad.entries()) {
      assert.throws(() => store.apply(Buffer.concat([first, bytes]), 2, 1), MalformedOperations, `${index}`);
    }
    assert.deepEqual(read.elements(decodeResults(store.apply(calls.range('key'), 1, 1), 1)), []);
  });
});
