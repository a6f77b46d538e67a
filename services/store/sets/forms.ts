/** What a batch may say of operations on sets. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import type { Form, OperationFields } from '../form.ts';
import { itemsIn } from '../items.ts';
import { END_POSITION, MAX_KEY_BYTES, MAX_VALUE_BYTES, OPTIONS } from '../operations.ts';
import { SET_KINDS, SET_RULES } from '../operations/sets.ts';

const { inOrder } = OPTIONS;
/** The bits that say one of `SET_RULES`. */
const RULE = 3;
/** A seed has 32 bits. */
const MAX_SEED = 2 ** 32 - 1;
/** The other key, and the member. */
const MOVED_ITEMS = 2;

/** As many items as the batch has room for. */
const items = { maxValueBytes: MAX_BATCH_BYTES, numbers: 0 };

export const SET_FORMS: Readonly<Record<number, Form>> = {
  [SET_KINDS.setAdd]: { options: 0, ...items },
  [SET_KINDS.setRemove]: { options: 0, ...items },
  [SET_KINDS.setHas]: { options: inOrder, ...items },
  [SET_KINDS.setAll]: { options: inOrder, numbers: 0 },
  [SET_KINDS.setPop]: { options: inOrder, numbers: 2 },
  [SET_KINDS.setRandom]: { options: inOrder, numbers: 2 },
  [SET_KINDS.setScan]: { options: inOrder, maxValueBytes: MAX_KEY_BYTES, numbers: 2 },
  [SET_KINDS.setMove]: { options: 0, ...items },
  [SET_KINDS.setCombine]: { options: inOrder | RULE, ...items },
  [SET_KINDS.setStore]: { options: RULE, ...items },
  [SET_KINDS.setCount]: { options: 0, ...items, numbers: 1 },
};

/** Whether options, numbers and items of an operation that has such a form are within their limits. */
export function isSetOperation(operation: OperationFields): boolean {
  const { kind, memory, value, first, second, options } = operation;
  switch (kind) {
    case SET_KINDS.setAll:
      return true;
    case SET_KINDS.setPop:
      return isCount(first) && isSeed(second);
    case SET_KINDS.setRandom:
      return Number.isSafeInteger(first) && isSeed(second);
    case SET_KINDS.setScan:
      return isCount(first) && first < END_POSITION && isCount(second) && second > 0;
    case SET_KINDS.setMove:
      return itemsIn(operation, MAX_VALUE_BYTES) === MOVED_ITEMS && memory.getUint32(value, true) <= MAX_KEY_BYTES;
    case SET_KINDS.setCombine:
    case SET_KINDS.setStore:
      return ruleOf(options) >= SET_RULES.common && itemsIn(operation, MAX_KEY_BYTES) > 0;
    case SET_KINDS.setCount:
      return isCount(first) && itemsIn(operation, MAX_KEY_BYTES) > 0;
    default:
      return itemsIn(operation, MAX_VALUE_BYTES) > 0;
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isSeed(value: number): boolean {
  return isCount(value) && value <= MAX_SEED;
}

/** One of `SET_RULES`. */
export function ruleOf(options: number): number {
  return options & RULE;
}
