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
  MAX_KEPT_GENERATIONS,
  MAX_TYPE_BYTES,
  MAX_WORKERS,
  Reader,
  Writer,
  type Decision,
} from '@dpr/protocol';

/** A checkpoint of an earlier generation: the state that a later one begins with. */
export interface Seed {
  readonly generation: number;
  readonly version: number;
}

/** A worker that belongs to the cluster. */
export interface MemberRecord {
  readonly generation: number;
  /** The version at which this generation begins: below it there is nothing of it. */
  readonly base: number;
  /** What its state at `base` is; undefined: empty. */
  readonly seed: Seed | undefined;
  /** Later incarnations are restarts: the first of this generation, and one further for each start after a clean shutdown. */
  readonly restartsFrom: number;
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

/** What was committed of a generation when it was removed. */
export interface Removal {
  readonly generation: number;
  /** Its entry in the cut; 0 if it had nothing, neither of its own nor from an earlier one. */
  readonly version: number;
  readonly seed: Seed | undefined;
}

/** What remains of a removed worker. */
export interface Tombstone {
  readonly generation: number;
  readonly version: number;
  /** Incarnations of a later generation continue above it, so that a zombie of this one stays fenced. */
  readonly incarnation: number;
  /** The newest removals of this id, oldest first: as many as a volume may keep generations. */
  readonly removals: readonly Removal[];
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

const { u16, u32, u64, id64, id128, flag, text, list, optional, struct, byWorker, remembered } = fields;

const FORMAT = 2;
/** Knows neither seeds nor earlier removals. */
const FIRST_FORMAT = 1;
const versions = byWorker(u64, MAX_CUT_ENTRIES);
const seed = optional(struct({ generation: u32, version: u64 }));
const memberFields = {
  id: u32,
  generation: u32,
  base: u64,
  restartsFrom: u32,
  type: text(MAX_TYPE_BYTES),
  host: text(MAX_HOST_BYTES),
  port: u16,
  claimed: u32,
  registered: u32,
  boot: id128,
  answer: struct({ worldLine: u32, base: u64 }),
  leaving: flag,
};
const member = struct({ ...memberFields, seed });
const tombstoneFields = { id: u32, generation: u32, version: u64, incarnation: u32 };
const removal = struct({ generation: u32, version: u64, seed });
const tombstone = struct({ ...tombstoneFields, removals: list(removal, MAX_KEPT_GENERATIONS) });
const decision = struct({ worldLine: u32, prefix: versions, entitled: byWorker(u32, MAX_CUT_ENTRIES) });
// Most writes change the cut alone: what else is large is encoded only when it was replaced.
const headFields = {
  cluster: id128,
  counter: u64,
  starts: list(struct({ start: id64, counter: u64 }), MAX_FINDER_STARTS),
  worldLine: u32,
  membership: u64,
};
const tailFields = { decisions: list(remembered(decision), MAX_DECISIONS), cut: versions };
const layout = struct({
  ...headFields,
  members: remembered(byId<MemberRecord>(member, MAX_WORKERS)),
  tombstones: remembered(byId<Tombstone>(tombstone, MAX_CUT_ENTRIES)),
  ...tailFields,
});
const firstLayout = struct({
  ...headFields,
  members: byId<Omit<MemberRecord, 'seed'>>(struct(memberFields), MAX_WORKERS),
  tombstones: byId<Omit<Tombstone, 'removals'>>(struct(tombstoneFields), MAX_CUT_ENTRIES),
  ...tailFields,
});

type Field<T> = fields.Field<T>;

function byId<Entry>(entry: Field<{ id: number } & Entry>, max: number): Field<ReadonlyMap<number, Entry>> {
  const entries = list(entry, max);
  return {
    ...entries,
    write: (writer, map) =>
      entries.write(
        writer,
        [...map].map(([id, one]) => ({ id, ...one })),
      ),
    read: (reader) => new Map(entries.read(reader).map(({ id, ...one }) => [id, one as Entry])),
  };
}

export function encodeRecord(record: FinderRecord): Buffer {
  const writer = new Writer();
  writer.u16(FORMAT);
  layout.write(writer, record);
  return writer.finish();
}

/** @throws FrameError when the bytes are not a record of this format. */
export function decodeRecord(bytes: Uint8Array): FinderRecord {
  const reader = new Reader(bytes, 0);
  const format = reader.u16();
  if (format !== FORMAT && format !== FIRST_FORMAT) {
    throw new Error(`the Finder's record has format ${format}; this Finder reads formats up to ${FORMAT}`);
  }
  const record = format === FORMAT ? layout.read(reader) : readFirst(reader);
  reader.end();
  return record;
}

/** What was removed before is remembered as far as that record tells: the last removal of each id. */
function readFirst(reader: Reader): FinderRecord {
  const { members, tombstones, ...rest } = firstLayout.read(reader);
  const removalOf = ({ generation, version }: Omit<Tombstone, 'removals'>): Removal => ({
    generation,
    version,
    seed: undefined,
  });
  return {
    ...rest,
    members: new Map([...members].map(([id, one]) => [id, { ...one, seed: undefined }])),
    tombstones: new Map([...tombstones].map(([id, one]) => [id, { ...one, removals: [removalOf(one)] }])),
  };
}
