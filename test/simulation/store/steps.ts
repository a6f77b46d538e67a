/** Operations on a store: their bytes, what they do to a model of its contents, and what their results say. */
import {
  EXPIRE_OPTIONS,
  FLUSH_WHOLE,
  GET_GUARD,
  type HashEntry,
  KINDS,
  OPTIONS,
  readDone,
  readFound,
  readKeys,
  type Results,
  sizeOfHashFields,
  sizeOfHashIncrement,
  sizeOfHashSet,
  writeHashDelete,
  writeHashIncrement,
  writeHashSet,
} from '@dpr/store/operations';
import { encoded, increment, remove } from '../../store/calls.ts';
import { calls as listCalls, operation, read } from '../../store/lists/list-calls.ts';
import { ListModel } from '../../store/lists/list-model.ts';
import { operation as setOperation } from '../../store/sets/set-calls.ts';
import { calls as sortedSetCalls, type Entry as Scored } from '../../store/sorted-sets/sorted-set-calls.ts';
import { SortedSetModel } from '../../store/sorted-sets/sorted-set-model.ts';
import { type Collections, type Draft, sizeOf, type Values } from './contents.ts';

/** What an operation answers; where it was not done, the name of its status. */
export type Answer = string | number | readonly string[];

export interface Step {
  readonly bytes: Buffer;
  /** Do it. @returns what the store is to answer */
  readonly model: (draft: Draft) => Answer;
  readonly read: (results: Results, index: number) => Answer;
}

/** Of a scan that is to find all keys. */
const MANY_KEYS = 1_000;

export interface SetOptions {
  readonly ifAbsent?: boolean;
  readonly ifPresent?: boolean;
  readonly keepDeadline?: boolean;
  readonly timeToLiveMs?: number;
  /** Ms since 1970: where that is over, the key is not there. */
  readonly deadline?: number;
}

export function set(key: string, value: string, how: SetOptions = {}): Step {
  const { ifAbsent = false, ifPresent = false, keepDeadline = false, timeToLiveMs, deadline } = how;
  const options =
    (ifAbsent ? OPTIONS.ifAbsent : 0) |
    (ifPresent ? OPTIONS.ifPresent : 0) |
    (keepDeadline ? OPTIONS.keepDeadline : 0) |
    (timeToLiveMs === undefined ? 0 : OPTIONS.timeToLive) |
    (deadline === undefined ? 0 : OPTIONS.deadline);
  const numbers = [timeToLiveMs ?? deadline ?? []].flat();
  return {
    bytes: operation(KINDS.set, options, key, Buffer.from(value, 'latin1'), ...numbers),
    model(draft) {
      if (draft.entries.has(key) ? ifAbsent : ifPresent) return 'unmet';
      const end = timeToLiveMs === undefined ? (deadline ?? 0) : draft.clock + timeToLiveMs;
      draft.put(key, 'string', value, keepDeadline ? draft.deadlineOf(key) : end);
      if (deadline !== undefined && deadline <= draft.clock) draft.entries.delete(key);
      return 'done';
    },
    read: read.nothing,
  };
}

/** Tells the value of a key, and removes it: where it holds no string, the removal is not done. */
export function take(key: string): Step[] {
  const get: Step = {
    bytes: operation(KINDS.get, GET_GUARD, key),
    model(draft) {
      if (!draft.entries.has(key)) return 'absent';
      const value = draft.valueOf(key, 'string');
      if (value === undefined) draft.skipped = 1;
      return value ?? 'wrongType';
    },
    read(results, index) {
      const found = readFound(results, index);
      return found === undefined ? read.nothing(results, index) : Buffer.from(found.value).toString('latin1');
    },
  };
  return [get, drop(key)];
}

export function drop(key: string): Step {
  return {
    bytes: remove(key),
    model: (draft) => (draft.entries.delete(key) ? 'done' : 'absent'),
    read: read.nothing,
  };
}

