/**
 * The session table in checkpoints: a section has what changed since the last one. So that a restart does not read all sections
 * there ever were, from time to time some of them, in a row, also have a slice of what did not change, until together they are the
 * whole table.
 */
import { fields, MAX_BATCH_BYTES, MAX_SESSIONS, MAX_UNACKNOWLEDGED_BATCHES, Reader, Writer } from '@dpr/protocol';
import {
  bytesOf,
  createEntry,
  createSessionTable,
  enlist,
  ownResults,
  type SessionEntry,
  type SessionTable,
} from './session-table.ts';
import { createSessionUndo, sealImages } from './session-undo.ts';

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
/** A table that is in more sections than this is written as a whole: rollbacks may have cut every sweep short. */
export const MAX_RESTORED_SECTIONS = MAX_DELTAS + 2 * SWEEP_SECTIONS;
/** A slice has this many times the bytes of what changed, if that is more: where much is written anyway, a sweep is short. */
const SLICE_PER_CHANGE = 2;

const { u32, u64, id128, list, struct } = fields;

const bytesField: fields.Field<Uint8Array> = {
  layout: `u32 length (<= ${MAX_BATCH_BYTES}), bytes`,
  smallest: 4,
  write(writer, value) {
    writer.u32(value.length);
    writer.raw(value);
  },
  read: (reader) => new Uint8Array(reader.raw(Math.min(reader.u32(), MAX_BATCH_BYTES))),
};
const reply = struct({ sequence: u64, version: u64, count: u32, results: bytesField });
const entry = struct({ id: id128, last: u64, activeAt: u64, replies: list(reply, MAX_UNACKNOWLEDGED_BATCHES) });
/** Sessions that expired between two seals were in the table, and those that came in their place are as many at most. */
const section = struct({
  upTime: u64,
  entries: list(entry, MAX_SESSIONS),
  expired: list(id128, 2 ** 32 - 1),
});
/** What follows where there is anything of it: a section without it is as it was before there was such a thing. */
const marks = struct({
  ended: list(id128, MAX_SESSIONS),
  givenUp: list(struct({ id: id128, upTo: u64 }), MAX_SESSIONS),
});
/** The fields of a section without any item. */
const SECTION_BYTES = section.smallest + marks.smallest;

/** Take the table's state for the checkpoint of `version`, which is sealed now: what changed, and a slice if a sweep is under way. */
export function sealSection(table: SessionTable, version: number, upTime: number): SessionSection {
  if (table.sweep === undefined && table.chained > MAX_RESTORED_SECTIONS) table.since = 0;
  if (table.sweep === undefined && isSweepDue(table)) {
    table.sweep = { from: version, entries: table.entries.values(), left: table.entries.size, sections: 0 };
  }
  const bytes = writeSection([...table.changed, ...slice(table)], [...table.expired], upTime);
  for (const changed of table.changed) {
    changed.changed = false;
    ownResults(changed);
  }
  table.changed.clear();
  table.expired.clear();
  table.chained++;
  const { sweep } = table;
  if (sweep === undefined) {
    table.deltaBytes += bytes.length;
    table.deltas++;
  } else {
    table.sweptBytes = bytes.length + (sweep.from === version ? 0 : table.sweptBytes);
    sweep.sections++;
    if (sweep.left === 0) {
      const { from: since, sections: chained } = sweep;
      Object.assign(table, { since, chained, sweep: undefined, deltaBytes: 0, deltas: 0 });
    }
  }
  sealImages(table.undo, version, table);
  return { since: table.since, bytes };
}

