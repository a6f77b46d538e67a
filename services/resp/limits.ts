/** What a RESP client may have the process hold, and for how long. The unit is in the name or, for counts, the thing counted. */
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, MAX_FRAME_BYTES } from '@dpr/protocol';

/** A bulk string of a command. What may be a value is less: the worker type says how much. */
export const MAX_BULK_BYTES = 2 * MAX_BATCH_BYTES;
/** Bulk strings of a command: as many as an `MSET` has that fills a batch. */
export const MAX_ARGUMENTS = 2 * MAX_BATCH_OPERATIONS + 1;
/** A command as a whole. */
export const MAX_QUERY_BYTES = MAX_FRAME_BYTES;
/** A command in one line. */
export const MAX_INLINE_BYTES = 64 * 1024;
/** A line that says how many bulk strings follow, or how long one is. */
export const MAX_COUNT_BYTES = 32;
/** The same for who has not shown the token that is asked for. */
export const MAX_GUEST_ARGUMENTS = 10;
export const MAX_GUEST_BULK_BYTES = 16 * 1024;

/** What connections of a port collected is sent with so many operations, or bytes: what is in the processor's caches is used from there. */
export const COLLECTED_OPERATIONS = 1024;
export const COLLECTED_BYTES = 128 * 1024;

/** Commands that wait for EXEC on one connection: what they take as they were sent, and how many these are. */
export const MAX_QUEUED_BYTES = MAX_BATCH_BYTES;
export const MAX_QUEUED_COMMANDS = MAX_BATCH_OPERATIONS;
/** Keys that one connection watches, all together. */
export const MAX_WATCHED_BYTES = 1024 * 1024;
/** The name of a connection. */
export const MAX_NAME_BYTES = 256;

/** Replies that a client has not read: with more, no command of it is looked at until it has. */
export const MAX_UNREAD_BYTES = 1024 * 1024;
/** Unread replies with which the command or transaction that is being answered ends its connection: a reply that was begun cannot wait. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** A client that has read nothing of these for so long is cut off. */
export const UNREAD_LIMIT_MS = 60_000;
/** A command must be complete within this time from its first byte, while the server reads. */
export const COMMAND_LIMIT_MS = 30_000;
/** It is looked so often whether clients are too slow. */
export const PACE_LOOK_MS = 500;
