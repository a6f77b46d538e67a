/** Operations of one session that travel together, from the call to the commit. */
import { Buffer } from 'node:buffer';
import { createSlab } from '@dpr/protocol';
import { deferred, unwatched, type Deferred } from '@dpr/runtime/deferred';
import type { ResultsFormat } from './results-format.ts';

/** What travels, the operations there and the results back: large, so only calls hold it once the results are final. */
export interface Cargo {
  readonly batch: Batch;
  /** The operations are the first `length` bytes; the core has them once they are submitted. */
  bytes: Buffer;
  /** The results that the application sees as completed, as `answerOf` makes them of bytes; undefined until they are there. */
  results: unknown;
  /** The newest results: a batch that was lost and issued again may have others than before. */
  finalResults: unknown;
  /** Resolved once there are results; made only when the application waits. */
  completion: Deferred | undefined;
  /** How its results are read; without one, they are the bytes. */
  readonly format: ResultsFormat<unknown> | undefined;
  /** Calls, or parts of them, that it carries. */
  calls: number;
  /** How many of these the application looks at, for the result or for the commit. */
  seen: number;
  /** How many of these the application looks at for the commit. */
  watched: number;
  /** Where those are, as index and count in turn, if `format` may name their operations as failed. */
  seenPlaces: number[] | undefined;
  watchedPlaces: number[] | undefined;
  /** What failed of it, and is told to who looks. */
  failure: (Failure & Partial<PartialFailure>) | undefined;
}

/** What failed of one batch. */
export interface Failure {
  /** How many calls, or operations, the application does not look at; none once it was told. */
  readonly left: () => number;
  /** The application looks at this call now. @param isFirst it did not before, for its result or its commit */
  readonly look: (part: Part, at: Look, isFirst: boolean) => void;
  /** @returns what is to be told of those that are left, which counts as told now */
  readonly tell: () => Error;
}

export type Look = 'result' | 'commit';

/** Some operations of the batch failed, each in its place; the others of it are done. */
export interface PartialFailure extends Failure {
  readonly places: ReadonlySet<number>;
}

/** What a call has in one batch: `count` of its operations from `index` on. */
export interface Part {
  readonly cargo: Cargo;
  readonly index: number;
  readonly count: number;
}

export interface Batch {
  readonly worker: number;
  /** What the worker's type must be. */
  readonly type: string;
  /** Operations in it. */
  count: number;
  /** The bytes of them. */
  length: number;
  /** The number of its first operation; the session counts its operations from 1. */
  first: number;
  /** Which of the session's operations it holds, unless they are `count` in a row: runs of a first number and a count. */
  runs: [first: number, count: number][] | undefined;
  /** From when all its operations are there until its results are final. */
  cargo: Cargo | undefined;
  isCommitted: boolean;
  /** Why it will not be committed, or not even complete. */
  error: Error | undefined;
  /** Made only when the application waits. */
  commitment: Deferred | undefined;
}

/** Room for a few operations, once there is more than one; it doubles as they come. */
const LEAST_GROWN_BYTES = 128;

const allocate = createSlab();
const NO_BYTES = Buffer.alloc(0);

/** The batch does not hold it yet: what V8 sees put into a long-lived object at once, it takes for long-lived as well. */
export function createCargo(
  worker: number,
  type: string,
  format: ResultsFormat<unknown> | undefined,
  sizeHint: number,
): Cargo {
  return {
    batch: {
      worker,
      type,
      count: 0,
      length: 0,
      first: 0,
      runs: undefined,
      cargo: undefined,
      isCommitted: false,
      error: undefined,
      commitment: undefined,
    },
    bytes: allocate(sizeHint),
    results: undefined,
    finalResults: undefined,
    completion: undefined,
    format,
    calls: 0,
    seen: 0,
    watched: 0,
    seenPlaces: undefined,
    watchedPlaces: undefined,
    failure: undefined,
  };
}

/** Make room for `size` more bytes; @returns where they begin */
export function reserve(cargo: Cargo, size: number): number {
  const at = cargo.batch.length;
  if (at + size > cargo.bytes.length) {
    const larger = allocate(Math.max(LEAST_GROWN_BYTES, 2 * cargo.bytes.length, at + size));
    cargo.bytes.copy(larger, 0, 0, at);
    cargo.bytes = larger;
  }
  return at;
}

