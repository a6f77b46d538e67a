/** What a batch may say of operations on lists. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import type { Form, OperationFields } from '../form.ts';
import { itemsIn } from '../items.ts';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES, OPTIONS } from '../operations.ts';
import { LIST_KINDS, LIST_OPTIONS } from '../operations/lists.ts';

const { inOrder } = OPTIONS;
const { atFirst, toFirst, ifPresent, behind } = LIST_OPTIONS;

export const LIST_FORMS: Readonly<Record<number, Form>> = {
  [LIST_KINDS.listPush]: { options: atFirst | ifPresent, maxValueBytes: MAX_BATCH_BYTES, numbers: 0 },
  [LIST_KINDS.listPop]: { options: inOrder | atFirst, numbers: 1 },
  [LIST_KINDS.listIndex]: { options: inOrder, numbers: 1 },
  [LIST_KINDS.listSet]: { options: 0, maxValueBytes: MAX_VALUE_BYTES, numbers: 1 },
  [LIST_KINDS.listRange]: { options: inOrder, numbers: 2 },
  [LIST_KINDS.listInsert]: { options: behind, maxValueBytes: MAX_BATCH_BYTES, numbers: 0 },
  [LIST_KINDS.listRemove]: { options: 0, maxValueBytes: MAX_VALUE_BYTES, numbers: 1 },
  [LIST_KINDS.listTrim]: { options: 0, numbers: 2 },
  [LIST_KINDS.listPositions]: { options: inOrder, maxValueBytes: MAX_VALUE_BYTES, numbers: 3 },
  [LIST_KINDS.listMove]: { options: inOrder | atFirst | toFirst, maxValueBytes: MAX_KEY_BYTES, numbers: 0 },
  [LIST_KINDS.listPopFirst]: { options: inOrder | atFirst, maxValueBytes: MAX_BATCH_BYTES, numbers: 1 },
};

/** Whether numbers and elements of an operation that has such a form are within their limits. */
export function isListOperation(operation: OperationFields): boolean {
  const { first, second, third } = operation;
  switch (operation.kind) {
    case LIST_KINDS.listPush:
      return itemsIn(operation, MAX_VALUE_BYTES) > 0;
    case LIST_KINDS.listPop:
      return isCount(first);
    case LIST_KINDS.listInsert:
      return itemsIn(operation, MAX_VALUE_BYTES) === 2;
    case LIST_KINDS.listPositions:
      return Number.isSafeInteger(first) && first !== 0 && isCount(second) && isCount(third);
    case LIST_KINDS.listPopFirst:
      return isCount(first) && itemsIn(operation, MAX_KEY_BYTES) >= 0;
    case LIST_KINDS.listMove:
      return true;
    default:
      return Number.isSafeInteger(first) && Number.isSafeInteger(second);
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
