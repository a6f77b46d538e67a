/** What a batch may say of operations on keys, and on values of bytes. */
import { MAX_REVISION } from './engine/index.ts';
import { type Form, isWhole, type OperationFields } from './form.ts';
import { MAX_FRACTION_TEXT_BYTES } from './fraction.ts';
import {
  ASIDE,
  END_POSITION,
  EXPIRE_OPTIONS,
  FLUSH_WHOLE,
  GET_GUARD,
  KINDS,
  MAX_KEY_BYTES,
  MAX_TIME_TO_LIVE_MS,
  MAX_VALUE_BYTES,
  OPTIONS,
  SCAN_TYPE_MASK,
  SIZE_OF_DEADLINES,
} from './operations.ts';

const TIME_OPTIONS = OPTIONS.timeToLive | OPTIONS.deadline;

export const STRING_FORMS: Readonly<Record<number, Form>> = {
  [KINDS.get]: { options: OPTIONS.inOrder | GET_GUARD, numbers: 0 },
  [KINDS.set]: {
    options: OPTIONS.ifAbsent | OPTIONS.ifPresent | OPTIONS.ifRevision | TIME_OPTIONS | OPTIONS.keepDeadline,
    maxValueBytes: MAX_VALUE_BYTES,
    numbers: 0,
  },
  [KINDS.delete]: { options: OPTIONS.ifRevision, numbers: 0 },
  [KINDS.increment]: { options: 0, numbers: 1 },
  [KINDS.head]: { options: ASIDE, numbers: 0 },
  [KINDS.range]: { options: OPTIONS.inOrder | ASIDE, numbers: 2 },
  [KINDS.patch]: { options: 0, maxValueBytes: MAX_VALUE_BYTES, numbers: 1 },
  [KINDS.expire]: {
    options:
      EXPIRE_OPTIONS.ifNone |
      EXPIRE_OPTIONS.ifSome |
      EXPIRE_OPTIONS.ifLater |
      EXPIRE_OPTIONS.ifEarlier |
      OPTIONS.timeToLive,
    numbers: 1,
  },
  [KINDS.copy]: { options: OPTIONS.ifAbsent | OPTIONS.move, maxValueBytes: MAX_KEY_BYTES, numbers: 0 },
  [KINDS.scan]: { options: OPTIONS.inOrder | SCAN_TYPE_MASK, maxValueBytes: MAX_KEY_BYTES, numbers: 2 },
  [KINDS.flush]: { options: FLUSH_WHOLE, numbers: 2 },
  [KINDS.incrementFloat]: { options: OPTIONS.inOrder, maxValueBytes: MAX_FRACTION_TEXT_BYTES, numbers: 0 },
  [KINDS.expect]: { options: 0, numbers: 2 },
  [KINDS.size]: { options: SIZE_OF_DEADLINES, numbers: 0 },
};

/** Whether options and numbers of an operation that has such a form are within their limits. */
export function isStringOperation(operation: OperationFields): boolean {
  const { first, second } = operation;
  switch (operation.kind) {
    case KINDS.set:
      return hasRightTime(operation) && hasRightRevision(operation);
    case KINDS.delete:
      return hasRightRevision(operation);
    case KINDS.range:
      return Number.isSafeInteger(first) && Number.isSafeInteger(second);
    case KINDS.patch:
      return isWhole(first, -1, MAX_VALUE_BYTES);
    case KINDS.expire:
      return Number.isSafeInteger(first);
    case KINDS.scan:
    case KINDS.flush:
      return isWalk(operation);
    case KINDS.expect:
      return isWhole(first, 0, MAX_REVISION) && isWhole(second, 0, Number.MAX_SAFE_INTEGER);
    default:
      return true;
  }
}

/** Whether its numbers are a position, and how many are asked for. */
export function isWalk({ first, second }: OperationFields): boolean {
  return isWhole(first, 0, END_POSITION - 1) && isWhole(second, 1, Number.MAX_SAFE_INTEGER);
}

function hasRightRevision({ options, revision }: OperationFields): boolean {
  return (options & OPTIONS.ifRevision) === 0 || isWhole(revision, 1, MAX_REVISION);
}

/** At most one thing is said of the key's time. */
function hasRightTime({ options, time }: OperationFields): boolean {
  const said = options & (TIME_OPTIONS | OPTIONS.keepDeadline);
  if (said === OPTIONS.timeToLive) return isWhole(time, 1, MAX_TIME_TO_LIVE_MS);
  if (said === OPTIONS.deadline) return isWhole(time, 1, Number.MAX_SAFE_INTEGER);
  return said === 0 || said === OPTIONS.keepDeadline;
}