/** To a number in decimal, of a key. */
export function add(key: string, amount: number): Step {
  return {
    bytes: increment(key, BigInt(amount)),
    model(draft) {
      if (draft.holdsOther(key, 'string')) return 'wrongType';
      const sum = sumOf(draft.valueOf(key, 'string'), amount);
      if (sum === undefined) return 'notNumber';
      draft.put(key, 'string', String(sum));
      return sum;
    },
    read: read.integer,
  };
}

function sumOf(text: string | undefined, amount: number): number | undefined {
  const before = text === undefined ? 0 : /^(0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined;
  return before === undefined ? undefined : before + amount;
}

export type ExpireCondition = keyof typeof EXPIRE_OPTIONS;

/** @param timeToLiveMs 0: it is removed */
export function expire(key: string, timeToLiveMs: number, condition?: ExpireCondition): Step {
  const options = OPTIONS.timeToLive | (condition === undefined ? 0 : EXPIRE_OPTIONS[condition]);
  return {
    bytes: operation(KINDS.expire, options, key, undefined, timeToLiveMs),
    model(draft) {
      const entry = draft.entries.get(key);
      if (entry === undefined) return 'absent';
      const deadline = draft.clock + timeToLiveMs;
      if (!mayBecome(entry.deadline, deadline, condition)) return 'unmet';
      if (timeToLiveMs === 0) draft.entries.delete(key);
      else draft.entries.set(key, { ...entry, deadline });
      return 'done';
    },
    read: read.nothing,
  };
}

/** @param before 0: never */
function mayBecome(before: number, after: number, condition: ExpireCondition | undefined): boolean {
  if (condition === 'ifNone') return before === 0;
  if (condition === 'ifSome') return before !== 0;
  if (condition === 'ifLater') return before !== 0 && after > before;
  return condition !== 'ifEarlier' || before === 0 || after < before;
}

export function persist(key: string): Step {
  return {
    bytes: operation(KINDS.expire, EXPIRE_OPTIONS.ifSome, key, undefined, 0),
    model(draft) {
      const entry = draft.entries.get(key);
      if (entry === undefined) return 'absent';
      if (entry.deadline === 0) return 'unmet';
      draft.entries.set(key, { ...entry, deadline: 0 });
      return 'done';
    },
    read: read.nothing,
  };
}

export function copy(key: string, other: string, isMove: boolean, ifAbsent: boolean): Step {
  const options = (isMove ? OPTIONS.move : 0) | (ifAbsent ? OPTIONS.ifAbsent : 0);
  return {
    bytes: operation(KINDS.copy, options, key, Buffer.from(other)),
    model(draft) {
      const entry = draft.entries.get(key);
      if (entry === undefined) return 'absent';
      if (ifAbsent && draft.entries.has(other)) return 'unmet';
      draft.entries.set(other, entry);
      if (isMove && key !== other) draft.entries.delete(key);
      return 'done';
    },
    read: read.nothing,
  };
}

export function flush(): Step {
  return {
    bytes: operation(KINDS.flush, FLUSH_WHOLE, '', undefined, 0, 1),
    model(draft) {
      draft.entries.clear();
      return 0;
    },
    read: read.integer,
  };
}

/** All keys, in one page. */
export function scan(): Step {
  return {
    bytes: operation(KINDS.scan, 0, '', Buffer.from('*'), 0, MANY_KEYS),
    model: (draft) => [...draft.entries.keys()].sort(),
    read(results, index) {
      if (!readDone(results, index)) return read.nothing(results, index);
      return readKeys(results, index)
        .items.map((key) => Buffer.from(key).toString('latin1'))
        .sort();
    },
  };
}

/** The steps after it are done only if the key is not there. */
export function ifAbsent(key: string, steps: readonly Step[]): Step[] {
  const expect: Step = {
    bytes: operation(KINDS.expect, 0, key, undefined, 0, steps.length),
    model(draft) {
      if (!draft.entries.has(key)) return 'done';
      draft.skipped = steps.length;
      return 'unmet';
    },
    read: read.nothing,
  };
  return [expect, ...steps];
}

/** An operation on a collection. @param change what it answers, and what there is then; it leaves what was there as it is */
function onCollection<Type extends keyof Collections>(
  type: Type,
  key: string,
  bytes: Buffer,
  change: (before: Collections[Type] | undefined) => readonly [answer: Answer, after: Collections[Type]],
  readAnswer: Step['read'] = read.integer,
): Step {
  return {
    bytes,
    model(draft) {
      if (draft.holdsOther(key, type)) return 'wrongType';
      const [answer, after] = change(draft.valueOf(key, type));
      if (sizeOf(after) > 0) draft.put<Type>(key, type, after as Values[Type]);
      else draft.entries.delete(key);
      return answer;
    },
    read: readAnswer,
  };
}

export function putFields(key: string, entries: readonly HashEntry[]): Step {
  const bytes = encoded(sizeOfHashSet({ key, entries }), (to) => writeHashSet(to, 0, { key, entries }));
  return onCollection('hash', key, bytes, (before) => {
    const hash = new Map(before);
    for (const [field, value] of entries) hash.set(String(field), String(value));
    return [hash.size - (before?.size ?? 0), hash];
  });
}

export function removeFields(key: string, fields: readonly string[]): Step {
  const bytes = encoded(sizeOfHashFields({ key, fields }), (to) => writeHashDelete(to, 0, { key, fields }));
  return onCollection('hash', key, bytes, (before) => {
    const hash = new Map(before);
    return [fields.filter((field) => hash.delete(field)).length, hash];
  });
}

export function addToField(key: string, field: string, amount: number): Step {
  const call = { key, field, amount: BigInt(amount) };
  const bytes = encoded(sizeOfHashIncrement(call), (to) => writeHashIncrement(to, 0, call));
  return onCollection('hash', key, bytes, (before) => {
    const hash = new Map(before);
    const sum = sumOf(hash.get(field), amount);
    if (sum === undefined) return ['notNumber', hash];
    return [sum, hash.set(field, String(sum))];
  });
}

export function addMembers(key: string, items: readonly string[]): Step {
  return onCollection('set', key, setOperation('setAdd', key, { items }), (before) => {
    const members = new Set([...(before ?? []), ...items]);
    return [members.size - (before?.size ?? 0), members];
  });
}

export function removeMembers(key: string, items: readonly string[]): Step {
  return onCollection('set', key, setOperation('setRemove', key, { items }), (before) => {
    const members = new Set(before);
    return [items.filter((item) => members.delete(item)).length, members];
  });
}

export function push(key: string, isAtFirst: boolean, items: readonly string[]): Step {
  return onList(key, listCalls.push(key, isAtFirst, items), (model) => model.push(key, isAtFirst, items, false));
}

export function pop(key: string, isAtFirst: boolean, count: number): Step {
  return onList(key, listCalls.pop(key, isAtFirst, count), (model) => model.pop(key, isAtFirst, count), read.items);
}

export function removeItem(key: string, count: number, item: string): Step {
  return onList(key, listCalls.remove(key, count, item), (model) => model.remove(key, count, item));
}

function onList(key: string, bytes: Buffer, change: (model: ListModel) => Answer, readAnswer?: Step['read']): Step {
  return onCollection(
    'list',
    key,
    bytes,
    (before) => {
      const model = new ListModel();
      if (before !== undefined) model.lists.set(key, [...before]);
      return [change(model), model.lists.get(key) ?? []];
    },
    readAnswer,
  );
}

export function score(key: string, elements: readonly Scored[]): Step {
  return onSortedSet(key, sortedSetCalls.add(key, elements), (model) => model.add(key, elements, 0));
}

export function removeScored(key: string, members: readonly string[]): Step {
  return onSortedSet(key, sortedSetCalls.remove(key, members), (model) => model.remove(key, members));
}

function onSortedSet(key: string, bytes: Buffer, change: (model: SortedSetModel) => Answer): Step {
  return onCollection('sortedSet', key, bytes, (before) => {
    const model = new SortedSetModel();
    if (before !== undefined) model.sets.set(key, new Map(before));
    return [change(model), model.sets.get(key) ?? new Map<string, number>()];
  });
}
