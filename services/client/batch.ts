/** Operations of one session that travel together, from the call to the commit. */
import { Buffer } from 'node:buffer';
import { createSlab } from '@dpr/protocol';
import { deferred, type Deferred } from './deferred.ts';

/** Told of no error: there are results. */
type Completed = (error: Error | undefined) => void;

/** What a batch gave: large, so only calls hold it once it is final. */
export interface Answer {
  /** The results that the application sees as completed. */
  results: Uint8Array | undefined;
  /** The newest results: a batch that was lost and issued again may have others than before. */
  finalResults: Uint8Array | undefined;
  /** Who waits for results, or the error instead of them: most often one. */
  completion: Completed | Completed[] | undefined;
}

/** What a call has in one batch: `count` of its operations from `index` on. */
export interface Part {
  readonly batch: Batch;
  readonly answer: Answer;
  readonly index: number;
  readonly count: number;
}

export interface Batch {
  readonly worker: number;
  /** What the worker's type must be. */
  readonly type: string;
  /** Operations in it. */
  count: number;
  /** The operations are the first `length` bytes; the core has them once they are submitted. */
  bytes: Buffer;
  length: number;
  /** The number of its first operation; the session counts its operations from 1. */
  first: number;
  /** Which of the session's operations it holds, unless they are `count` in a row: runs of a first number and a count. */
  runs: [first: number, count: number][] | undefined;
  answer: Answer;
  isCommitted: boolean;
  /** Why it will not be committed, or not even complete. */
  error: Error | undefined;
  /** Made only when somebody waits. */
  commitment: Deferred | undefined;
}

/** Room for a few operations; it doubles as they come. */
const FIRST_BYTES = 128;

const allocate = createSlab();
const NO_BYTES = Buffer.alloc(0);
/** In the place of every answer that is final. */
const LET_GO: Answer = Object.freeze({ results: NO_BYTES, finalResults: NO_BYTES, completion: undefined });

export function createBatch(worker: number, type: string, sizeHint: number): Batch {
  return {
    worker,
    type,
    count: 0,
    bytes: allocate(Math.max(FIRST_BYTES, sizeHint)),
    length: 0,
    first: 0,
    runs: undefined,
    answer: createAnswer(),
    isCommitted: false,
    error: undefined,
    commitment: undefined,
  };
}

/** Not within the batch's literal: as that lives long, V8 would put both where long-lived things go, and the results would stay. */
function createAnswer(): Answer {
  return { results: undefined, finalResults: undefined, completion: undefined };
}

/** Make room for `size` more bytes; @returns where they begin */
export function reserve(batch: Batch, size: number): number {
  const at = batch.length;
  if (at + size > batch.bytes.length) {
    const larger = Buffer.allocUnsafe(Math.max(2 * batch.bytes.length, at + size));
    batch.bytes.copy(larger, 0, 0, at);
    batch.bytes = larger;
  }
  return at;
}

/** The operations `first` to `first + count - 1` of the session were written as the next `size` bytes. */
export function appended(batch: Batch, first: number, count: number, size: number): Part {
  const part = { batch, answer: batch.answer, index: batch.count, count };
  if (batch.count === 0) batch.first = first;
  else if (batch.runs !== undefined || first !== batch.first + batch.count) addRun(batch, first, count);
  batch.count += count;
  batch.length += size;
  return part;
}

function addRun(batch: Batch, first: number, count: number): void {
  batch.runs ??= [[batch.first, batch.count]];
  const last = batch.runs.at(-1);
  if (last !== undefined && last[0] + last[1] === first) last[1] += count;
  else batch.runs.push([first, count]);
}

/** The number of the last operation in it. */
export function lastOperation({ first, count, runs }: Batch): number {
  const [from, many] = runs?.at(-1) ?? [first, count];
  return from + many - 1;
}

/** @param isFinal it will not be issued again */
export function complete(batch: Batch, results: Uint8Array, isFinal: boolean): void {
  const { answer } = batch;
  if (isFinal) batch.answer = LET_GO;
  answer.finalResults = results;
  if (answer.results !== undefined) return;
  answer.results = results;
  settle(answer, undefined);
}

export function isComplete({ answer }: Batch): boolean {
  return answer.results !== undefined;
}

function settle(answer: Answer, error: Error | undefined): void {
  const { completion } = answer;
  if (completion === undefined) return;
  answer.completion = undefined;
  if (typeof completion === 'function') completion(error);
  else for (const completed of completion) completed(error);
}

/** @returns the operations, which whoever submits them keeps from now on */
export function takeBytes(batch: Batch): Buffer {
  const { bytes, length } = batch;
  batch.bytes = NO_BYTES;
  return bytes.length === length ? bytes : bytes.subarray(0, length);
}

export function commit(batch: Batch): void {
  batch.isCommitted = true;
  batch.commitment?.resolve();
}

export function fail(batch: Batch, error: Error): void {
  batch.error = error;
  settle(batch.answer, error);
  batch.commitment?.reject(error);
}

/** Calls back once there are results, with the error if there will be none: at once if that is known. */
export function onCompleted({ batch, answer }: Part, completed: Completed): void {
  const { completion } = answer;
  if (answer.results !== undefined) completed(undefined);
  else if (batch.error !== undefined) completed(batch.error);
  else if (completion === undefined) answer.completion = completed;
  else if (typeof completion === 'function') answer.completion = [completion, completed];
  else completion.push(completed);
}

/** Resolves once there are results. */
export function whenCompleted(part: Part): Promise<void> {
  const { promise, resolve, reject } = deferred();
  onCompleted(part, (error) => (error === undefined ? resolve() : reject(error)));
  return promise;
}

/** Resolves once it is committed; the same promise for all who wait. */
export function whenCommitted({ batch }: Part): Promise<void> {
  if (batch.commitment === undefined) {
    batch.commitment = deferred();
    if (batch.isCommitted) batch.commitment.resolve();
    else if (batch.error !== undefined) batch.commitment.reject(batch.error);
  }
  return batch.commitment.promise;
}
