/** How applications talk to a set: `session.worker(2, setType)` has these methods. */
import { defineWorkerType, type Operation } from '@dpr/client';
import { ANSWERS, SET_TYPE, sizeOf, writeOperation, type Kind } from './operations.ts';

export class SetFullError extends Error {
  override readonly name = 'SetFullError';
  /** Which of the call's members were not added, counted from 0. */
  readonly indexes: readonly number[];

  constructor(indexes: readonly number[]) {
    super('the set is full; what fitted into it was added');
    this.indexes = indexes;
  }
}

/** Takes a member, and gives the worker's answer about it. @throws RangeError when the member is too long */
function operation(kind: Kind): Operation<string, boolean> {
  return {
    size: sizeOf,
    write: (bytes, at, member) => writeOperation(bytes, at, { kind, member }),
    read: (results, index) => results[index] === ANSWERS.yes,
  };
}

/**
 * The set, for applications.
 *
 * @example
 * const seen = session.worker(2, setType);
 * const isNew = await seen.add('order-17').committed;
 */
export const setType = defineWorkerType({
  name: SET_TYPE,
  // A result is one byte, so the bytes are decoded as they are.
  decodeResults(results: Uint8Array, count) {
    if (results.length !== count) throw new RangeError(`${results.length} bytes are not the results of ${count}`);
    return results;
  },
  failures: {
    find: (results) => (results.includes(ANSWERS.full) ? placesOf(results, ANSWERS.full) : []),
    error: ({ indexes }) => new SetFullError(indexes),
  },
  methods: (calls) => ({
    /** Was it not there before? Rejects with SetFullError. */
    add: calls.one(operation('add')),
    addAll: calls.many(operation('add')),
    /** Was it there? */
    remove: calls.one(operation('remove')),
    removeAll: calls.many(operation('remove')),
    /** Is it there? */
    has: calls.one(operation('has')),
    hasAll: calls.many(operation('has')),
  }),
});

function placesOf(results: Uint8Array, answer: number): number[] {
  return [...results.keys()].filter((place) => results[place] === answer);
}
