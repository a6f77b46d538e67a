/** How results that are items become replies. */
import type { ReplyWriter, ResultStep } from '@dpr/resp';
import { eachItem, NUMBER_BYTES } from '../operations.ts';
import { results } from './result-cursor.ts';
import { isError } from './steps.ts';

/** How many items the present result has. @param skipped bytes before them */
export function countOf(skipped = 0): number {
  return results.bytes.readUInt32LE(results.data + skipped);
}

function writeItems(reply: ReplyWriter, skipped = 0): void {
  eachItem(results.bytes, results.data + skipped, (from, end) => {
    if (from < 0) reply.null();
    else reply.bytesOf(results.bytes, from, end);
  });
}

/** All items. */
export const items: ResultStep = (reply) => {
  if (!results.isDone) {
    if (!isError(reply)) reply.array(0);
    return;
  }
  reply.array(countOf());
  writeItems(reply);
};

/** All items, of which none is there twice. */
export const itemSet: ResultStep = (reply) => {
  if (!results.isDone) {
    if (!isError(reply)) reply.set(0);
    return;
  }
  reply.set(countOf());
  writeItems(reply);
};

/** Items of which each second one belongs to the one before. */
export const itemMap: ResultStep = (reply) => {
  if (!results.isDone) {
    if (!isError(reply)) reply.map(0);
    return;
  }
  reply.map(countOf() / 2);
  writeItems(reply);
};

/** The same as a list; by RESP3, of lists of two. */
export const itemPairs: ResultStep = (reply, batch) => {
  if (!results.isDone || reply.protocol === 2) {
    items(reply, batch);
    return;
  }
  reply.array(countOf() / 2);
  let isFirst = true;
  eachItem(results.bytes, results.data, (from, end) => {
    if (isFirst) reply.array(2);
    reply.bytesOf(results.bytes, from, end);
    isFirst = !isFirst;
  });
};

/** The only item, or null. */
export const item: ResultStep = (reply) => {
  if (results.isDone) writeItems(reply);
  else if (!isError(reply)) reply.null();
};

/** A cursor, and items. */
export const itemPage: ResultStep = (reply) => {
  if (!results.isDone && isError(reply)) return;
  reply.array(2);
  reply.bulk(results.isDone ? String(results.bytes.readDoubleLE(results.data)) : '0');
  reply.array(results.isDone ? countOf(NUMBER_BYTES) : 0);
  if (results.isDone) writeItems(reply, NUMBER_BYTES);
};
