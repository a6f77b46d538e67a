/**
 * Which sessions a worker forgets: those that expired, and, where there are too many, those that were idle for longest. First replies give
 * way that no client asked for, whose session still knows its numbers, then entries that no copy of a batch can meet any more.
 */
import { first, type Order } from './session-order.ts';
import { drop, dropReplies, touch, type Holding, type SessionEntry, type SessionTable } from './session-table.ts';

/** How long idle sessions stay; ms of the worker's up-time. */
export interface Patience {
  /** Any, */
  readonly sessionExpiryMs: number;
  /** one that its client closed, */
  readonly endedExpiryMs: number;
  /** and one when room is short, if what it executed is committed. */
  readonly giveWayMs: number;
  /** Replies when room is short. */
  readonly replyGiveWayMs: number;
}

/** What can still come of sessions. */
export interface Due {
  /** The worker's up-time. */
  readonly now: number;
  /** No rollback asks for what is not above it. */
  readonly committed: number;
  /** What clients had sent before that up-time has arrived, or never will. */
  readonly arrivedUpTo: number;
}

/** Drop entries that were idle for too long. */
export function expire(table: SessionTable, now: number, { sessionExpiryMs, endedExpiryMs }: Patience): void {
  for (const { ended, open } of table.holdings.values()) {
    dropIdle(table, ended, now, endedExpiryMs);
    dropIdle(table, open, now, sessionExpiryMs);
  }
}

function dropIdle(table: SessionTable, order: Order<SessionEntry>, now: number, expiryMs: number): void {
  for (let entry = first(order); entry !== undefined; entry = first(order)) {
    if (now - entry.activeAt <= expiryMs) return;
    drop(table, entry);
  }
}

/**
 * Have sessions that were closed give way until their origin has few enough. Each client that was connected when one was closed, or
 * soon after, has given a sign since that came behind everything that it had sent before, or is gone: no copy of a batch can come.
 */
export function shedEnded(table: SessionTable, isEnough: (holding: Holding) => boolean, due: Due): void {
  for (const holding of table.holdings.values()) shedEndedOf(table, holding, () => isEnough(holding), due);
}

function shedEndedOf(table: SessionTable, { ended }: Holding, isEnough: () => boolean, { arrivedUpTo }: Due): void {
  for (let oldest = first(ended); oldest !== undefined && !isEnough(); oldest = first(ended)) {
    if (oldest.activeAt >= arrivedUpTo) return;
    drop(table, oldest);
  }
}

/**
 * Have the sessions of one origin that were idle for longest give way until there is room enough. One goes only once no client sends
 * again what it executed, and no rollback can ask for what it knows.
 * @returns whether there is
 */
export function shedEntries(
  table: SessionTable,
  holding: Holding,
  isEnough: () => boolean,
  due: Due,
  { endedExpiryMs, giveWayMs }: Patience,
): boolean {
  const { now, committed } = due;
  dropIdle(table, holding.ended, now, endedExpiryMs);
  shedEndedOf(table, holding, isEnough, due);
  while (!isEnough()) {
    const oldest = first(holding.open);
    if (oldest === undefined || now - oldest.activeAt <= giveWayMs || oldest.version > committed) return false;
    drop(table, oldest);
  }
  return true;
}

/**
 * Have the replies of those sessions of one origin give way that were idle for longest, until there is room enough. Their sessions
 * stay: a batch that the client sends again does not execute, and it is told that the reply is not there any more.
 * @returns whether there is
 */
export function shedReplies(
  table: SessionTable,
  holding: Holding,
  isEnough: () => boolean,
  now: number,
  { replyGiveWayMs }: Patience,
): boolean {
  while (!isEnough()) {
    const { hand } = holding;
    if (hand === undefined || now - hand.activeAt <= replyGiveWayMs) return false;
    holding.hand = hand.newer;
    const last = hand.replies.at(-1);
    if (last === undefined) continue;
    touch(table, hand);
    hand.givenUp = last.sequence;
    dropReplies(table, hand);
  }
  return true;
}
