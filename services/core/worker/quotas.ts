/**
 * Quotas of what a batch leaves behind: its session's entry, and its reply until the client acknowledges that. What is short is refused
 * by name, after old sessions have given way. Each origin of clients has a part of the room that others leave, and no more.
 */
import { MAX_BATCH_BYTES, type Batch } from '@dpr/protocol';
import { shedEnded, shedEntries, shedReplies, type Due } from './session-shedding.ts';
import {
  ENTRY_BYTES,
  entryBytes,
  REPLY_BYTES,
  UNKNOWN_ORIGIN,
  type Holding,
  type SessionEntry,
} from './session-table.ts';
import { log, refuse, upTime, type Worker } from './state.ts';

/**
 * Of the room for replies, how much may be taken when a batch comes: by a session that holds much, by a new one, and by others. So
 * those who hold little go on beside those who hold much, and those who are there beside those who come.
 */
const HEAVY_SHARE = 3 / 4;
const NEW_SHARE = 7 / 8;
/** Of the room for replies, what one session may hold; and more than which is much. */
const SESSION_SHARE = 1 / 8;
const LIGHT_SHARE = 1 / 4_096;

/**
 * Of the room for sessions, what may be taken when one begins on a connection that many of them began on; and how many that are, at least.
 * So a connection that floods a worker with sessions leaves room to others.
 */
const CROWD_SHARE = 7 / 8;
const CROWD_SESSIONS = 16;

/**
 * Of the room that others leave, what one origin may take, of sessions and of replies: so there is always some for clients of another
 * address. With less for replies, the largest batch could not execute in a worker that keeps nothing.
 */
const ORIGIN_SESSION_SHARE = 1 / 2;
const ORIGIN_REPLY_SHARE = 3 / 4;

/** With less room for replies than this, the largest batch could not execute in a worker that keeps nothing. */
export const LEAST_REPLY_BYTES = 2 * MAX_BATCH_BYTES;

/** What a dependency takes in memory. */
const DEPENDENCY_BYTES = 64;
/** Room is there again, after it was short, when no more of it is taken than this. */
const EASED_SHARE = 3 / 4;

/** What a batch takes while it waits. */
export function waitingBytes({ operations, dependencies }: Batch): number {
  return operations.length + dependencies.size * DEPENDENCY_BYTES;
}

/** What the reply of a batch will probably take. */
export function inFlightBytes({ operations }: Batch): number {
  return REPLY_BYTES + operations.length;
}

/** Is there room for what the batch leaves behind? If not, it is refused. */
export function hasRoom(worker: Worker, connection: number, batch: Batch, entry: SessionEntry | undefined): boolean {
  const origin = entry?.holding.origin ?? worker.origins.get(connection) ?? UNKNOWN_ORIGIN;
  if (entry === undefined && !mayBegin(worker, connection, batch, origin)) return false;
  const { config } = worker;
  const { maxReplyBytes } = config;
  const more = inFlightBytes(batch);
  const own = (entry?.replyBytes ?? 0) + more;
  const sessionBytes = maxReplyBytes * SESSION_SHARE;
  if (own > sessionBytes && own > more) {
    const text = `replies of one session that are not acknowledged may take ${sessionBytes} bytes here`;
    refuse(worker, connection, 'windowExceeded', text, batch, config.maxUnacknowledgedBatches);
    return false;
  }
  const isHeavy = own > maxReplyBytes * LIGHT_SHARE;
  const share = isHeavy ? HEAVY_SHARE : entry === undefined ? NEW_SHARE : 1;
  if (fits(worker, origin, more, share) || makeReplyRoom(worker, origin, more, share)) return true;
  return short(worker, connection, batch, origin, replyText(worker, origin), entry === undefined);
}

function mayBegin(worker: Worker, connection: number, batch: Batch, origin: string): boolean {
  const isEnough = (): boolean => heldSessions(worker, origin) < mostSessions(worker, origin, connection);
  if (isEnough() || makeSessionRoom(worker, origin, isEnough)) return true;
  return short(worker, connection, batch, origin, sessionText(worker, origin), true);
}

