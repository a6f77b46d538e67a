/** How results become replies. */
import { NOT_INTEGER, type ReplyWriter, type ResultStep } from '@dpr/resp';
import { MAX_VALUE_BYTES, STATUS } from '../operations.ts';
import { results } from './result-cursor.ts';

const ERRORS: Readonly<Record<number, string>> = {
  [STATUS.notNumber]: NOT_INTEGER,
  [STATUS.overflow]: 'ERR increment or decrement would overflow',
  [STATUS.wrongType]: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  [STATUS.full]: 'OOM command not allowed: the store has all the memory that it may use',
  [STATUS.tooLarge]:
    'ERR the reply would be too large: ask for less at once, with SCAN in place of KEYS, or HSCAN of HGETALL',
  [STATUS.tooMuch]: `ERR string exceeds maximum allowed size: a value has at most ${MAX_VALUE_BYTES} bytes`,
};

/** Write the error that a status is: that of the present result, or another one. @returns false if it is none */
export function isError(reply: ReplyWriter, status = results.status): boolean {
  const error = ERRORS[status];
  if (error === undefined) return false;
  reply.error(error);
  return true;
}

/** A value, or null. */
export const bulk: ResultStep = (reply) => {
  if (results.isDone) reply.bytesOf(results.bytes, results.value, results.end);
  else if (!isError(reply)) reply.null();
};

/** A value, or null also where the key holds something else. */
export const bulkOrNull: ResultStep = (reply) => {
  if (results.isDone) reply.bytesOf(results.bytes, results.value, results.end);
  else if (results.status === STATUS.wrongType || !isError(reply)) reply.null();
};

/** The length of what the key holds, if it is of this type: bytes of a string, or elements. */
export function lengthOf(type: number): ResultStep {
  return (reply) => {
    if (results.isDone && results.type !== type) isError(reply, STATUS.wrongType);
    else reply.integer(results.isDone ? results.length : 0);
  };
}

/** A part of a value, or nothing of it. */
export const data: ResultStep = (reply) => {
  if (results.isDone) reply.bytesOf(results.bytes, results.data, results.end);
  else if (!isError(reply)) reply.bulk('');
};

/** A number with a fraction, after it was added to. */
export const float: ResultStep = (reply) => {
  if (results.isDone) reply.bytesOf(results.bytes, results.data, results.end);
  else if (results.status === STATUS.notNumber) reply.error('ERR value is not a valid float');
  else isError(reply);
};

/** OK, or null where a condition was not met. */
export const okOrNull: ResultStep = (reply) => {
  if (results.isDone) reply.ok();
  else if (!isError(reply)) reply.null();
};

export const okUnlessFailed: ResultStep = (reply) => {
  if (!isError(reply)) reply.ok();
};

export const integer: ResultStep = (reply) => {
  if (results.isDone) reply.integer(results.integer);
  else if (!isError(reply)) reply.integer(0);
};

/** 1 if it was done, or else 0. */
export const oneOrZero: ResultStep = (reply) => {
  if (results.isDone) reply.integer(1);
  else if (!isError(reply)) reply.integer(0);
};

const NO_SUCH_KEY = 'ERR no such key';

/** OK if it was done; the key must be there. */
export const okIfThere: ResultStep = (reply) => {
  if (results.isDone) reply.ok();
  else if (results.status === STATUS.absent) reply.error(NO_SUCH_KEY);
  else isError(reply);
};

/** 1 if it was done, or else 0; the key must be there. */
export const renamed: ResultStep = (reply, batch) => {
  if (results.status === STATUS.absent) reply.error(NO_SUCH_KEY);
  else oneOrZero(reply, batch);
};

export function tooLarge(reply: ReplyWriter): void {
  isError(reply, STATUS.tooLarge);
}

/** As many as were done. */
export const countDone: ResultStep = (_reply, batch) => {
  if (results.isDone) batch.tally++;
};

export const sumOfDone: ResultStep = (reply, batch) => reply.integer(batch.tally + (results.isDone ? 1 : 0));

/** The first error among several, or OK. */
export const noteError: ResultStep = (_reply, batch) => {
  if (batch.tally === 0 && ERRORS[results.status] !== undefined) batch.tally = results.status;
};

export const okUnlessNoted: ResultStep = (reply, batch) => {
  noteError(reply, batch);
  if (!isError(reply, batch.tally)) reply.ok();
};

/** 1 if all were done, 0 if the first of them were not to be. */
export const oneUnlessNoted: ResultStep = (reply, batch) => {
  noteError(reply, batch);
  if (!isError(reply, batch.tally)) reply.integer(results.isDone ? 1 : 0);
};

/** The value that was there before the operation that follows in the same command. */
export const bulkBefore: ResultStep = (reply, batch) => {
  batch.tally = reply.bytes;
  bulk(reply, batch);
};

/** That operation: where it failed, the reply is its error. */
export const silentUnlessFailed: ResultStep = (reply, batch) => {
  if (ERRORS[results.status] === undefined) return;
  reply.cut(batch.tally);
  isError(reply);
};
