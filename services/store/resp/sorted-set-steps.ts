/** How results of operations on sorted sets become replies. */
import type { ReplyWriter, ResultStep } from '@dpr/resp';
import { eachItem, MAX_BYTES_AT_ONCE, MAX_ELEMENTS_AT_ONCE, NUMBER_BYTES, STATUS } from '../operations.ts';
import { formatScore } from '../sorted-sets/score.ts';
import { countOf, items } from './item-steps.ts';
import { results } from './result-cursor.ts';
import { isError } from './steps.ts';

/** Write the error that the result is, also one that only sorted sets have. @returns false if it is none */
function isSetError(reply: ReplyWriter): boolean {
  if (results.status !== STATUS.tooMuch) return isError(reply);
  reply.error(
    `ERR the command would go through more than ${MAX_ELEMENTS_AT_ONCE} elements, or ${MAX_BYTES_AT_ONCE} bytes of them: do it part by part`,
  );
  return true;
}

function writeScore(reply: ReplyWriter, score: number): void {
  reply.double(formatScore(score));
}

function scoreAt(at: number): number {
  return results.bytes.readDoubleLE(at);
}

/** Writes items that are elements; with `isNested` each in an array of its own. */
function elementWriter(reply: ReplyWriter, isNested: boolean): (from: number, end: number) => void {
  let isScore = true;
  return (from, end) => {
    isScore = !isScore;
    if (isScore) {
      writeScore(reply, scoreAt(from));
      return;
    }
    if (isNested) reply.array(2);
    reply.bytesOf(results.bytes, from, end);
  };
}

/** Elements without their scores, if there are any. */
export const members: ResultStep = (reply, batch) => {
  if (!isSetError(reply)) items(reply, batch);
};

/** With their scores; by RESP3, of each an array. */
export const pairs: ResultStep = (reply) => {
  if (!results.isDone) {
    if (!isSetError(reply)) reply.array(0);
    return;
  }
  const isNested = reply.protocol === 3;
  reply.array(isNested ? countOf() / 2 : countOf());
  eachItem(results.bytes, results.data, elementWriter(reply, isNested));
};

/** Elements that a key had, without its name. */
export const popped: ResultStep = (reply) => tellPopped(reply, false);
/** By RESP3, of each an array. */
export const poppedPairs: ResultStep = (reply) => tellPopped(reply, reply.protocol === 3);

function tellPopped(reply: ReplyWriter, isNested: boolean): void {
  if (results.isDone) writePopped(reply, isNested, false);
  else if (!isSetError(reply)) reply.array(0);
}

/** Those of the first of several keys that is there, with its name; or null. */
export const poppedOf: ResultStep = (reply) => {
  if (results.isDone) writePopped(reply, true, true);
  else if (!isSetError(reply)) reply.nullArray();
};

/** Write elements; the first item is the key that had them. */
function writePopped(reply: ReplyWriter, isNested: boolean, hasKey: boolean): void {
  const told = countOf() - 1;
  const writeElement = elementWriter(reply, isNested);
  let isKey = true;
  eachItem(results.bytes, results.data, (from, end) => {
    if (!isKey) {
      writeElement(from, end);
      return;
    }
    isKey = false;
    if (hasKey) {
      reply.array(2);
      reply.bytesOf(results.bytes, from, end);
    }
    reply.array(isNested ? told / 2 : told);
  });
}

/** A page of elements, whose scores are texts by RESP3 too. */
export const scanned: ResultStep = (reply) => {
  if (isSetError(reply)) return;
  reply.array(2);
  reply.bulk(String(scoreAt(results.data)));
  reply.array(countOf(NUMBER_BYTES));
  let isScore = true;
  eachItem(results.bytes, results.data + NUMBER_BYTES, (from, end) => {
    isScore = !isScore;
    if (isScore) reply.bulk(formatScore(scoreAt(from)));
    else reply.bytesOf(results.bytes, from, end);
  });
};

/** A score, or null. */
export const score: ResultStep = (reply) => {
  if (results.isDone) writeScoreOrNull(reply, scoreAt(results.data));
  else if (!isSetError(reply)) reply.null();
};

/** One after it was added to, or null where a condition was not met. */
export const incremented: ResultStep = (reply, batch) => {
  if (results.status === STATUS.notNumber) reply.error('ERR resulting score is not a number (NaN)');
  else score(reply, batch);
};

export const scores: ResultStep = (reply) => {
  if (!results.isDone) return void isSetError(reply);
  const { data, end } = results;
  reply.array((end - data) / NUMBER_BYTES);
  for (let at = data; at < end; at += NUMBER_BYTES) writeScoreOrNull(reply, scoreAt(at));
};

function writeScoreOrNull(reply: ReplyWriter, value: number): void {
  if (Number.isNaN(value)) reply.null();
  else writeScore(reply, value);
}

/** A number of elements. */
export const count: ResultStep = (reply) => {
  if (results.isDone) reply.integer(results.integer);
  else if (!isSetError(reply)) reply.integer(0);
};

/** A rank, or null. */
export const rank: ResultStep = (reply) => {
  if (results.isDone) reply.integer(results.integer);
  else if (!isSetError(reply)) reply.null();
};
