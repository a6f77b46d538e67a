/**
 * Every frame of the protocol as a table of fields; `WIRE.md` says the same for people and is checked against this file.
 *
 * A frame is one byte of type, then its fields in order. Batches and replies, the hot path, have fixed layouts of their own in
 * `batch.ts`; everything else is described here and coded by the fields.
 */
import {
  batchBytes,
  readBatch,
  readReply,
  replyBytes,
  writeBatch,
  writeReply,
  type Batch,
  type Reply,
} from './batch.ts';
import { FRAME_TYPES } from './frame-types.ts';
import {
  byWorker,
  choice,
  flag,
  FrameError,
  id128,
  id64,
  list,
  optional,
  prose,
  Reader,
  remembered,
  struct,
  text,
  u16,
  u32,
  u64,
  Writer,
  type Field,
  type Values,
} from './fields.ts';
import {
  MAX_CUT_ENTRIES,
  MAX_DECISIONS,
  MAX_DEPENDENCIES,
  MAX_FRAME_BYTES,
  MAX_HOST_BYTES,
  MAX_KEPT_EVENTS,
  MAX_KEPT_GENERATIONS,
  MAX_TEXT_BYTES,
  MAX_TOKEN_BYTES,
  MAX_TYPE_BYTES,
  MAX_UNCOMMITTED_CHECKPOINTS,
  MAX_UNDECIDED,
  MAX_UNWRITTEN_VERSIONS,
  MAX_WORKERS,
} from './limits.ts';

/** Versions per worker: a cut, a prefix or dependencies. */
const versions = byWorker(u64, MAX_CUT_ENTRIES);

const stamp = struct({ start: id64, counter: u64 });
/** Every worker is told of every decision, and each names all workers. */
const decision = remembered(struct({ worldLine: u32, prefix: versions, entitled: byWorker(u32, MAX_CUT_ENTRIES) }));
const checkpointFields = {
  worldLine: u32,
  version: u64,
  predecessor: u64,
  dependencies: byWorker(u64, MAX_DEPENDENCIES),
};
/** Checkpoints that a worker lists: the uncommitted ones, the one at the cut, and leftovers of dead world-lines. */
const MAX_LISTED = 4 * (MAX_UNCOMMITTED_CHECKPOINTS + MAX_UNWRITTEN_VERSIONS);
const checkpoints = list(struct(checkpointFields), MAX_LISTED);
const decisions = list(decision, MAX_DECISIONS);
/** Checkpoints that a volume holds. */
const held = list(struct({ worldLine: u32, version: u64 }), MAX_LISTED);

const member = struct({
  id: u32,
  generation: u32,
  type: text(MAX_TYPE_BYTES),
  host: text(MAX_HOST_BYTES),
  port: u16,
  leaving: flag,
});

const memberStatus = struct({
  id: u32,
  generation: u32,
  incarnation: u32,
  type: text(MAX_TYPE_BYTES),
  host: text(MAX_HOST_BYTES),
  port: u16,
  state: choice('joining', 'serving', 'leaving', 'away', 'silent'),
  waitingFor: prose(MAX_TEXT_BYTES),
  /** What holds up its commits, if that lasts for long. */
  blockedBy: prose(MAX_TEXT_BYTES),
  executed: u64,
  durable: u64,
  committed: u64,
  /** Nothing is known that is not committed; a worker that does not answer may have more. */
  allCommitted: flag,
  /** How long ago `committed` grew; absent: not since the Finder began. */
  committedAgoMs: optional(u64),
  /** How long ago `durable` was reported; absent: not since the Finder began. */
  durableAgoMs: optional(u64),
  lagOperations: u64,
  lagMs: u64,
  restarts: u32,
  silentMs: u64,
});

/** What an event says that is not of its kind is 0, empty or no. */
const pastEvent = struct({
  /** Counts the events of one start of the Finder, from 1. */
  number: u64,
  agoMs: u64,
  kind: choice(
    'finderStarted',
    'joined', // a worker registered for the first time in its generation
    'restarted', // a later process of it registered
    'away', // the Finder has no connection of its registered process any more
    'back', // and has one again
    'silent', // it is connected, and does not answer
    'answersAgain',
    'leaving', // an operator asked it to leave
    'left',
    'rolledBack', // the world-line began, because of the worker's restart or removal
  ),
  worldLine: u32,
  worker: u32,
  generation: u32,
  type: text(MAX_TYPE_BYTES),
  restarts: u32,
  /** A worker was removed by force. */
  forced: flag,
  forMs: u64,
  /** About how many operations a rollback took back. */
  operations: u64,
});

