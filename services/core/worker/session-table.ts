/**
 * A worker's memory of its sessions, for exactly-once: which batch of each was the last to execute, and the replies that the
 * client has not acknowledged. `session-sections.ts` makes it part of every checkpoint.
 *
 * Its size is accounted in bytes, entries and replies each for themselves, and by the origin of the clients. When either is short, old
 * sessions give way (`session-shedding.ts`).
 */
import { createOrder, first, join, leave, type Linked, type Order } from './session-order.ts';
import { createSessionUndo, keepImage, takeImages, type SessionUndo } from './session-undo.ts';

export interface StoredReply {
  readonly sequence: number;
  readonly version: number;
  readonly count: number;
  /** Until the next seal perhaps a view of memory that is larger, and pinned by it. */
  results: Uint8Array;
  /** The results have their memory for themselves. */
  isOwn: boolean;
}

export interface SessionEntry extends Linked<SessionEntry> {
  readonly id: string;
  /** The last batch that began to execute; within a checkpoint, everything that began has ended. */
  last: number;
  /** The version that it began in; of an entry that was restored, the version of the checkpoint. */
  version: number;
  /** Replies after the last one acknowledged, in order; they end with `last` once every batch has ended. */
  replies: StoredReply[];
  /** Batches that execute in another process, and will each have a reply. */
  running: number;
  /** What the replies take, with what surrounds them. */
  replyBytes: number;
  /** Replies up to this number gave way, unless they are there or were acknowledged; 0: none did. */
  givenUp: number;
  /** The connection that it began on; 0: not known any more. */
  readonly begunOn: number;
  /** Of the origin that it was last heard of from. */
  holding: Holding;
  /** The worker's up-time when the session was last heard of, whole ms; summed over restarts. */
  activeAt: number;
  /** Its client closed it. */
  ended: boolean;
  /** It is not in the table any more. */
  gone: boolean;
  /** Changed since the last checkpoint. */
  changed: boolean;
}

/** A way through all entries, a slice of them in each of several checkpoints. */
export interface Sweep {
  /** The version of its first section. */
  readonly from: number;
  /** In the order in which they came to be, those included that come to be meanwhile. */
  readonly entries: Iterator<SessionEntry>;
  /** Entries that were there when it began, and may not have been passed yet. */
  left: number;
  /** Sections that it took so far. */
  sections: number;
}

/** What the sessions of one origin hold together. An origin is where clients come from: an address, as a text. */
export interface Holding {
  /** `UNKNOWN_ORIGIN` for sessions of which that is not known: nothing is shared out among those. */
  readonly origin: string;
  sessions: number;
  replyBytes: number;
  /** What replies of its batches in flight will probably take. */
  inFlightBytes: number;
  /** Sessions that were not closed, and those that were, by when they were last heard of. */
  readonly open: Order<SessionEntry>;
  readonly ended: Order<SessionEntry>;
  /** The first of the open ones whose replies have not given way, if there is one. */
  hand: SessionEntry | undefined;
}

export interface SessionTable {
  readonly entries: Map<string, SessionEntry>;
  /** By origin, those that hold something; the unknown one is always there. */
  readonly holdings: Map<string, Holding>;
  readonly unknown: Holding;
  /** How many sessions began on each connection that is open. */
  readonly begunBy: Map<number, number>;
  /** Of all replies. */
  replyBytes: number;
  readonly changed: Set<SessionEntry>;
  readonly expired: Set<string>;
  /** The version from which on all sections together are the whole table; 0 while there are none. */
  since: number;
  sweep: Sweep | undefined;
  /** Bytes of the sections that the last sweep went through, and of those after them: decides when the next one pays. */
  sweptBytes: number;
  deltaBytes: number;
  /** Sections after the last sweep. */
  deltas: number;
  /** Sections from `since` on. */
  chained: number;
  undo: SessionUndo<SessionEntry>;
}

/**
 * What an entry takes beside its replies, and a reply beside its results: by how much a process grows (RSS) with 300,000 entries, first
 * without and then with one reply of 8 bytes each, divided by their number; Node 20 on x64.
 */
export const ENTRY_BYTES = 480;
export const REPLY_BYTES = 340;

/** Where sessions came from that were restored, and clients whose addresses say nothing. */
export const UNKNOWN_ORIGIN = '';

/** Memory for results up to this size is usually cut from a pool, which lives as long as any of its cuts. */
const POOLED_BYTES = 4 * 1024;

