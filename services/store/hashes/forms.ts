/** What a batch may say of operations on hashes. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import { type Form, isWhole, type OperationFields } from '../form.ts';
import { itemsIn } from '../items.ts';
import { HASH_KINDS, HASH_OPTIONS, MAX_KEY_BYTES, MAX_VALUE_BYTES, OPTIONS } from '../operations.ts';
import { isWalk } from '../string-forms.ts';

const { inOrder } = OPTIONS;
const { ifAbsent } = HASH_OPTIONS;
/** What is told of each field. */
const TOLD = HASH_OPTIONS.fields | HASH_OPTIONS.values;
/** A seed has 32 bits. */
const MAX_SEED = 2 ** 32 - 1;
/** A field and what belongs to it. */
const PAIR = 2;

/** As many items as the batch has room for. */
const items = { maxValueBytes: MAX_BATCH_BYTES, numbers: 0 };

export const HASH_FORMS: Readonly<Record<number, Form>> = {
  [HASH_KINDS.hashSet]: { options: ifAbsent, ...items },
  [HASH_KINDS.hashGet]: { options: inOrder, ...items },
  [HASH_KINDS.hashDelete]: { options: 0, ...items },
  [HASH_KINDS.hashLength]: { options: 0, maxValueBytes: MAX_VALUE_BYTES, numbers: 0 },
  [HASH_KINDS.hashAll]: { options: inOrder | TOLD, numbers: 0 },
  [HASH_KINDS.hashIncrement]: { options: 0, maxValueBytes: MAX_VALUE_BYTES, numbers: 1 },
  [HASH_KINDS.hashIncrementFloat]: { options: inOrder, ...items },
  [HASH_KINDS.hashRandom]: { options: inOrder | TOLD, numbers: 2 },
  [HASH_KINDS.hashScan]: { options: inOrder | TOLD, maxValueBytes: MAX_KEY_BYTES, numbers: 2 },
  [HASH_KINDS.hashSize]: { options: 0, numbers: 0 },
};

/** Whether options, numbers and items of an operation that has such a form are within their limits. */
export function isHashOperation(operation: OperationFields): boolean {
  const { kind, options, first, second } = operation;
  const tells = (options & TOLD) !== 0;
  switch (kind) {
    case HASH_KINDS.hashSet: {
      const count = itemsIn(operation, MAX_VALUE_BYTES);
      return count > 0 && count % PAIR === 0 && ((options & ifAbsent) === 0 || count === PAIR);
    }
    case HASH_KINDS.hashGet:
    case HASH_KINDS.hashDelete:
      return itemsIn(operation, MAX_VALUE_BYTES) > 0;
    case HASH_KINDS.hashIncrementFloat:
      return itemsIn(operation, MAX_VALUE_BYTES) === PAIR;
    case HASH_KINDS.hashAll:
      return tells;
    case HASH_KINDS.hashRandom:
      return tells && Number.isSafeInteger(first) && isWhole(second, 0, MAX_SEED);
    case HASH_KINDS.hashScan:
      return tells && isWalk(operation);
    default:
      return true;
  }
}
