/**
 * A worker's memory of its sessions, for exactly-once: which batch of each was the last to execute, and the replies that the
 * client has not acknowledged. The table is part of every checkpoint: a section has what changed since the last one. So that a
 * restart does not read all sections there ever were, from time to time some of them, in a row, also have a slice of what did not
 * change, until together they are the whole table.
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
  /** The version from which on all sections together are the whole table; 0 while there are none. */
  since: number;
  sweep: Sweep | undefined;
  /** Bytes of the sections that the last sweep went through, and of those after them: decides when the next one pays. */
  sweptBytes: number;
  deltaBytes: number;
  /** Sections after the last sweep. */
  deltas: number;
}

/** A way through all entries, a slice at a time. */
interface Sweep {
  /** The version of its first section. */
  readonly from: number;
  /** In the order in which they came to be, those included that come to be meanwhile. */
  readonly entries: Iterator<SessionEntry>;
  /** Entries that were there when it began, and may not have been passed yet. */
  left: number;
}

/** A checkpoint's section of the table. */
export interface SessionSection {
  /** With the sections of all checkpoints from this version on it is the whole table; its own version: it is that by itself. */
  readonly since: number;
  readonly bytes: Uint8Array;
}

/** Sections that may follow a sweep before the next one begins. */
const MAX_DELTAS = 1_024;
/** Sections that a sweep takes, unless more is written anyway: a restart reads all of both and of one more sweep at most. */
const SWEEP_SECTIONS = 256;
/** A table that was restored from more sections than this is written as a whole: rollbacks may have cut every sweep short. */
export const MAX_RESTORED_SECTIONS = MAX_DELTAS + 2 * SWEEP_SECTIONS;
/** A slice is this many times what changed, if that is more: where much is written anyway, a sweep is short. */
const SLICE_PER_CHANGE = 2;

export function createSessionTable(): SessionTable {
  return {
    entries: new Map(),
    changed: new Set(),
    expired: new Set(),
    since: 0,
    sweep: undefined,
    sweptBytes: 0,
    deltaBytes: 0,
    deltas: 0,
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

/**
 * The session has ended. Its number stays until it expires: a copy of a batch may still be on its way, over a connection that the
 * client gave up before, and must not execute again.
 */
export function forgetReplies(table: SessionTable, session: string): void {
  const entry = table.entries.get(session);
  if (entry === undefined || entry.replies.length === 0) return;
  entry.replies = [];
  touch(table, entry);
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

/** Take the table's state for the checkpoint of `version`, which is sealed now: what changed, and a slice if a sweep is under way. */
export function sealSection(table: SessionTable, version: number, upTime: number): SessionSection {
  if (table.sweep === undefined && isSweepDue(table)) {
    table.sweep = { from: version, entries: table.entries.values(), left: table.entries.size };
  }
  const writer = new Writer();
  section.write(writer, { upTime, entries: [...table.changed, ...slice(table)], expired: [...table.expired] });
  for (const entry of table.changed) entry.changed = false;
  table.changed.clear();
  table.expired.clear();
  const bytes = writer.finish();
  const { sweep } = table;
  if (sweep === undefined) {
    table.deltaBytes += bytes.length;
    table.deltas++;
  } else {
    table.sweptBytes = bytes.length + (sweep.from === version ? 0 : table.sweptBytes);
    if (sweep.left === 0) Object.assign(table, { since: sweep.from, sweep: undefined, deltaBytes: 0, deltas: 0 });
  }
  return { since: table.since, bytes };
}

/** It is due when it is the first one, when it costs nothing more, and when a restart would read too much without it. */
function isSweepDue({ since, entries, changed, deltas, deltaBytes, sweptBytes }: SessionTable): boolean {
  return since === 0 || changed.size >= entries.size || deltas >= MAX_DELTAS || deltaBytes > sweptBytes;
}

/** The sweep's next entries, but for those that are written anyway. */
function slice({ sweep, since, entries, changed }: SessionTable): SessionEntry[] {
  const taken: SessionEntry[] = [];
  if (sweep === undefined) return taken;
  const share = Math.max(Math.ceil(entries.size / SWEEP_SECTIONS), SLICE_PER_CHANGE * changed.size);
  for (let room = since === 0 ? Infinity : share; room > 0 && sweep.left > 0; sweep.left--) {
    const next = sweep.entries.next();
    if (next.done === true) {
      sweep.left = 0; // others expired
      break;
    }
    if (next.value.changed) continue;
    taken.push(next.value);
    room--;
  }
  return taken;
}

/**
 * The table that the sections describe which a checkpoint needs, in order. Those stay with the volume, so the next sections go on
 * from them, the first ones with a sweep.
 * @param since the version of the first one; 0 without any
 * @returns the table, and the up-time that it was sealed at
 * @throws FrameError when a section cannot be read
 */
export function restoreTable(sections: readonly Uint8Array[], since: number): { table: SessionTable; upTime: number } {
  const table = createSessionTable();
  if (sections.length <= MAX_RESTORED_SECTIONS) table.since = since;
  let upTime = 0;
  for (const bytes of sections) {
    const reader = new Reader(bytes, 0);
    const read = section.read(reader);
    reader.end();
    upTime = read.upTime;
    table.deltaBytes += bytes.length; // a sweep is due
    for (const id of read.expired) table.entries.delete(id);
    for (const { id, last, activeAt, replies } of read.entries) {
      table.entries.set(id, { id, last, activeAt, replies: [...replies], changed: false });
    }
  }
  return { table, upTime };
}