function sessionLimit({ config }: Worker): number {
  return Math.min(config.maxSessions, Math.floor(config.maxSessionBytes / ENTRY_BYTES));
}

/** The sessions that count against the origin's room: those of the unknown one have all of it, together with all others. */
function heldSessions({ sessions }: Worker, origin: string): number {
  return origin === UNKNOWN_ORIGIN ? sessions.entries.size : (sessions.holdings.get(origin)?.sessions ?? 0);
}

function sessionRoom(worker: Worker, origin: string): number {
  const limit = sessionLimit(worker);
  if (origin === UNKNOWN_ORIGIN) return limit;
  const others = worker.sessions.entries.size - heldSessions(worker, origin);
  return Math.ceil((limit - others) * ORIGIN_SESSION_SHARE);
}

/** How many sessions the origin may have once another one began on this connection. */
function mostSessions(worker: Worker, origin: string, connection: number): number {
  const room = sessionRoom(worker, origin);
  const begun = worker.sessions.begunBy.get(connection) ?? 0;
  const isCrowd = begun >= Math.max(CROWD_SESSIONS, sessionLimit(worker) * LIGHT_SHARE);
  return isCrowd ? Math.floor(room * CROWD_SHARE) : room;
}

/** The bytes that count against the origin's room for replies: as with sessions. */
function heldBytes(worker: Worker, origin: string): number {
  if (origin === UNKNOWN_ORIGIN) return worker.sessions.replyBytes + worker.inFlightBytes;
  const holding = worker.sessions.holdings.get(origin);
  return holding === undefined ? 0 : holding.replyBytes + holding.inFlightBytes;
}

/** @param held the bytes that count against it */
function replyRoom(worker: Worker, origin: string, held: number): number {
  const { sessions, inFlightBytes: inFlight, config } = worker;
  if (origin === UNKNOWN_ORIGIN) return config.maxReplyBytes;
  const others = sessions.replyBytes + inFlight - held;
  return (config.maxReplyBytes - others) * ORIGIN_REPLY_SHARE;
}

function fits(worker: Worker, origin: string, more: number, share: number): boolean {
  const held = heldBytes(worker, origin);
  return held + more <= replyRoom(worker, origin, held) * share;
}

function makeSessionRoom(worker: Worker, origin: string, isEnough: () => boolean): boolean {
  const { sessions, config } = worker;
  const due = dueOf(worker);
  return makeRoom(worker, origin, 'sessions', (holding) => shedEntries(sessions, holding, isEnough, due, config));
}

function makeReplyRoom(worker: Worker, origin: string, more: number, share: number): boolean {
  const { sessions, config } = worker;
  const now = upTime(worker);
  const isEnough = (): boolean => fits(worker, origin, more, share);
  return makeRoom(worker, origin, 'replyBytes', (holding) => shedReplies(sessions, holding, isEnough, now, config));
}

/**
 * What an origin needs is given by its own old sessions, and then by those of origins that hold more than it does: so it costs no other
 * origin anything to be beside one that takes all that it gets.
 * @param shed @returns whether that was enough
 */
function makeRoom(
  worker: Worker,
  origin: string,
  measure: 'sessions' | 'replyBytes',
  shed: (holding: Holding) => boolean,
): boolean {
  const { holdings } = worker.sessions;
  const own = holdings.get(origin);
  if (own !== undefined && shed(own)) return true;
  const least = own?.[measure] ?? 0;
  if (isFutile(worker, measure, least)) return false;
  if (byMost(worker, measure).some((one) => one[measure] > least && shed(one))) return true;
  worker.futile[measure] = { ...dueOf(worker), least };
  return false;
}

/** In vain a moment ago, in vain now: with many origins, looking at them all is not for each batch that is refused. */
function isFutile(worker: Worker, measure: 'sessions' | 'replyBytes', least: number): boolean {
  const tried = worker.futile[measure];
  if (tried === undefined || least < tried.least) return false;
  const { now, committed, arrivedUpTo } = dueOf(worker);
  return tried.now === now && tried.committed === committed && tried.arrivedUpTo === arrivedUpTo;
}