/** In memory of just its size: it waits for the disk, perhaps among others. */
function writeSection(entries: readonly SessionEntry[], expired: readonly string[], upTime: number): Uint8Array {
  const ended = entries.filter((one) => one.ended).map(({ id }) => id);
  const givenUp = entries.filter((one) => one.givenUp > 0).map(({ id, givenUp: upTo }) => ({ id, upTo }));
  const ids = id128.smallest * (expired.length + ended.length + givenUp.length) + u64.smallest * givenUp.length;
  const size = entries.reduce((sum, one) => sum + writtenBytes(one), SECTION_BYTES + ids);
  const writer = new Writer(Infinity, size);
  section.write(writer, { upTime, entries, expired });
  if (ended.length > 0 || givenUp.length > 0) marks.write(writer, { ended, givenUp });
  return writer.finish();
}

function writtenBytes({ replies }: SessionEntry): number {
  let bytes = entry.smallest;
  for (const { results } of replies) bytes += reply.smallest + results.length;
  return bytes;
}

/** It is due when it is the first one, when it costs nothing more, and when a restart would read too much without it. */
function isSweepDue({ since, entries, changed, deltas, deltaBytes, sweptBytes }: SessionTable): boolean {
  return since === 0 || changed.size >= entries.size || deltas >= MAX_DELTAS || deltaBytes > sweptBytes;
}

/** The sweep's next entries, but for those that are written anyway. */
function slice({ sweep, since, entries, changed }: SessionTable): SessionEntry[] {
  const taken: SessionEntry[] = [];
  if (sweep === undefined) return taken;
  const share = since === 0 ? Infinity : Math.ceil(entries.size / SWEEP_SECTIONS);
  let bytes = 0;
  for (const one of changed) bytes -= SLICE_PER_CHANGE * writtenBytes(one);
  for (; sweep.left > 0 && (taken.length < share || bytes < 0); sweep.left--) {
    const next = sweep.entries.next();
    if (next.done === true) {
      sweep.left = 0; // others expired
      break;
    }
    if (next.value.changed) continue;
    taken.push(next.value);
    bytes += writtenBytes(next.value);
  }
  return taken;
}

/** What a checkpoint remembers of the sessions. */
export interface RestoredSessions {
  readonly table: SessionTable;
  /** The up-time that it was sealed at. */
  readonly upTime: number;
}

/** Reads the sections that a checkpoint needs, in order and one at a time: together they may be several times the table. */
export interface SectionReader {
  /** @throws FrameError when the section cannot be read */
  readonly take: (bytes: Uint8Array) => void;
  /**
   * The table that the sections describe. They stay with the volume, so the next ones go on from them, the first ones with a sweep.
   * @param since the version of the first one; 0 without any
   * @param version the checkpoint's
   */
  readonly finish: (since: number, version: number) => RestoredSessions;
}

export function sectionReader(): SectionReader {
  const table = createSessionTable();
  const { entries } = table;
  let upTime = 0;
  let sections = 0;
  return {
    take(bytes) {
      const reader = new Reader(bytes, 0);
      const read = section.read(reader);
      const marked = reader.remaining > 0 ? marks.read(reader) : { ended: [], givenUp: [] };
      reader.end();
      upTime = read.upTime;
      sections++;
      table.deltaBytes += bytes.length; // a sweep is due
      for (const id of read.expired) entries.delete(id);
      for (const { id, last, activeAt, replies } of read.entries) {
        const one = createEntry(id, last, 0, activeAt, table.unknown);
        one.replies = replies.map((stored) => ({ ...stored, isOwn: true }));
        entries.set(id, one);
      }
      for (const id of marked.ended) Object.assign(entries.get(id) ?? {}, { ended: true });
      for (const { id, upTo } of marked.givenUp) Object.assign(entries.get(id) ?? {}, { givenUp: upTo });
    },
    finish(since, version) {
      if (sections <= MAX_RESTORED_SECTIONS) Object.assign(table, { since, chained: sections });
      table.undo = createSessionUndo({ since: table.since, chained: table.chained });
      for (const one of [...entries.values()].sort((a, b) => a.activeAt - b.activeAt)) {
        one.version = version;
        for (const stored of one.replies) one.replyBytes += bytesOf(stored);
        table.replyBytes += one.replyBytes;
        enlist(table, one);
      }
      return { table, upTime };
    },
  };
}
