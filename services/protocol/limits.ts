/**
 * Every limit of the protocol, in one place. A frame that exceeds one is refused by name; a table or a queue that reaches one
 * gives back-pressure or a clear error. The unit is in the name or, for counts, the thing counted.
 */

/** The protocol's version, sent in the greeting; a peer with another one is refused. */
export const PROTOCOL_VERSION = 2;

/** Largest frame either side accepts. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Frames that travel in one message. */
export const MAX_FRAMES_IN_MESSAGE = 1_024;
/** Operations in one batch. */
export const MAX_BATCH_OPERATIONS = 65_536;
/** Bytes of operations in one batch, and of results in one reply. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Largest worker id. */
export const MAX_WORKER_ID = 65_535;
/** Workers that are members at one time, tombstones not counted. */
export const MAX_WORKERS = 16_384;
/** Entries of a cut or a prefix: every id once. */
export const MAX_CUT_ENTRIES = MAX_WORKER_ID + 1;
/** Earlier generations that one worker's volume keeps; a new one is refused until one of them is deleted. */
export const MAX_KEPT_GENERATIONS = 16;
/** Workers that STATUS tells of because their entry does not say what state they begin with. */
export const MAX_UNDECIDED = 64;
/** Dependencies of one batch or checkpoint: at most one per other worker. */
export const MAX_DEPENDENCIES = MAX_WORKERS;

/** Decisions that the Finder remembers; a client or worker that missed more than these gets `historyLost`. */
export const MAX_DECISIONS = 64;
/** Entries over all remembered decisions, so that the Finder's record stays small in large clusters. */
export const MAX_DECISION_ENTRIES = 65_536;

/** Durable checkpoints of one worker above the cut; past it, new batches wait. */
export const MAX_UNCOMMITTED_CHECKPOINTS = 1_000;
/** Dependencies of all these checkpoints together, so that a list of them fits into a frame; past it, new batches wait. */
export const MAX_UNCOMMITTED_DEPENDENCIES = 1_000_000;
/** Sealed versions of one worker that are not durable yet; past it, new batches wait. */
export const MAX_UNWRITTEN_VERSIONS = 16;

/** Batches of one session at one worker whose replies are not acknowledged. */
export const MAX_UNACKNOWLEDGED_BATCHES = 256;
/** Sessions that one worker remembers. */
export const MAX_SESSIONS = 1_000_000;
/**
 * What they take in a worker's memory, without their replies; and what the replies take that were not acknowledged. A worker with
 * little memory has less of both.
 */
export const MAX_SESSION_BYTES = 512 * 1024 * 1024;
export const MAX_KEPT_REPLY_BYTES = 256 * 1024 * 1024;
/**
 * What a rollback of one worker in memory would need: what keys and sessions were before versions that the cut does not cover; past it, new
 * batches wait for the cut.
 */
export const MAX_UNDO_BYTES = 1024 * 1024 * 1024;
/** Of the session table in sealed versions of one worker that are not durable yet; past it, new batches wait. */
export const MAX_UNWRITTEN_BYTES = 256 * 1024 * 1024;
/** Batches that wait at one worker while it cannot execute; more are refused as `overloaded`. */
export const MAX_WAITING_BATCHES = 4_096;
/** Bytes of operations that wait at one worker while it cannot execute. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** An idle session's entry is kept for this much of its worker's up-time: far longer than a client keeps retrying. */
export const SESSION_EXPIRY_MS = 24 * 60 * 60 * 1000;
/** A client stops retrying an unanswered batch after this long and reports its session as expired. */
export const CLIENT_RETRY_LIMIT_MS = 60 * 60 * 1000;
/**
 * The entry of a session that its client closed is kept for this long: nothing is sent again, but a copy of a batch may be on its way
 * over a connection that the client gave up before. A worker closes one that is silent for as long as its receive timeout says, 30 s by
 * default, and keeps closed sessions for no less than twice that.
 */
export const ENDED_SESSION_EXPIRY_MS = 10 * 60 * 1000;
/** An idle session's entry may give way to a new one after this long: its client has stopped retrying, and copies have arrived. */
export const SESSION_GIVE_WAY_MS = CLIENT_RETRY_LIMIT_MS + ENDED_SESSION_EXPIRY_MS;
/** Replies of an idle session may give way to others after this long: its client has been away, or has not read, for all of it. */
export const REPLY_GIVE_WAY_MS = 60 * 1000;

/** A version that a client carries may exceed the clock, and what workers reported, by this much at most; ms. */
export const MAX_VERSION_JUMP = 10_000;
/**
 * Largest version that a client or a clock can bring a worker to (the year 144683). One whose volume is beyond it, because a client was
 * once believed any version, counts on from there.
 */
export const MAX_VERSION = 2 ** 52;
/** The Finder tells anew this often what workers reported: so no client drives versions further than `MAX_VERSION_JUMP` in that time. */
export const REACHED_SPACING_MS = 100;
/** A session whose version is refused as absurd is sent again for this long: until then its owner has reported it, unless it is away. */
export const ABSURD_RETRY_LIMIT_MS = 60 * 1000;
/** Largest number any 64-bit field may carry: exact in a JavaScript number, which above 2^53 are even ones only. */
export const MAX_EXACT_U64 = 2 ** 54;

/** Starts of the Finder that its record remembers to recognise workers which saw a later record. */
export const MAX_FINDER_STARTS = 32;
/** Events that the Finder keeps in memory for operators who ask later; the oldest give way. */
export const MAX_KEPT_EVENTS = 200;
/** Answers of the Finder that wait for one write of its record; a peer that asks for more is cut off and comes again. */
export const MAX_HELD_ANSWERS = 4 * MAX_WORKERS;

export const MAX_TYPE_BYTES = 63;
export const MAX_HOST_BYTES = 255;
export const MAX_TOKEN_BYTES = 1_024;
export const MAX_TEXT_BYTES = 4_096;
