/** What a batch may say of operations on sorted sets. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import { type Form, isWhole, type OperationFields } from '../form.ts';
import { itemsIn } from '../items.ts';
import {
  ADD_OPTIONS,
  AGGREGATE,
  AGGREGATE_MASK,
  COMBINE,
  COMBINE_MASK,
  FROM_LAST,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  OPTIONS,
  SORTED_SET_KINDS,
  WITH_SCORES,
} from '../operations.ts';
import { isWalk } from '../string-forms.ts';
import { scoredItemsIn } from './scored-items.ts';
import { Range } from './sorted-range.ts';

const { inOrder } = OPTIONS;
const CONDITIONS = ADD_OPTIONS.ifAbsent | ADD_OPTIONS.ifPresent | ADD_OPTIONS.ifGreater | ADD_OPTIONS.ifLess;
const COMBINE_OPTIONS = COMBINE_MASK | AGGREGATE_MASK;
const KINDS = SORTED_SET_KINDS;
/** A seed has 32 bits. */
const MAX_SEED = 2 ** 32 - 1;
const KEY_LENGTH_BYTES = 2;

/** As many items, or as long members, as the batch has room for. */
const items = { maxValueBytes: MAX_BATCH_BYTES, numbers: 0 };

export const SORTED_SET_FORMS: Readonly<Record<number, Form>> = {
  [KINDS.add]: { options: CONDITIONS | ADD_OPTIONS.countChanged, ...items },
  [KINDS.increment]: { options: CONDITIONS | inOrder, maxValueBytes: MAX_VALUE_BYTES, numbers: 1 },
  [KINDS.remove]: { options: 0, ...items },
  [KINDS.scores]: { options: inOrder, ...items },
  [KINDS.rank]: { options: FROM_LAST, maxValueBytes: MAX_VALUE_BYTES, numbers: 0 },
  [KINDS.count]: { options: 0, ...items },
  [KINDS.range]: { options: inOrder | WITH_SCORES, ...items },
  [KINDS.removeRange]: { options: 0, ...items },
  [KINDS.pop]: { options: inOrder | FROM_LAST, ...items, numbers: 1 },
  [KINDS.random]: { options: inOrder | WITH_SCORES, numbers: 2 },
  [KINDS.scan]: { options: inOrder, maxValueBytes: MAX_KEY_BYTES, numbers: 2 },
  [KINDS.combine]: { options: inOrder | WITH_SCORES | COMBINE_OPTIONS, ...items },
  [KINDS.combineStore]: { options: COMBINE_OPTIONS, ...items },
  [KINDS.intersectionCount]: { options: 0, ...items, numbers: 1 },
  [KINDS.rangeStore]: { options: 0, ...items },
};

const range = new Range();

/** Whether options, numbers and items of an operation that has such a form are within their limits. */
export function isSortedSetOperation(operation: OperationFields): boolean {
  const { kind, options, memory, value, valueLength, first, second } = operation;
  switch (kind) {
    case KINDS.add:
      return scoredItemsIn(operation, MAX_VALUE_BYTES) > 0;
    case KINDS.increment:
      return !Number.isNaN(first);
    case KINDS.remove:
    case KINDS.scores:
      return itemsIn(operation, MAX_VALUE_BYTES) > 0;
    case KINDS.count:
    case KINDS.range:
    case KINDS.removeRange:
      return range.read(memory, value, valueLength);
    case KINDS.pop:
      return isCount(first) && itemsIn(operation, MAX_KEY_BYTES) >= 0;
    case KINDS.random:
      return Number.isSafeInteger(first) && isWhole(second, 0, MAX_SEED);
    case KINDS.scan:
      return isWalk(operation);
    case KINDS.combine:
    case KINDS.combineStore:
      return areCombineOptions(options) && scoredItemsIn(operation, MAX_KEY_BYTES) > 0;
    case KINDS.intersectionCount:
      return isCount(first) && scoredItemsIn(operation, MAX_KEY_BYTES) > 0;
    case KINDS.rangeStore:
      return isRangeOfKey(operation);
    default:
      return true;
  }
}

function isCount(value: number): boolean {
  return isWhole(value, 0, Number.MAX_SAFE_INTEGER);
}

function areCombineOptions(options: number): boolean {
  return (options & COMBINE_MASK) <= COMBINE.difference && (options & AGGREGATE_MASK) <= AGGREGATE.max;
}

function isRangeOfKey({ memory, value, valueLength }: OperationFields): boolean {
  if (valueLength < KEY_LENGTH_BYTES) return false;
  const bytes = KEY_LENGTH_BYTES + memory.getUint16(value, true);
  return range.read(memory, value + bytes, valueLength - bytes);
}
