/**
 * Room for what a batch leaves behind: its session's entry, and its reply until the client acknowledges that. What is short is refused
 * by name, after old sessions have given way.
 */
import { MAX_BATCH_BYTES, type Batch } from '@dpr/protocol';
import {
  ENTRY_BYTES,
  entryBytes,
  REPLY_BYTES,
  shedEnded,
  shedEntries,
  shedReplies,
  type Due,
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
  const { sessions, config } = worker;
  const { maxReplyBytes } = config;
  if (entry === undefined && !shedTo(worker, sessionsFor(worker, connection) - 1)) {
    const text = `worker ${config.id} remembers ${sessions.entries.size} sessions in ${entryBytes(sessions)} bytes, and as many as its memory allows`;
    return short(worker, connection, batch, 'tooManySessions', text);
  }
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
  const room = maxReplyBytes * share - worker.inFlightBytes - more;
  if (sessions.replyBytes <= room || shedReplies(sessions, room, upTime(worker), config)) return true;
  const text = `worker ${config.id} keeps ${sessions.replyBytes} bytes of replies that are not acknowledged, and may keep ${maxReplyBytes}`;
  return short(worker, connection, batch, entry === undefined ? 'tooManySessions' : 'overloaded', text);
}

function sessionLimit({ config }: Worker): number {
  return Math.min(config.maxSessions, Math.floor(config.maxSessionBytes / ENTRY_BYTES));
}

/** How many there may be once another one began on this connection. */
function sessionsFor(worker: Worker, connection: number): number {
  const limit = sessionLimit(worker);
  const begun = worker.sessions.begunBy.get(connection) ?? 0;
  return begun < Math.max(CROWD_SESSIONS, limit * LIGHT_SHARE) ? limit : Math.floor(limit * CROWD_SHARE);
}

function dueOf(worker: Worker): Due {
  return { now: upTime(worker), committed: worker.committed, arrivedUpTo: worker.arrivedUpTo };
}

function shedTo(worker: Worker, atMost: number): boolean {
  return shedEntries(worker.sessions, atMost, dueOf(worker), worker.config);
}

function short(
  worker: Worker,
  connection: number,
  batch: Batch,
  code: 'tooManySessions' | 'overloaded',
  text: string,
): false {
  refuse(worker, connection, code, text, batch);
  tellShort(worker, text);
  return false;
}

function tellShort(worker: Worker, reason: string): void {
  if (worker.isShort) return;
  worker.isShort = true;
  const { sessions, config } = worker;
  const { maxSessionBytes, maxReplyBytes } = config;
  const taken = { sessionBytes: entryBytes(sessions), replyBytes: sessions.replyBytes };
  log(worker, 'memoryShort', { reason, ...taken, maxSessionBytes, maxReplyBytes });
}

/** What was sent before a while ago has arrived: where room was short, closed sessions need not be remembered any longer. */
export function ease(worker: Worker): void {
  if (!worker.isShort) return;
  shedEnded(worker.sessions, Math.floor(sessionLimit(worker) * EASED_SHARE), dueOf(worker));
  shed(worker);
}

/** Have old sessions give way where there are more than may be: the limits may have been higher when the checkpoint was made. */
export function shed(worker: Worker): void {
  const { sessions, config } = worker;
  const limit = sessionLimit(worker);
  const fits = [shedTo(worker, limit), shedReplies(sessions, config.maxReplyBytes, upTime(worker), config)];
  if (fits.includes(false))
    return tellShort(worker, 'the checkpoint has more sessions, or replies, than this process may keep');
  const isEased =
    sessions.entries.size <= limit * EASED_SHARE && sessions.replyBytes <= config.maxReplyBytes * EASED_SHARE;
  if (!worker.isShort || !isEased) return;
  worker.isShort = false;
  log(worker, 'memoryEased', { sessionBytes: entryBytes(sessions), replyBytes: sessions.replyBytes });
}
