import { StorageDamagedError } from './errors.ts';

/** Typed access to the JSON description of a frame. A field that is missing or of another type is damage. */
export interface Fields {
  whole(name: string): number;
  optionalWhole(name: string): number | undefined;
  /** `otherwise`: what a description says that leaves it out. */
  flag(name: string, otherwise: boolean): boolean;
  text(name: string): string;
  choice<const T extends string>(name: string, words: readonly T[]): T;
  pairs(name: string): [number, number][];
  /** Lists of whole numbers, each of so many. */
  rows(name: string, length: number): readonly (readonly number[])[];
  object(name: string): Fields;
  optionalObject(name: string): Fields | undefined;
}

/** @param file the path of the file that the description was read from, for messages */
export function fieldsOf(file: string, meta: unknown): Fields {
  const values = new Map(typeof meta === 'object' && meta !== null ? Object.entries(meta) : []);
  function get<T>(name: string, what: string, fits: (value: unknown) => value is T): T {
    const value: unknown = values.get(name);
    if (fits(value)) return value;
    throw new StorageDamagedError(
      `${file} says '${name}': ${JSON.stringify(value)}, which is not ${what}; was it written by another version of this program?`,
    );
  }
  const has = (name: string) => values.get(name) !== undefined && values.get(name) !== null;
  const fields: Fields = {
    whole: (name) => get(name, 'a whole number', isWhole),
    optionalWhole: (name) => (has(name) ? fields.whole(name) : undefined),
    flag: (name, otherwise) =>
      has(name) ? get(name, 'true or false', (value) => typeof value === 'boolean') : otherwise,
    text: (name) => get(name, 'a text', (value) => typeof value === 'string'),
    choice: <const T extends string>(name: string, words: readonly T[]) =>
      get(name, words.join(' or '), (value): value is T => words.some((word) => word === value)),
    pairs: (name) => get(name, 'a list of pairs of whole numbers', isPairs),
    rows: (name, length) =>
      get(name, `a list of lists of ${length} whole numbers`, (value): value is number[][] => isRows(value, length)),
    object: (name) =>
      fieldsOf(
        file,
        get(name, 'an object', (value) => typeof value === 'object' && value !== null),
      ),
    optionalObject: (name) => (has(name) ? fields.object(name) : undefined),
  };
  return fields;
}

/** Every number up to here that a version can have is exact: above 2^53 even ones. */
const LARGEST = 2 ** 54;

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LARGEST;
}

function isPairs(value: unknown): value is [number, number][] {
  return isRows(value, 2);
}

function isRows(value: unknown, length: number): value is number[][] {
  return (
    Array.isArray(value) && value.every((row) => Array.isArray(row) && row.length === length && row.every(isWhole))
  );
}
