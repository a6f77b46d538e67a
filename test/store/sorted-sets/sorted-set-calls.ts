/** Operations on sorted sets as bytes, and their results; members are texts of one byte for each letter. */
import { createStore } from '@dpr/store';
import {
  decodeResults,
  eachItem,
  FROM_LAST,
  KINDS,
  readStatus,
  type Results,
  SORTED_SET_KINDS,
  STATUS,
  WITH_SCORES,
} from '@dpr/store/operations';
import { OPTIONS } from '../engine/driver.ts';
import assert from 'node:assert/strict';
import { BOUND, BY } from '../../../services/store/sorted-sets/sorted-range.ts';

const SORTED = SORTED_SET_KINDS;

export type Entry = readonly [member: string, score: number];

export type RangeSpec = {
  readonly by: number;
  readonly isReverse?: boolean;
  readonly lower?: number;
  readonly upper?: number;
  readonly first: number | string;
  readonly last: number | string;
  readonly offset?: number;
  readonly count?: number;
};

export type SourceSpec = readonly [key: string, weight: number];

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function latin(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Any operation. @param value undefined: its kind has none */
export function operation(
  kind: number,
  options: number,
  key: string,
  value: Buffer | undefined,
  numbers: readonly number[] = [],
): Buffer {
  const name = latin(key);
  return Buffer.concat([
    Buffer.from([kind, options]),
    short(name.length),
    ...(value === undefined ? [] : [word(value.length)]),
    ...numbers.map(number),
    name,
    ...(value === undefined ? [] : [value]),
  ]);
}

/** Members, or keys. */
export function itemsValue(items: readonly string[]): Buffer {
  return Buffer.concat(items.flatMap((item) => [word(item.length), latin(item)]));
}

export function entriesValue(entries: readonly Entry[]): Buffer {
  return Buffer.concat(entries.flatMap(([member, score]) => [number(score), word(member.length), latin(member)]));
}

export function sourcesValue(sources: readonly SourceSpec[]): Buffer {
  return Buffer.concat(sources.flatMap(([key, weight]) => [number(weight), word(key.length), latin(key)]));
}

export function rangeValue(spec: RangeSpec): Buffer {
  const { by, isReverse = false, lower = BOUND.within, upper = BOUND.within, first, last } = spec;
  const head = [Buffer.from([by, isReverse ? 1 : 0, lower, upper]), number(spec.offset ?? 0), number(spec.count ?? -1)];
  if (by !== BY.member) return Buffer.concat([...head, number(Number(first)), number(Number(last))]);
  const [min, max] = [latin(String(first)), latin(String(last))];
  return Buffer.concat([...head, word(min.length), word(max.length), min, max]);
}

export const ALL_RANGE: RangeSpec = { by: BY.rank, first: 0, last: -1 };

export const calls = {
  add: (key: string, entries: readonly Entry[], options = 0) =>
    operation(SORTED.add, options, key, entriesValue(entries)),
  increment: (key: string, member: string, amount: number, options = 0) =>
    operation(SORTED.increment, options, key, latin(member), [amount]),
  remove: (key: string, members: readonly string[]) => operation(SORTED.remove, 0, key, itemsValue(members)),
  scores: (key: string, members: readonly string[]) => operation(SORTED.scores, 0, key, itemsValue(members)),
  rank: (key: string, member: string, isFromLast = false) =>
    operation(SORTED.rank, isFromLast ? FROM_LAST : 0, key, latin(member)),
  count: (key: string, spec: RangeSpec) => operation(SORTED.count, 0, key, rangeValue(spec)),
  range: (key: string, spec: RangeSpec = ALL_RANGE) => operation(SORTED.range, WITH_SCORES, key, rangeValue(spec)),
  removeRange: (key: string, spec: RangeSpec) => operation(SORTED.removeRange, 0, key, rangeValue(spec)),
  pop: ([key = '', ...more]: readonly string[], count: number, isFromLast: boolean) =>
    operation(SORTED.pop, isFromLast ? FROM_LAST : 0, key, itemsValue(more), [count]),
  random: (key: string, count: number, seed: number) =>
    operation(SORTED.random, WITH_SCORES, key, undefined, [count, seed]),
  scan: (key: string, position: number, count: number, pattern = '*') =>
    operation(SORTED.scan, 0, key, latin(pattern), [position, count]),
  combine: (sources: readonly SourceSpec[], options: number) =>
    operation(SORTED.combine, options | WITH_SCORES, '', sourcesValue(sources)),
  combineStore: (key: string, sources: readonly SourceSpec[], options: number) =>
    operation(SORTED.combineStore, options, key, sourcesValue(sources)),
  intersectionCount: (keys: readonly string[], limit: number) =>
    operation(SORTED.intersectionCount, 0, '', sourcesValue(keys.map((key) => [key, 1])), [limit]),
  rangeStore: (key: string, source: string, spec: RangeSpec) =>
    operation(SORTED.rangeStore, 0, key, Buffer.concat([short(source.length), latin(source), rangeValue(spec)])),
  copy: (key: string, other: string, options: number) => operation(KINDS.copy, options, key, latin(other)),
  delete: (key: string) => operation(KINDS.delete, 0, key, undefined),
};

/** The name of a status. */
function statusName(status: number): string {
  const found = Object.entries(STATUS).find(([, value]) => value === status);
  return found?.[0] ?? String(status);
}

function reader<T>(data: (bytes: Buffer, at: number) => T): (results: Results) => T | string {
  return (results) => {
    const status = readStatus(results, 0);
    if (status !== STATUS.done) return statusName(status);
    return data(results.bytes, (results.starts[0] ?? 0) + 1);
  };
}

const LENGTH = 4;

/** The items that begin with their number. */
function itemsFrom(bytes: Buffer, at: number): Buffer[] {
  const items: Buffer[] = [];
  let last = at + LENGTH;
  eachItem(bytes, at, (from, end) => {
    items.push(bytes.subarray(from, end));
    last = end;
  });
  assert.equal(last, bytes.length, 'items end with the result');
  return items;
}

function elementsOf(items: readonly Buffer[]): Entry[] {
  return Array.from({ length: items.length / 2 }, (_, index) => [
    items[2 * index]?.toString('latin1') ?? '',
    items[2 * index + 1]?.readDoubleLE() ?? NaN,
  ]);
}

/** What a result says, or the name of its status if it was not done. */
export const read = {
  status: reader(() => 'done'),
  integer: reader((bytes, at) => Number(bytes.readBigInt64LE(at))),
  score: reader((bytes, at) => bytes.readDoubleLE(at + LENGTH)),
  scores: reader((bytes, at) =>
    Array.from({ length: bytes.readUInt32LE(at) / 8 }, (_, index) => bytes.readDoubleLE(at + LENGTH + 8 * index)),
  ),
  elements: reader((bytes, at) => elementsOf(itemsFrom(bytes, at + LENGTH))),
  /** Which key, and elements. */
  popped: reader((bytes, at): [string, Entry[]] => {
    const [key, ...elements] = itemsFrom(bytes, at + LENGTH);
    return [key?.toString('latin1') ?? '', elementsOf(elements)];
  }),
  page: reader((bytes, at): [number, Entry[]] => [
    bytes.readDoubleLE(at + LENGTH),
    elementsOf(itemsFrom(bytes, at + LENGTH + 8)),
  ]),
};

/** A store of its own, and how it is asked. */
export function asking(): (operation: Buffer) => Results {
  const store = createStore(OPTIONS);
  return (operation) => decodeResults(store.apply(operation, 1, 1), 1);
}

/** Adds so many elements whose scores are their places. */
export function fill(ask: (operation: Buffer) => Results, key: string, count: number): void {
  for (let first = 0; first < count; first += 50_000) {
    const length = Math.min(50_000, count - first);
    ask(
      calls.add(
        key,
        Array.from({ length }, (_, index) => [String(first + index), first + index] as const),
      ),
    );
  }
}
