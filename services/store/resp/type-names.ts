/** What Redis calls types of values, and how it says that it keeps them. */
import { VALUE_TYPES } from '../operations.ts';

const NAMES: Readonly<Record<number, string>> = {
  [VALUE_TYPES.string]: 'string',
  [VALUE_TYPES.hash]: 'hash',
  [VALUE_TYPES.list]: 'list',
  [VALUE_TYPES.set]: 'set',
  [VALUE_TYPES.sortedSet]: 'zset',
};

/** What a small collection, and a large one, is kept in. */
const ENCODINGS: Readonly<Record<number, readonly [small: string, large: string]>> = {
  [VALUE_TYPES.hash]: ['listpack', 'hashtable'],
  [VALUE_TYPES.list]: ['quicklist', 'quicklist'],
  [VALUE_TYPES.set]: ['intset', 'hashtable'],
  [VALUE_TYPES.sortedSet]: ['listpack', 'skiplist'],
};

export function typeName(type: number): string {
  return NAMES[type] ?? 'unknown';
}

/** @returns undefined when no type has this name */
export function typeNamed(name: string): number | undefined {
  const found = Object.entries(NAMES).find(([, one]) => one === name);
  return found && Number(found[0]);
}

export function encodingOf(type: number, isLarge: boolean): string {
  return ENCODINGS[type]?.[isLarge ? 1 : 0] ?? 'unknown';
}
