/**
 * A worker's memory of its sessions, for exactly-once: which batch of each was the last to execute, and the replies that the
 * client has not acknowledged. The table is part of every checkpoint, as a whole or as what changed since the last one.
 */
import { fields, MAX_BATCH_BYTES, MAX_SESSIONS, MAX_UNACKNOWLEDGED_BATCHES, Reader, Writer } from '@dpr/protocol';

export interface StoredReply {
  readonly sequence: number;
  readonly version: number;
  readonly count: number;
  readonly results: Uint8Array;
}

export interface SessionEntry {
  readonly id: string;
  /** The last batch that began to execute; within a checkpoint, everything that began has ended. */
  last: number;
  /** Replies after the last one acknowledged, in order; they end with `last` once every batch has ended. */
  replies: StoredReply[];
  /** The worker's up-time when the session was last heard of, whole ms; summed over restarts. */
  activeAt: number;
  /** Changed since the last checkpoint. */
  changed: boolean;
}

export interface SessionTable {
  readonly entries: Map<string, SessionEntry>;
  readonly changed: Set<SessionEntry>;
  readonly expired: Set<string>;
  /** Bytes of the last full section, and of the deltas since: decides when the next full one pays. */
  fullBytes: number;
  deltaBytes: number;
  deltas: number;
  /** The next section must be a full one. */
  needsFull: boolean;
}

/** A checkpoint's section of the table: all of it, or what changed since its predecessor. */
export interface SessionSection {
  readonly base: 'full' | 'delta';
  readonly bytes: Uint8Array;
}

/** Deltas that may follow a full section, so that a restart never reads more files than this. */
const MAX_DELTAS = 256;

export function createSessionTable(): SessionTable {
  return {
    entries: new Map(),
    changed: new Set(),
    expired: new Set(),
    fullBytes: 0,
    deltaBytes: 0,
    deltas: 0,
    needsFull: true,
  };
}

export function newEntry(table: SessionTable, id: string, now: number): SessionEntry {
  const entry: SessionEntry = { id, last: 0, replies: [], activeAt: now, changed: false };
  table.entries.set(id, entry);
  table.expired.delete(id);
  return entry;
}

export function touch(table: SessionTable, entry: SessionEntry): void {
  if (entry.changed) return;
  entry.changed = true;
  table.changed.add(entry);
}

/** Keep a reply until the client has it. Of batches that overlap, an earlier one may end later. */
export function keepReply(entry: SessionEntry, reply: StoredReply): void {
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
}

/** Forget the replies that the client has. */
export function acknowledge(entry: SessionEntry, upTo: number): void {
  let known = 0;
  for (const reply of entry.replies) {
    if (reply.sequence > upTo) break;
    known++;
  }
  if (known === entry.replies.length) entry.replies = [];
  else if (known > 0) entry.replies.splice(0, known);
}

export function storedReply(entry: SessionEntry, sequence: number): StoredReply | undefined {
  const first = entry.replies[0]?.sequence ?? 0;
  const direct = entry.replies[sequence - first];
  return direct?.sequence === sequence ? direct : entry.replies.find((reply) => reply.sequence === sequence);
}

/** Drop entries that were idle for longer than `expiryMs`. */
export function expire(table: SessionTable, now: number, expiryMs: number): void {
  for (const entry of table.entries.values()) {
    if (now - entry.activeAt <= expiryMs) continue;
    table.entries.delete(entry.id);
    table.changed.delete(entry);
    table.expired.add(entry.id);
  }
}

const { u32, u64, id128, list, struct } = fields;

const bytesField: fields.Field<Uint8Array> = {
  layout: `u32 length (<= ${MAX_BATCH_BYTES}), bytes`,
  smallest: 4,
  write(writer, value) {
    writer.u32(value.length);
    writer.raw(value);
  },
  read: (reader) => Uint8Array.from(reader.raw(Math.min(reader.u32(), MAX_BATCH_BYTES))),
};
const reply = struct({ sequence: u64, version: u64, count: u32, results: bytesField });
const section = struct({
  upTime: u64,
  entries: list(
    struct({ id: id128, last: u64, activeAt: u64, replies: list(reply, MAX_UNACKNOWLEDGED_BATCHES) }),
    MAX_SESSIONS,
  ),
  expired: list(id128, MAX_SESSIONS),
});

/** Take the table's state for a checkpoint that is sealed now. A delta costs what changed, a full section what exists. */
export function sealSection(table: SessionTable, upTime: number): SessionSection {
  const full =
    table.needsFull ||
    table.changed.size >= table.entries.size ||
    table.deltas >= MAX_DELTAS ||
    table.deltaBytes > table.fullBytes;
  const writer = new Writer();
  section.write(writer, {
    upTime,
    entries: [...(full ? table.entries.values() : table.changed)],
    expired: full ? [] : [...table.expired],
  });
  for (const entry of table.changed) entry.changed = false;
  table.changed.clear();
  table.expired.clear();
  const bytes = writer.finish();
  if (full) Object.assign(table, { fullBytes: bytes.length, deltaBytes: 0, deltas: 0, needsFull: false });
  else Object.assign(table, { deltaBytes: table.deltaBytes + bytes.length, deltas: table.deltas + 1 });
  return { base: full ? 'full' : 'delta', bytes };
}

/**
 * The table that a checkpoint's sections describe: a full one, then deltas, in order.
 * @returns the table, and the up-time that it was sealed at
 * @throws FrameError when a section cannot be read
 */
export function restoreTable(sections: readonly Uint8Array[]): { table: SessionTable; upTime: number } {
  const table = createSessionTable();
  let upTime = 0;
  for (const bytes of sections) {
    const reader = new Reader(bytes, 0);
    const read = section.read(reader);
    reader.end();
    upTime = read.upTime;
    for (const id of read.expired) table.entries.delete(id);
    for (const { id, last, activeAt, replies } of read.entries) {
      table.entries.set(id, { id, last, activeAt, replies: [...replies], changed: false });
    }
  }
  return { table, upTime };
}
