/**
 * The Finder's durable record: everything it must never forget, in one piece, so that membership, history and cut cannot
 * disagree after any crash.
 */
import {
  fields,
  MAX_CUT_ENTRIES,
  MAX_DECISIONS,
  MAX_FINDER_STARTS,
  MAX_HOST_BYTES,
  MAX_TYPE_BYTES,
  MAX_WORKERS,
  Reader,
  Writer,
  type Decision,
} from '@dpr/protocol';

/** A worker that belongs to the cluster. */
export interface MemberRecord {
  readonly generation: number;
  /** The version below which this generation has nothing: its empty state. */
  readonly base: number;
  /** The first incarnation of this generation; later ones are restarts. */
  readonly firstIncarnation: number;
  readonly type: string;
  readonly host: string;
  readonly port: number;
  /** The last incarnation handed out; every earlier one is fenced. */
  readonly claimed: number;
  /** The last incarnation that registered, 0 if none did. */
  readonly registered: number;
  /** Names the process that `claimed` was handed to, so that a repeated claim gets the same answer. */
  readonly boot: string;
  /** What the last registration was told to restore, and in which world-line. */
  readonly answer: { readonly worldLine: number; readonly base: number };
  /** An administrator asked it to leave. */
  readonly leaving: boolean;
}

/** What remains of a removed worker. */
export interface Tombstone {
  readonly generation: number;
  readonly version: number;
  /** Incarnations of a later generation continue above it, so that a zombie of this one stays fenced. */
  readonly incarnation: number;
}

export interface FinderRecord {
  readonly cluster: string;
  /** Grows by one with each write. */
  readonly counter: number;
  /** The Finder's starts, oldest first, each with the first counter that it wrote. */
  readonly starts: readonly { readonly start: string; readonly counter: number }[];
  readonly worldLine: number;
  readonly membership: number;
  readonly members: ReadonlyMap<number, MemberRecord>;
  readonly tombstones: ReadonlyMap<number, Tombstone>;
  readonly decisions: readonly Decision[];
  readonly cut: ReadonlyMap<number, number>;
}

const { u16, u32, u64, id64, id128, flag, text, list, struct, byWorker } = fields;

const FORMAT = 1;
const versions = byWorker(u64, MAX_CUT_ENTRIES);
const layout = struct({
  format: u16,
  cluster: id128,
  counter: u64,
  starts: list(struct({ start: id64, counter: u64 }), MAX_FINDER_STARTS),
  worldLine: u32,
  membership: u64,
  members: list(
    struct({
      id: u32,
      generation: u32,
      base: u64,
      firstIncarnation: u32,
      type: text(MAX_TYPE_BYTES),
      host: text(MAX_HOST_BYTES),
      port: u16,
      claimed: u32,
      registered: u32,
      boot: id128,
      answer: struct({ worldLine: u32, base: u64 }),
      leaving: flag,
    }),
    MAX_WORKERS,
  ),
  tombstones: list(struct({ id: u32, generation: u32, version: u64, incarnation: u32 }), MAX_CUT_ENTRIES),
  decisions: list(
    struct({ worldLine: u32, prefix: versions, entitled: byWorker(u32, MAX_CUT_ENTRIES) }),
    MAX_DECISIONS,
  ),
  cut: versions,
});

export function encodeRecord(record: FinderRecord): Buffer {
  const writer = new Writer();
  const members = [...record.members].map(([id, member]) => ({ id, ...member }));
  const tombstones = [...record.tombstones].map(([id, tombstone]) => ({ id, ...tombstone }));
  layout.write(writer, { format: FORMAT, ...record, members, tombstones });
  return writer.finish();
}

/** @throws FrameError when the bytes are not a record of this format. */
export function decodeRecord(bytes: Uint8Array): FinderRecord {
  const reader = new Reader(bytes, 0);
  const { format, members, tombstones, ...rest } = layout.read(reader);
  reader.end();
  if (format !== FORMAT)
    throw new Error(`the Finder's record has format ${format}; this Finder reads format ${FORMAT}`);
  return {
    ...rest,
    members: new Map(members.map(({ id, ...member }) => [id, member])),
    tombstones: new Map(tombstones.map(({ id, ...tombstone }) => [id, tombstone])),
  };
}
