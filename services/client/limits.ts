/** Every default and limit of the client, in one place. The unit is in the name or, for counts, the thing counted. */
import { MAX_BATCH_BYTES } from '@dpr/protocol';

/** Longest time that may be given for one of these: Node's timers take a longer one for 1 ms. */
export const MAX_TIME_MS = 2 ** 31 - 1;

/** How long `connect` keeps trying to reach the Finder. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** How long one attempt may take, from the first packet to the answer to the greeting. */
export const ATTEMPT_TIMEOUT_MS = 3_000;
/** A peer that sends nothing for this long, not even the answer to a ping, is disconnected and connected to again. */
export const RECEIVE_TIMEOUT_MS = 10_000;
/**
 * A worker may refuse for this long what the Finder accepts, without a word between: a new token, or another version, reaches one
 * process after the other.
 */
export const REFUSAL_TIMEOUT_MS = 60_000;

/**
 * Pauses between attempts: an eighth of the time that the peer has been away, within these bounds and shortened at random, so
 * that an outage is prolonged by an eighth at most and a long one costs few attempts.
 */
export const MIN_PAUSE_MS = 10;
export const MAX_PAUSE_MS = 1_000;
export const PAUSE_SHARE_OF_OUTAGE = 1 / 8;
/** A connection that lasted less than this counts as part of the outage before it. */
export const STABLE_CONNECTION_MS = 100;

/** How often the Finder is asked whether the membership changed. */
export const MEMBERSHIP_POLL_MS = 2_000;
/** Least time between two such questions, however many reasons there are to ask. */
export const MEMBERSHIP_SPACING_MS = 50;

/** Batches of one session in flight at one worker; workers remember `MAX_UNACKNOWLEDGED_BATCHES`. */
export const MAX_BATCHES_IN_FLIGHT = 128;
/**
 * Bytes for one worker that the system has not taken over; further batches wait for their turn, which goes round the sessions. So a
 * session's batch waits for this much and one batch of each other session, however much those have to send.
 */
export const MAX_UNSENT_BYTES = 512 * 1024;
/** First and longest wait before a batch that a worker refused is sent again. */
export const BATCH_RETRY_MS = 5;
export const MAX_BATCH_RETRY_MS = 1_000;

/** Bytes of one operation of a typed handle: it fits into a batch. */
export const MAX_OPERATION_BYTES = MAX_BATCH_BYTES;

/** Operations of one session that were sent and are not committed; further ones wait. */
export const MAX_UNCOMMITTED_OPERATIONS = 1_048_576;
/** Bytes of such operations. */
export const MAX_UNCOMMITTED_BYTES = 64 * 1024 * 1024;
/** Operations of one session that wait for room; further ones are refused with OverloadedError. */
export const MAX_WAITING_OPERATIONS = 1_048_576;
/** Bytes of such operations. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Operations that failed without a word to the application, remembered for the next commit, which tells of the first. */
export const MAX_UNREPORTED_OPERATIONS = 65_536;

/** Requests of one operator that wait for their turn. */
export const MAX_OPERATOR_REQUESTS = 1_024;
