/** How applications talk to a map: `session.worker(2, mapType)` has these methods. */
import { defineWorkerType, type Operation } from '@dpr/client';
import { ANSWERS, decodeResults, MAP_TYPE, sizeOf, writeOperation, type Kind, type Result } from './operations.ts';

/** Some operations of a call were not done, or their answers did not fit into those of the batch; the others were done. */
export class MapError extends Error {
  override readonly name = 'MapError';
  /** Which keys found no room, by their places in the call, counted from 0. */
  readonly full: readonly number[];
  /** Which values did not fit into the answers: ask for fewer at once. */
  readonly crowded: readonly number[];

  constructor(answers: readonly (number | undefined)[]) {
    const full = placesOf(answers, ANSWERS.full);
    const crowded = placesOf(answers, ANSWERS.crowded);
    super(`the map had no room for ${full.length} keys, and ${crowded.length} values were too many for one answer`);
    this.full = full;
    this.crowded = crowded;
  }
}

type Entry = readonly [key: string, value: string];
type Results = readonly Result[];

const setEntry: Operation<Entry, boolean, Results> = {
  size: ([key, value]) => sizeOf({ kind: 'set', key, value }),
  write: (bytes, at, [key, value]) => writeOperation(bytes, at, { kind: 'set', key, value }),
  read: (results, index) => results[index]?.answer === ANSWERS.yes,
};

/** Takes a key. @throws RangeError when it is too long */
function operation<Value>(kind: Kind, read: (result: Result | undefined) => Value): Operation<string, Value, Results> {
  return {
    size: (key) => sizeOf({ kind, key, value: '' }),
    write: (bytes, at, key) => writeOperation(bytes, at, { kind, key, value: '' }),
    read: (results, index) => read(results[index]),
  };
}

const getValue = operation('get', (result) => result?.value);
const deleteKey = operation('delete', (result) => result?.answer === ANSWERS.yes);
const countKeys = operation('count', (result) => result?.count ?? 0);

/**
 * The map, for applications.
 *
 * @example
 * const carts = session.worker(2, mapType);
 * await carts.set('cart-17', 'apples').committed;
 */
export const mapType = defineWorkerType({
  name: MAP_TYPE,
  decodeResults,
  failures: {
    find: (results: Results) => results.flatMap(({ answer }, place) => (hasFailed(answer) ? [place] : [])),
    error: ({ read }) => new MapError(read((results, index) => results[index]?.answer)),
  },
  methods(calls) {
    const set = calls.one(setEntry);
    const count = calls.one(countKeys);
    return {
      /** Was the key not there before? Rejects with MapError. */
      set: (key: string, value: string) => set([key, value]),
      setAll: calls.many(setEntry),
      /** The value, undefined if the key is not there. Rejects with MapError. */
      get: calls.one(getValue),
      getAll: calls.many(getValue),
      /** Was the key there? */
      delete: calls.one(deleteKey),
      deleteAll: calls.many(deleteKey),
      /** How many keys there are. */
      count: () => count(''),
    };
  },
});

function hasFailed(answer: number): boolean {
  return answer === ANSWERS.full || answer === ANSWERS.crowded;
}

function placesOf(answers: readonly (number | undefined)[], answer: number): number[] {
  return [...answers.keys()].filter((place) => answers[place] === answer);
}