function byMost({ sessions }: Worker, measure: 'sessions' | 'replyBytes'): Holding[] {
  return [...sessions.holdings.values()].sort((a, b) => b[measure] - a[measure]);
}

function dueOf(worker: Worker): Due {
  return { now: upTime(worker), committed: worker.committed, arrivedUpTo: worker.arrivedUpTo };
}

function sessionText(worker: Worker, origin: string): string {
  const { sessions, config } = worker;
  const all = `${sessions.entries.size} sessions in ${entryBytes(sessions)} bytes`;
  if (origin === UNKNOWN_ORIGIN) return `worker ${config.id} remembers ${all}, and as many as its memory allows`;
  const own = `${heldSessions(worker, origin)} of them of clients at this address`;
  return `worker ${config.id} remembers ${all}, ${own}: the rest of its room is for clients at others`;
}

function replyText(worker: Worker, origin: string): string {
  const { sessions, config } = worker;
  const all = `worker ${config.id} keeps ${sessions.replyBytes} bytes of replies that are not acknowledged, and may keep ${config.maxReplyBytes}`;
  if (origin === UNKNOWN_ORIGIN) return all;
  return `${all}; ${heldBytes(worker, origin)} of them are for clients at this address, and the rest of the room is for clients at others`;
}

function short(worker: Worker, connection: number, batch: Batch, origin: string, text: string, isNew: boolean): false {
  refuse(worker, connection, isNew ? 'tooManySessions' : 'overloaded', text, batch);
  tellShort(worker, text, origin);
  return false;
}

function tellShort(worker: Worker, reason: string, origin = UNKNOWN_ORIGIN): void {
  if (worker.isShort) return;
  worker.isShort = true;
  const { sessions, config } = worker;
  const { maxSessionBytes, maxReplyBytes } = config;
  const taken = { sessionBytes: entryBytes(sessions), replyBytes: sessions.replyBytes };
  const address = origin === UNKNOWN_ORIGIN ? {} : { origin };
  log(worker, 'memoryShort', { reason, ...address, ...taken, maxSessionBytes, maxReplyBytes });
}

/** What was sent before a while ago has arrived: where room was short, closed sessions need not be remembered any longer. */
export function ease(worker: Worker): void {
  if (!worker.isShort) return;
  const isEnough = ({ origin }: Holding): boolean => isEasedOf(worker, origin) && isEasedOf(worker, UNKNOWN_ORIGIN);
  shedEnded(worker.sessions, isEnough, dueOf(worker));
  shed(worker);
}

function isEasedOf(worker: Worker, origin: string): boolean {
  return heldSessions(worker, origin) <= Math.floor(sessionRoom(worker, origin) * EASED_SHARE);
}

/** Have old sessions give way where there are more than may be: the limits may have been higher when the checkpoint was made. */
export function shed(worker: Worker): void {
  const { sessions, config } = worker;
  const due = dueOf(worker);
  const isFew = (): boolean => sessions.entries.size <= sessionLimit(worker);
  const isSmall = (): boolean => sessions.replyBytes <= config.maxReplyBytes;
  const fit = [
    isFew() || byMost(worker, 'sessions').some((one) => shedEntries(sessions, one, isFew, due, config)),
    isSmall() || byMost(worker, 'replyBytes').some((one) => shedReplies(sessions, one, isSmall, due.now, config)),
  ];
  if (fit.includes(false))
    return tellShort(worker, 'the checkpoint has more sessions, or replies, than this process may keep');
  if (!worker.isShort || !isEased(worker)) return;
  worker.isShort = false;
  log(worker, 'memoryEased', { sessionBytes: entryBytes(sessions), replyBytes: sessions.replyBytes });
}

/** For each origin, and for all together. */
function isEased(worker: Worker): boolean {
  for (const origin of worker.sessions.holdings.keys()) {
    if (!isEasedOf(worker, origin)) return false;
    const held = heldBytes(worker, origin);
    if (held > replyRoom(worker, origin, held) * EASED_SHARE) return false;
  }
  return true;
}
