/** Numbers of a store's format: options, statuses, shapes of results, sizes and limits. */
import { MAX_BATCH_BYTES } from '@dpr/protocol';

/** The type's name in a stack's config. */
export const STORE_TYPE = 'store';

/** Bits of an operation's options. */
export const OPTIONS = {
  /** `set`, `copy`: only if the key that is written is not there. */
  ifAbsent: 1,
  /** `set`: only if the key is there. */
  ifPresent: 2,
  ifRevision: 4,
  /** There is a time, in ms from now. */
  timeToLive: 8,
  /** There is a time, in ms since 1970. */
  deadline: 16,
  /** `set`: the key's time stays as it is. */
  keepDeadline: 32,
  /** Where the result does not fit with those of the operations before, nothing after it is done either. */
  inOrder: 64,
  /** `copy`: the key is not there afterwards. */
  move: 128,
} as const;

/** Bits of the options of `expire`, besides that of a time to live. */
export const EXPIRE_OPTIONS = {
  /** Only if the key has no deadline, or only if it has one. */
  ifNone: 1,
  ifSome: 2,
  /** Only if it becomes later, or only if it becomes earlier; no deadline is the latest of all. */
  ifLater: 4,
  ifEarlier: 16,
} as const;

/** Bits of the options of `get`, besides `inOrder`: where the key is no string, the operation after it is not done either. */
export const GET_GUARD = 1;
/** Bits of the options of `head` and `range`: that the key is looked at is no use of it, by which eviction would keep it. */
export const ASIDE = 1;
/** Bits of the options of `scan`, besides `inOrder`: only keys of this type; 0: of any. */
export const SCAN_TYPE_MASK = 7;
/** Bits of the options of `flush` and `size`. */
export const FLUSH_WHOLE = 1;
export const SIZE_OF_DEADLINES = 1;

/** Why an operation was not done, or that it was. */
export const STATUS = {
  done: 0,
  /** `get`, `delete`: the key is not there. */
  absent: 1,
  /** A condition was not met. */
  unmet: 2,
  /** `increment`: the value is no whole number of 64 bits, written in decimal. */
  notNumber: 3,
  /** `increment`: the sum does not fit into 64 bits. */
  overflow: 4,
  /** The worker has no memory for it. */
  full: 5,
  /** The results of the batch would be too large with this one. Alone in a batch a value fits. */
  tooLarge: 6,
  /** Not done, because an `expect` before it was not met, or a `get` that guards it found no string. */
  skipped: 7,
  /** `patch`: the value would have more than `MAX_VALUE_BYTES`. `flush`: there are more than `MAX_FLUSHED_KEYS`. */
  tooMuch: 8,
  /** Not done, because the result of one before it was too large, and they were to be done in order. */
  notReached: 9,
  /** The key holds a value of another type. */
  wrongType: 10,
} as const;

/** What a key holds. */
export const VALUE_TYPES = { string: 1, hash: 2, list: 3, set: 4, sortedSet: 5 } as const;

/** What follows the status of an operation that was done. */
export const SHAPES = { found: 1, revision: 2, nothing: 3, integer: 4, head: 5, data: 6 } as const;

export const MAX_KEY_BYTES = 65_535;
/** Room in a batch for a value beside the longest key, and in the results beside those of other operations. */
const RESERVED_BYTES = 128 * 1024;
export const MAX_VALUE_BYTES = MAX_BATCH_BYTES - RESERVED_BYTES;
/** A time to live; ms. */
export const MAX_TIME_TO_LIVE_MS = 2 ** 50;

export const OPERATION_HEAD_BYTES = 4;
export const VALUE_LENGTH_BYTES = 4;
export const NUMBER_BYTES = 8;
/** In place of the length of an item that is not there. */
export const MISSING = 2 ** 32 - 1;
/** A position that no key comes after: where `scan` and `flush` begin is below it. */
export const END_POSITION = 2 ** 32;
/** A store with more keys is not flushed as a whole, by one operation. */
export const MAX_FLUSHED_KEYS = 100_000;
/** Of a value that was got: revision, deadline and length, after the status. */
export const FOUND_BYTES = 2 * NUMBER_BYTES + VALUE_LENGTH_BYTES;
/** Of what is told of a key: revision, deadline, clock, length, type and marks. */
export const HEAD_BYTES = 3 * NUMBER_BYTES + VALUE_LENGTH_BYTES + 2;
