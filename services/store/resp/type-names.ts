/** What TYPE and SCAN call each type of value. */
import { TYPES } from '../engine/index.ts';

const NAMES: Readonly<Record<number, string>> = {
  [TYPES.string]: 'string',
  [TYPES.hash]: 'hash',
  [TYPES.list]: 'list',
  [TYPES.set]: 'set',
  [TYPES.sortedSet]: 'zset',
};

export function typeName(type: number): string {
  return NAMES[type] ?? 'unknown';
}

/** @returns undefined when no type has this name */
export function typeNamed(name: string): number | undefined {
  return Object.values(TYPES).find((type) => NAMES[type] === name);
}