export function createSessionTable(): SessionTable {
  const unknown = createHolding(UNKNOWN_ORIGIN);
  return {
    entries: new Map(),
    holdings: new Map([[UNKNOWN_ORIGIN, unknown]]),
    unknown,
    begunBy: new Map(),
    replyBytes: 0,
    changed: new Set(),
    expired: new Set(),
    since: 0,
    sweep: undefined,
    sweptBytes: 0,
    deltaBytes: 0,
    deltas: 0,
    chained: 0,
    undo: createSessionUndo(),
  };
}

function createHolding(origin: string): Holding {
  const orders = { open: createOrder<SessionEntry>(), ended: createOrder<SessionEntry>() };
  return { origin, sessions: 0, replyBytes: 0, inFlightBytes: 0, ...orders, hand: undefined };
}

/** A new one enters the table with its first session. */
function holdingFor(table: SessionTable, origin: string): Holding {
  return table.holdings.get(origin) ?? createHolding(origin);
}

export function entryBytes(table: SessionTable): number {
  return table.entries.size * ENTRY_BYTES;
}

export function createEntry(
  id: string,
  last: number,
  version: number,
  activeAt: number,
  holding: Holding,
  begunOn = 0,
): SessionEntry {
  return {
    id,
    last,
    version,
    replies: [],
    running: 0,
    replyBytes: 0,
    givenUp: 0,
    begunOn,
    holding,
    activeAt,
    ended: false,
    gone: false,
    changed: false,
    older: undefined,
    newer: undefined,
  };
}

export function newEntry(
  table: SessionTable,
  id: string,
  now: number,
  connection = 0,
  origin = UNKNOWN_ORIGIN,
): SessionEntry {
  const entry = createEntry(id, 0, 0, now, holdingFor(table, origin), connection);
  if (connection > 0) table.begunBy.set(connection, (table.begunBy.get(connection) ?? 0) + 1);
  table.entries.set(id, entry);
  table.expired.delete(id);
  enlist(table, entry);
  change(table, entry, true);
  return entry;
}

/** Put it behind all of its origin that were heard of before. */
export function enlist(table: SessionTable, entry: SessionEntry): void {
  const { holding } = entry;
  if (holding.sessions++ === 0) table.holdings.set(holding.origin, holding);
  holding.replyBytes += entry.replyBytes;
  join(entry.ended ? holding.ended : holding.open, entry);
  if (!entry.ended) holding.hand ??= entry;
}

function unlist(table: SessionTable, entry: SessionEntry): void {
  const { holding } = entry;
  holding.sessions--;
  holding.replyBytes -= entry.replyBytes;
  if (holding.hand === entry) holding.hand = entry.newer;
  leave(entry.ended ? holding.ended : holding.open, entry);
  if (holding.sessions === 0 && holding !== table.unknown) table.holdings.delete(holding.origin);
}

/**
 * The session was heard of. What still comes of a closed one keeps nothing alive.
 * @param origin where from, if that is known: its client may have another address by now
 */
export function heard(table: SessionTable, entry: SessionEntry, now: number, origin = UNKNOWN_ORIGIN): void {
  const moves = origin !== UNKNOWN_ORIGIN && origin !== entry.holding.origin;
  if (entry.ended || (entry.activeAt === now && !moves)) return; // among those of one ms the order does not matter
  entry.activeAt = now;
  if (entry.newer === undefined && !moves) return;
  unlist(table, entry);
  if (moves) entry.holding = holdingFor(table, origin);
  enlist(table, entry);
}

/** After a rollback: where the sessions come from that were there before it is known still. */
export function keepOrigins(table: SessionTable, before: SessionTable): void {
  for (const order of [table.unknown.open, table.unknown.ended]) {
    for (let next, entry = first(order); entry !== undefined; entry = next) {
      next = entry.newer;
      const origin = before.entries.get(entry.id)?.holding.origin ?? UNKNOWN_ORIGIN;
      if (origin === UNKNOWN_ORIGIN) continue;
      unlist(table, entry);
      entry.holding = holdingFor(table, origin);
      enlist(table, entry);
    }
  }
}

/** The entry is about to change. */
export function touch(table: SessionTable, entry: SessionEntry): void {
  if (!entry.changed) change(table, entry, false);
}

function change(table: SessionTable, entry: SessionEntry, isNew: boolean): void {
  keepImage(table.undo, entry, isNew);
  entry.changed = true;
  table.changed.add(entry);
}

/** Keep a reply until the client has it. Of batches that overlap, an earlier one may end later. */
export function keepReply(table: SessionTable, entry: SessionEntry, reply: StoredReply): void {
  if (entry.ended || entry.gone) return;
  const { replies } = entry;
  const last = replies.at(-1);
  if (last === undefined)
    entry.replies = [reply]; // no longer than it need be: of many sessions most have one
  else if (last.sequence < reply.sequence) replies.push(reply);
  else
    replies.splice(
      replies.findIndex((stored) => stored.sequence > reply.sequence),
      0,
      reply,
    );
  account(table, entry, bytesOf(reply));
}