/** Why something was refused. The place in this list is the code on the wire: only ever append. */
export const ERROR_CODES = [
  'malformed', // the frame or its operations cannot be read; nothing happened
  'unsupportedVersion', // the peer speaks another version of the protocol; detail: ours
  'unauthorized', // the token is missing or wrong
  'wrongCluster', // the peer belongs to another cluster
  'wrongWorker', // the frame is meant for another worker or another kind of server
  'wrongGeneration', // the batch names another generation of the worker; detail: ours
  'sequenceGap', // a sequence number was skipped; detail: the one expected
  'absurdVersion', // the session's version is further ahead than the worker can believe now; detail: what it believes. Send again later
  'dependencyAboveVersion', // a dependency exceeds the session's version
  'windowExceeded', // too many batches of the session are not acknowledged; detail: the limit
  'overloaded', // the worker cannot take more batches now; send again later
  'leaving', // the worker takes no new batches, because it is being removed or shut down
  'sessionExpired', // the session was idle for too long and its entry is gone
  'tooManySessions', // the worker remembers as many sessions as it may
  'needDecisions', // the worker has not heard of the world-line; detail: the worker's. Send again later: the Finder tells it
  'historyLost', // the world-line is older than the decisions that are remembered; detail: the oldest one
  'volumeRefused', // the volume is not what the cluster committed on it
  'staleFinder', // the Finder's record is older than one that it exposed before
  'unknownWorker', // no worker has this id
  'fenced', // a later incarnation took over
  'notServing', // the server is starting or stopping
  'stateUnsaid', // the volume keeps earlier generations, and the worker's entry does not say what it begins with
  'surveyAgain', // the volume was looked at before the id's last generation was removed, perhaps; detail: that generation
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

const FRAMES = {
  /** First frame of every connection. `cluster`: the one that the sender knows. `stamp`: the latest record it has seen. */
  hello: {
    protocol: u16,
    role: choice('client', 'worker', 'operator'),
    cluster: optional(id128),
    stamp: optional(stamp),
    token: text(MAX_TOKEN_BYTES),
  },
  /** The answer to `hello`. From a Finder, `worker` is absent and `controlPort` is where operators go. */
  welcome: {
    protocol: u16,
    cluster: id128,
    worldLine: u32,
    controlPort: u16,
    worker: optional(struct({ id: u32, generation: u32, incarnation: u32, type: text(MAX_TYPE_BYTES) })),
  },
  /** Something was refused. `session` and `sequence` name the batch when one is meant. */
  error: {
    // eslint-disable-next-line no-restricted-syntax -- as many as there are codes
    code: choice(...ERROR_CODES),
    session: optional(id128),
    sequence: u64,
    detail: u64,
    text: prose(MAX_TEXT_BYTES),
  },

  /** A client wants everything up to `version` of this world-line made durable at once. */
  commit: { worldLine: u32, version: u64 },
  /** After a rollback: which batch of the session was the last that survived here? */
  table: { session: id128, worldLine: u32, generation: u32 },
  /** `last`: the last sequence number executed in the state as it is now, 0 if none. */
  tableAnswer: { session: id128, worldLine: u32, last: u64 },
  /** The newest world-line, decisions that the receiver may lack, and of the cut what concerns it. Pushed, or after `refresh`. */
  cut: { stamp, worldLine: u32, decisions, cut: versions },
  /** Ask for a `cut` with the decisions after `worldLine`. */
  refresh: { worldLine: u32 },
  /** A client has closed a session, and will not ask for its replies again. */
  sessionEnded: { session: id128 },

  /** Ask for the membership; answered with `cluster`. `known`: the version that the caller has, 0 for none. */
  fetchCluster: { known: u64 },
  /** `members` and `removed` are empty when `version` equals the one known. */
  cluster: {
    cluster: id128,
    version: u64,
    members: list(member, MAX_WORKERS),
    removed: list(struct({ id: u32, generation: u32 }), MAX_CUT_ENTRIES),
  },

  /**
   * NEWWORKER, first step. `generation` 0: the volume is empty. `checkpoints`: what the volume holds. `kept`: earlier generations on
   * it. `state`, `from`: what a new generation begins with, and which one is to be brought back, 0 for the newest that has something.
   * `removed`: the generation of whose removal the worker heard before it looked at its volume, 0 for none.
   */
  claim: {
    worker: u32,
    generation: u32,
    boot: id128,
    checkpoints: held,
    state: choice('unsaid', 'kept', 'empty'),
    from: u32,
    removed: u32,
    kept: list(struct({ generation: u32, checkpoints: held }), MAX_KEPT_GENERATIONS),
  },
  /** `seed`: nothing of this generation is committed, and at version `base` it has the state of that checkpoint of an earlier one. */
  claimed: {
    cluster: id128,
    generation: u32,
    incarnation: u32,
    seed: optional(struct({ generation: u32, version: u64, base: u64 })),
  },
  /** NEWWORKER, second step. `clean`: the marker of a clean shutdown found on the volume. */
  register: {
    worker: u32,
    generation: u32,
    incarnation: u32,
    boot: id128,
    type: text(MAX_TYPE_BYTES),
    host: text(MAX_HOST_BYTES),
    port: u16,
    checkpoints,
    clean: optional(struct({ incarnation: u32, worldLine: u32, version: u64 })),
  },
  /** `base`: the version to restore; the worker continues above it. `reached`: as `reached` says. */
  registered: { stamp, worldLine: u32, decisions, cut: versions, base: u64, reached: u64 },
  /** NEWCHECKPOINT: one more durable checkpoint. `urgent`: a client waits for it. */
  checkpoint: { ...checkpointFields, urgent: flag },
  /** RESENDGRAPH: all durable uncommitted checkpoints of the world-line, even if none. */
  graph: { worker: u32, generation: u32, incarnation: u32, worldLine: u32, checkpoints },
  /**
   * Others depend on `version`, and nothing that is durable reaches it: the worker is to make a checkpoint at or above it, of the state
   * as it is if nothing executed there. `urgent`: at once, and not with the next tick.
   */
  seal: { worldLine: u32, version: u64, urgent: flag },
  /** What STATUS shows of a worker; sent now and then. */
  progress: { version: u64, operations: u64, committedOperations: u64, lagMs: u64 },
  /** The Finder asks a worker to leave; the worker answers `drained` once all that it executed is durable. */
  leave: {},
  drained: { version: u64 },
  /** The worker is no longer a member and may stop. */
  left: {},
  /** Which version have workers reached? A client claims one that is further ahead than this worker can believe. */
  fetchReached: {},
  /** The largest version of a checkpoint that any worker reported. */
  reached: { version: u64 },

  /** DELETEWORKER. `generation` 0: whichever is a member. */
  deleteWorker: { worker: u32, generation: u32, force: flag },
  deleteAnswer: { worker: u32, state: choice('leaving', 'left'), waitingFor: prose(MAX_TEXT_BYTES) },
  status: {},
  statusAnswer: {
    cluster: id128,
    stamp,
    worldLine: u32,
    membership: u64,
    members: list(memberStatus, MAX_WORKERS),
    removed: u32,
    /** Workers that wait to be told what state they begin with, and what they may be told. */
    undecided: list(struct({ id: u32, text: prose(MAX_TEXT_BYTES) }), MAX_UNDECIDED),
  },
  /** From now on this operator is sent every `cut` and `cluster` as it comes. */
  subscribe: {},
  /** What happened after the event with this number? 0: all that is kept. */
  events: { after: u64 },
  /** In the order of their numbers. `start` names the Finder's start, with which the numbers began. */
  eventsAnswer: { start: id64, events: list(pastEvent, MAX_KEPT_EVENTS) },
} as const satisfies Record<string, Record<string, Field<unknown>>>;

type FrameTable = typeof FRAMES;
export type FrameKind = keyof FrameTable;
/** The fields of one kind of frame. */
export type Fields<K extends FrameKind> = Values<FrameTable[K]>;

export type Stamp = Fields<'cut'>['stamp'];
export type Decision = Fields<'cut'>['decisions'][number];
export type CheckpointInfo = Fields<'register'>['checkpoints'][number];
export type Member = Fields<'cluster'>['members'][number];
export type MemberStatus = Fields<'statusAnswer'>['members'][number];
export type PastEvent = Fields<'eventsAnswer'>['events'][number];
export type Versions = ReadonlyMap<number, number>;

type TableMessage = { [K in FrameKind]: { readonly kind: K } & Fields<K> }[FrameKind];
export type Message = TableMessage | Batch | Reply;
export type MessageOf<K extends Message['kind']> = Extract<Message, { kind: K }>;

const codecs = new Map(
  Object.entries(FRAMES).map(([kind, fields]) => [kind, struct<Record<string, Field<unknown>>>(fields)]),
);
const kindByType = new Map(Object.entries(FRAME_TYPES).map(([kind, type]) => [type as number, kind]));

/**
 * What a message is written as: one of the hot path by its size, so that it can be written in place, and any other as its bytes.
 * @throws RangeError when a value does not fit its field: a defect of the caller
 */
export type Draft = Batch | Reply | Uint8Array;

export function draftOf(message: Message): Draft {
  if (message.kind === 'batch' || message.kind === 'reply') return message;
  const writer = new Writer(MAX_FRAME_BYTES);
  writer.u8(FRAME_TYPES[message.kind]);
  codecs.get(message.kind)?.write(writer, message);
  return writer.finish();
}

/** The size of a frame. @throws RangeError when it exceeds a limit: a defect of the caller */
export function draftBytes(draft: Draft): number {
  if (draft instanceof Uint8Array) return draft.length;
  return draft.kind === 'batch' ? batchBytes(draft) : replyBytes(draft);
}

/** Write a frame, of `draftBytes`, from byte `at` on. */
export function writeDraft(bytes: Buffer, at: number, draft: Draft): void {
  if (draft instanceof Uint8Array) bytes.set(draft, at);
  else if (draft.kind === 'batch') writeBatch(bytes, at, draft);
  else writeReply(bytes, at, draft);
}

/** The bytes of one frame. @throws RangeError when a value does not fit its field: a defect of the caller. */
export function encode(message: Message): Buffer {
  const draft = draftOf(message);
  if (Buffer.isBuffer(draft)) return draft;
  const bytes = Buffer.allocUnsafe(draftBytes(draft));
  writeDraft(bytes, 0, draft);
  return bytes;
}

/**
 * Read one frame, which is the bytes from `at` to `end`. Operations, results and other bytes are views of `bytes`, not copies.
 * @throws FrameError when the bytes are not exactly one frame within the limits.
 */
export function decode(bytes: Uint8Array, at = 0, end = bytes.length): Message {
  if (end - at > MAX_FRAME_BYTES) {
    throw new FrameError(`a frame of ${end - at} bytes exceeds the limit of ${MAX_FRAME_BYTES}`);
  }
  const type = at < end ? bytes[at] : undefined;
  if (type === FRAME_TYPES.batch) return readBatch(asBuffer(bytes), at, end);
  if (type === FRAME_TYPES.reply) return readReply(asBuffer(bytes), at, end);
  const kind = type === undefined ? undefined : kindByType.get(type);
  const codec = kind === undefined ? undefined : codecs.get(kind);
  if (codec === undefined)
    throw new FrameError(type === undefined ? 'the frame is empty' : `no frame has the type ${type}`);
  const reader = new Reader(bytes.subarray(at, end), 1);
  const fields = codec.read(reader);
  reader.end();
  return { kind, ...fields } as unknown as Message;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The table of frames for the wire document: type byte, kind, and each field's name and layout in order. */
export function describeFrames(): { type: number; kind: string; fields: { name: string; layout: string }[] }[] {
  return Object.entries(FRAMES).map(([kind, fields]) => ({
    type: FRAME_TYPES[kind as FrameKind],
    kind,
    fields: Object.entries(fields).map(([name, field]: [string, Field<unknown>]) => ({ name, layout: field.layout })),
  }));
}
