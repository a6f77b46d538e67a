/** The results of a batch as its worker type reads them, and what failed among its operations. */
import { operationAt, type Cargo, type Part } from './batch.ts';
import { ProtocolError } from '../errors.ts';

/** Which of its results a call reads: those that the application saw first, or the newest. */
export type Which = 'results' | 'finalResults';

const NO_PLACES: readonly number[] = [];

/** An answer in which something is wrong. Any other is what the worker type decoded, with nothing around it. */
class Flawed {
  readonly results: unknown;
  /** Of the operations that failed, rising. */
  readonly places: readonly number[];
  /** These are no results at all. */
  readonly error: ProtocolError | undefined;

  constructor(results: unknown, places: readonly number[], error?: ProtocolError) {
    this.results = results;
    this.places = places;
    this.error = error;
  }
}

/** The answer to this batch, never undefined. Errors of the worker type's functions become part of it. */
export function answerOf({ format, batch }: Cargo, bytes: Uint8Array): unknown {
  if (format === undefined) return bytes;
  try {
    const results = format.decodeResults === undefined ? bytes : format.decodeResults(bytes, batch.count);
    if (results === undefined || results === null) throw new Error("'decodeResults' gave nothing");
    const places = format.failures?.find(results, batch.count) ?? NO_PLACES;
    if (places.length === 0) return results;
    checkPlaces(places, batch.count);
    return new Flawed(results, places);
  } catch (error) {
    const text = `worker ${batch.worker} of type '${batch.type}' answered wrongly: ${String(error)}`;
    return new Flawed(undefined, NO_PLACES, new ProtocolError(text, { cause: error }));
  }
}

function checkPlaces(places: readonly number[], count: number): void {
  let last = -1;
  for (const place of places) {
    if (!Number.isInteger(place) || place <= last || place >= count) {
      throw new RangeError(`'failures.find' gave ${place} after ${last}: places of ${count} operations rise from 0`);
    }
    last = place;
  }
}

/** Why these are no results, if they are none. */
export function faultOf(answer: unknown): ProtocolError | undefined {
  return answer instanceof Flawed ? answer.error : undefined;
}

/** The places of the operations that failed, rising. */
export function placesOf(answer: unknown): readonly number[] {
  return answer instanceof Flawed ? answer.places : NO_PLACES;
}

/** The answer that the call's part has, which must be there. */
function answerTo({ cargo }: Part, which: Which): unknown {
  const answer = cargo[which];
  if (answer === undefined) throw new Error('results are read before they are there');
  return answer;
}

/** The results of the part's whole batch, as its worker type decoded them. */
export function resultsOf(part: Part, which: Which): unknown {
  const answer = answerTo(part, which);
  return answer instanceof Flawed ? answer.results : answer;
}

/** @throws what the call rejects with because of its results, if it does */
export function throwFailure(parts: readonly Part[], which: Which): void {
  for (const part of parts) if (answerTo(part, which) instanceof Flawed) return throwFlaws(parts, which);
}

function throwFlaws(parts: readonly Part[], which: Which): void {
  const indexes: number[] = [];
  const operations: number[] = [];
  let before = 0;
  for (const part of parts) {
    const { cargo, index, count } = part;
    const answer = answerTo(part, which);
    const fault = faultOf(answer);
    if (fault !== undefined) throw fault;
    for (const place of placesWithin(placesOf(answer), index, count)) {
      indexes.push(before + place - index);
      operations.push(operationAt(cargo.batch, place));
    }
    before += count;
  }
  const [first] = parts;
  if (first === undefined || indexes.length === 0) return;
  throw failureError(first.cargo, {
    indexes,
    operations,
    read: (read) =>
      parts.flatMap((part) => {
        const results = resultsOf(part, which);
        return Array.from({ length: part.count }, (_, place) => read(results, part.index + place));
      }),
  });
}

/** Those of the rising places that are among `count` from `index` on: the many calls of one batch do not each search all. */
function placesWithin(places: readonly number[], index: number, count: number): readonly number[] {
  const from = placeFrom(places, index);
  return places.slice(from, placeFrom(places, index + count));
}

/** How many of the rising places are before this one. */
function placeFrom(places: readonly number[], before: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle] ?? 0) < before) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The error of operations in these places, as if they were a call of their own. */
export function errorOfPlaces(cargo: Cargo, answer: unknown, places: readonly number[]): Error {
  const results = answer instanceof Flawed ? answer.results : answer;
  return failureError(cargo, {
    indexes: [...places.keys()],
    operations: places.map((place) => operationAt(cargo.batch, place)),
    read: (read) => places.map((place) => read(results, place)),
  });
}

interface Failed {
  readonly indexes: readonly number[];
  readonly operations: readonly number[];
  readonly read: <Value>(read: (results: unknown, index: number) => Value) => Value[];
}

/** The worker type's own error; one that it throws instead will do. */
function failureError({ format, batch }: Cargo, failed: Failed): Error {
  try {
    const error: unknown = format?.failures?.error({ worker: batch.worker, ...failed });
    if (error instanceof Error) return error;
    return new TypeError(`'failures.error' of worker type '${batch.type}' gave no Error`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error), { cause: error });
  }
}