/** The operations `first` to `first + count - 1` of the session were written as the next `size` bytes. */
export function appended(cargo: Cargo, first: number, count: number, size: number): Part {
  const { batch } = cargo;
  const part = { cargo, index: batch.count, count };
  if (batch.count === 0) batch.first = first;
  else if (batch.runs !== undefined || first !== batch.first + batch.count) addRun(batch, first, count);
  batch.count += count;
  batch.length += size;
  cargo.calls++;
  return part;
}

function addRun(batch: Batch, first: number, count: number): void {
  batch.runs ??= [[batch.first, batch.count]];
  const last = batch.runs.at(-1);
  if (last !== undefined && last[0] + last[1] === first) last[1] += count;
  else batch.runs.push([first, count]);
}

/** The number of the operation in this place of the batch. */
export function operationAt({ first, runs }: Batch, place: number): number {
  let before = 0;
  for (const [from, many] of runs ?? []) {
    if (place < before + many) return from + place - before;
    before += many;
  }
  return first + place;
}

/** Arrays that mostly have one call's place, and begin with room for that alone. */
function withPlace(places: number[] | undefined, { index, count }: Part): number[] {
  if (places === undefined) return [index, count];
  places.push(index, count);
  return places;
}

/** The application looks at the call. @param isFirst it did not before, for its result or its commit */
export function lookAt(part: Part, at: Look, isFirst: boolean): void {
  const { cargo } = part;
  const { format } = cargo;
  if (isFirst) {
    cargo.seen++;
    if (format?.failures !== undefined) cargo.seenPlaces = withPlace(cargo.seenPlaces, part);
  }
  if (at === 'commit') {
    cargo.watched++;
    if (format?.failures !== undefined) cargo.watchedPlaces = withPlace(cargo.watchedPlaces, part);
  }
  cargo.failure?.look(part, at, isFirst);
}

/** The number of the last operation in it. */
export function lastOperation({ first, count, runs }: Batch): number {
  const [from, many] = runs?.at(-1) ?? [first, count];
  return from + many - 1;
}

/** @param isFinal it will not be issued again */
export function complete(batch: Batch, answer: unknown, isFinal: boolean): void {
  const { cargo } = batch;
  if (cargo === undefined) return;
  if (isFinal) batch.cargo = undefined;
  cargo.finalResults = answer;
  if (cargo.results !== undefined) return;
  cargo.results = answer;
  settle(cargo, undefined);
}

/** Does it wait for its first results? */
export function isUnanswered({ cargo }: Batch): boolean {
  return cargo !== undefined && cargo.results === undefined;
}

function settle(cargo: Cargo, error: Error | undefined): void {
  if (error === undefined) cargo.completion?.resolve();
  else cargo.completion?.reject(error);
}

/** @returns the operations, which the submitter keeps from now on */
export function takeBytes({ cargo, length }: Batch): Buffer {
  if (cargo === undefined) throw new Error('operations are taken before their results are there');
  const { bytes } = cargo;
  cargo.bytes = NO_BYTES;
  return bytes.length === length ? bytes : bytes.subarray(0, length);
}

export function commit(batch: Batch): void {
  batch.isCommitted = true;
  batch.commitment?.resolve();
}

export function fail(batch: Batch, error: Error): void {
  batch.error = error;
  if (batch.cargo !== undefined) settle(batch.cargo, error);
  batch.commitment?.reject(error);
}

/** Resolves once there are results; the same promise for all who wait, and each of them sees its rejection. */
export function whenCompleted(cargo: Cargo): Promise<void> {
  if (cargo.completion === undefined) {
    cargo.completion = unwatched();
    if (cargo.results !== undefined) cargo.completion.resolve();
    else if (cargo.batch.error !== undefined) cargo.completion.reject(cargo.batch.error);
  }
  return cargo.completion.promise;
}

/** Resolves once it is committed; the same promise for all who wait. */
export function whenCommitted({ batch }: Cargo): Promise<void> {
  if (batch.commitment === undefined) {
    batch.commitment = deferred();
    if (batch.isCommitted) batch.commitment.resolve();
    else if (batch.error !== undefined) batch.commitment.reject(batch.error);
  }
  return batch.commitment.promise;
}