export function bytesOf({ results }: StoredReply): number {
  return REPLY_BYTES + results.length;
}

function account(table: SessionTable, entry: SessionEntry, bytes: number): void {
  entry.replyBytes += bytes;
  entry.holding.replyBytes += bytes;
  table.replyBytes += bytes;
}

/** Forget the replies that the client has. */
export function acknowledge(table: SessionTable, entry: SessionEntry, upTo: number): void {
  if (entry.givenUp <= upTo) entry.givenUp = 0; // what gave way had arrived
  let known = 0;
  let bytes = 0;
  for (const reply of entry.replies) {
    if (reply.sequence > upTo) break;
    known++;
    bytes += bytesOf(reply);
  }
  if (known === 0) return;
  if (known === entry.replies.length) entry.replies = [];
  else entry.replies.splice(0, known);
  account(table, entry, -bytes);
}

export function dropReplies(table: SessionTable, entry: SessionEntry): void {
  entry.replies = [];
  account(table, entry, -entry.replyBytes);
}

/**
 * The session has ended. Its number stays for a while: a copy of a batch may still be on its way, over a connection that the
 * client gave up before, and must not execute again.
 */
export function endSession(table: SessionTable, session: string, now: number): void {
  const entry = table.entries.get(session);
  if (entry === undefined || entry.ended) return;
  touch(table, entry);
  dropReplies(table, entry);
  unlist(table, entry);
  entry.ended = true;
  entry.activeAt = now;
  enlist(table, entry);
}

export function storedReply(entry: SessionEntry, sequence: number): StoredReply | undefined {
  const oldest = entry.replies[0]?.sequence ?? 0;
  const direct = entry.replies[sequence - oldest];
  return direct?.sequence === sequence ? direct : entry.replies.find((reply) => reply.sequence === sequence);
}

/** Results that are kept for longer do not keep a pool, or a large message, with them. */
export function ownResults({ replies }: SessionEntry): void {
  for (const reply of replies) {
    if (reply.isOwn) continue;
    reply.results = ownBytes(reply.results);
    reply.isOwn = true;
  }
}

/** The same bytes, in memory that holds little else. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length <= POOLED_BYTES || bytes.buffer.byteLength > 2 * bytes.length ? new Uint8Array(bytes) : bytes;
}

/** Forget the session. */
export function drop(table: SessionTable, entry: SessionEntry): void {
  touch(table, entry);
  remove(table, entry);
  table.expired.add(entry.id);
}

function remove(table: SessionTable, entry: SessionEntry): void {
  const begun = table.begunBy.get(entry.begunOn);
  if (begun !== undefined) table.begunBy.set(entry.begunOn, begun - 1);
  dropReplies(table, entry);
  unlist(table, entry);
  table.entries.delete(entry.id);
  table.changed.delete(entry);
  entry.changed = false;
  entry.gone = true;
}

/**
 * Undo what changed after `version`, which is not below the last one that was committed or restored: numbers and replies are again what they
 * were at its end.
 * @param now up-time: sessions that come back were heard of now
 */
export function rollBackSessions(table: SessionTable, version: number, now: number): void {
  const { images, chain } = takeImages(table.undo, version);
  for (const entry of table.changed) entry.changed = false;
  table.changed.clear();
  table.expired.clear();
  for (const { entry, isNew, replies, replyBytes, ended, ...numbers } of images) {
    if (isNew) {
      if (!entry.gone) remove(table, entry);
      continue;
    }
    if (entry.gone) comeBack(table, entry, now);
    if (entry.ended !== ended) reopen(table, entry, now);
    Object.assign(entry, numbers);
    entry.replies = replies; // its images are gone
    account(table, entry, replyBytes - entry.replyBytes);
  }
  // Replies came back that had given way: the next search for room begins with the oldest again.
  for (const holding of table.holdings.values()) holding.hand = first(holding.open);
  Object.assign(table, { since: chain.since, chained: chain.chained, sweep: undefined });
}

function comeBack(table: SessionTable, entry: SessionEntry, now: number): void {
  entry.gone = false;
  entry.activeAt = now;
  entry.holding = holdingFor(table, entry.holding.origin);
  const begun = table.begunBy.get(entry.begunOn);
  if (begun !== undefined) table.begunBy.set(entry.begunOn, begun + 1);
  table.entries.set(entry.id, entry);
  enlist(table, entry);
}

/** A session that a client closed is open again. */
function reopen(table: SessionTable, entry: SessionEntry, now: number): void {
  unlist(table, entry);
  entry.ended = !entry.ended;
  entry.activeAt = now;
  enlist(table, entry);
}
