/** A worker's memory, and what it asks of its surroundings. */
import type { Batch, CheckpointInfo, Decision, ErrorCode, Message, MessageOf, Stamp } from '@dpr/protocol';
import type { RestoredSessions, SessionSection } from './session-sections.ts';
import type { Due, Patience } from './session-shedding.ts';
import type { Holding, SessionEntry, SessionTable } from './session-table.ts';
import { commitImages } from './session-undo.ts';

export interface WorkerConfig extends Patience {
  readonly id: number;
  readonly type: string;
  /** Where clients find it; an empty host means the one by which they reached the Finder. */
  readonly host: string;
  readonly port: number;
  readonly checkpointIntervalMs: number;
  /** Least time between two seals on demand, ms. */
  readonly urgentSpacingMs: number;
  readonly maxUnwrittenVersions: number;
  /** Of the session table's sections in these versions. */
  readonly maxUnwrittenBytes: number;
  readonly maxUncommittedCheckpoints: number;
  /** What a rollback in memory would need, of the state and of the session table. */
  readonly maxUndoBytes: number;
  readonly maxUnacknowledgedBatches: number;
  /** How far what a client claims may be ahead of what is known. */
  readonly maxVersionJump: number;
  readonly maxSessions: number;
  /** What the entries of all sessions take in memory, without their replies; */
  readonly maxSessionBytes: number;
  /** and the replies that were not acknowledged. */
  readonly maxReplyBytes: number;
  readonly maxWaitingBatches: number;
  readonly maxWaitingBytes: number;
  /** Of batches that waited, about so many bytes execute in one step. */
  readonly catchUpBytes: number;
  readonly maxDecisions: number;
  /** What a new generation begins with, where the volume keeps earlier ones: the administrator's word. */
  readonly state: MessageOf<'claim'>['state'];
  /** The generation to bring back; 0: the newest one that has something. */
  readonly from: number;
}

/** An earlier generation on the volume, and what it holds. */
export type KeptGeneration = MessageOf<'claim'>['kept'][number];

/** The operations of a batch are not what the worker type understands. Nothing was changed. */
export class MalformedOperations extends Error {
  override readonly name = 'MalformedOperations';
}

/** The worker type's state, as the core sees it. */
export interface WorkerState {
  /**
   * Apply the operations in order. Returns the results, or undefined when they come later as an `executed` event with the same
   * ticket; batches are begun in order.
   * @param clock the worker's, ms since 1970: it never goes back while the process runs
   * @throws MalformedOperations before anything is changed
   */
  apply(operations: Uint8Array, count: number, ticket: number, clock: number): Uint8Array | undefined;
  /** End the open version, and name it; the surroundings turn the handle into bytes while execution goes on. */
  seal(version: number): unknown;
  /**
   * Go back to the end of `version`, in memory and at once. It is not below what was committed, nor below what was restored.
   * @returns false if that is not possible, and nothing happened: the version is to be restored from the volume
   */
  rollback(version: number): boolean;
  /** No rollback goes below `version` any more. */
  committed(version: number): void;
  /** What a rollback would need takes so many bytes of memory. */
  undoBytes(): number;
}

export interface CleanMarker {
  readonly incarnation: number;
  readonly worldLine: number;
  readonly version: number;
}

export type WorkerEvent =
  /** The volume was read, and nothing on it changed. `cluster`: whose it is, undefined if it is empty. */
  | {
      readonly kind: 'surveyed';
      readonly boot: string;
      readonly generation: number;
      readonly checkpoints: readonly { readonly worldLine: number; readonly version: number }[];
      readonly kept: readonly KeptGeneration[];
      readonly stamp: Stamp | undefined;
    }
  | { readonly kind: 'finderOpened' }
  | { readonly kind: 'finderClosed' }
  | { readonly kind: 'finderFrame'; readonly message: Message }
  /** The volume is ours: what an earlier incarnation made durable on it. */
  | {
      readonly kind: 'volumeOpened';
      readonly checkpoints: readonly CheckpointInfo[];
      readonly clean: CleanMarker | undefined;
    }
  /** The state object holds `version` again, later checkpoints and the clean marker are gone from the volume, durably. */
  | {
      readonly kind: 'restored';
      readonly version: number;
      /** Of the checkpoint; undefined: of the empty state. */
      readonly sessions: RestoredSessions | undefined;
    }
  | { readonly kind: 'durable'; readonly worldLine: number; readonly version: number }
  | { readonly kind: 'marked' }
  | { readonly kind: 'executed'; readonly ticket: number; readonly results: Uint8Array }
  /** A client connected. `origin`: its address, among which what a worker can remember is shared out; undefined: that says nothing. */
  | { readonly kind: 'clientOpened'; readonly connection: number; readonly origin: string | undefined }
  /** From one connection, in the order in which they came. A client's newer connection has a larger number. */
  | { readonly kind: 'clientFrames'; readonly connection: number; readonly messages: readonly Message[] }
  | { readonly kind: 'clientClosed'; readonly connection: number }
  /** Each client that is connected is asked for a sign; and each of them gave it since, behind all that it had sent, or is gone. */
  | { readonly kind: 'clientsAsked' }
  | { readonly kind: 'clientsAnswered' }
  /** Seal, make durable, leave a clean-shutdown marker, stop. */
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'wake' };

export type WorkerEffect =
  | { readonly kind: 'send'; readonly connection: number; readonly message: Message }
  /** Close a client's connection, after what was sent on it. */
  | { readonly kind: 'close'; readonly connection: number }
  | { readonly kind: 'toFinder'; readonly message: Message }
  /** Push to every client connection that may wait for it; `own`: this worker's entry. */
  | { readonly kind: 'publish'; readonly message: MessageOf<'cut'>; readonly own: number }
  /** Read the volume again: the Finder knows a checkpoint that was not there. */
  | { readonly kind: 'survey'; readonly afterMs: number }
  /** Take the volume over as this incarnation: read, check and sync what is there. */
  | {
      readonly kind: 'openVolume';
      readonly cluster: string;
      readonly generation: number;
      readonly incarnation: number;
    }
  /** Drop what is above `version` and the clean marker, and give the state object that version (`empty`: none). */
  | { readonly kind: 'restore'; readonly version: number; readonly empty: boolean }
  /** Make the state of an earlier generation's checkpoint the first one of this volume, and give it to the state object. */
  | {
      readonly kind: 'bringBack';
      readonly from: { readonly generation: number; readonly version: number };
      readonly info: CheckpointInfo;
      readonly sessions: SessionSection;
      readonly stamp: Stamp;
    }
  /** Make a checkpoint durable: in order, retried until it is; dropped by a later `restore`. */
  | {
      readonly kind: 'checkpoint';
      readonly info: CheckpointInfo;
      /** What `seal` gave. */
      readonly state: unknown;
      readonly sessions: SessionSection;
      readonly stamp: Stamp | undefined;
    }
  /** The state object went back to `version`: drop what is above it on the volume, before any later checkpoint is written. */
  | { readonly kind: 'dropAfter'; readonly version: number }
  /** Checkpoints below this version are not needed any more. */
  | { readonly kind: 'prune'; readonly keep: number }
  | { readonly kind: 'mark'; readonly clean: CleanMarker }
  /** Clients are served from now on. */
  | { readonly kind: 'serving'; readonly cluster: string; readonly worldLine: number; readonly incarnation: number }
  | { readonly kind: 'stop'; readonly why: StopReason; readonly text: string }
  | { readonly kind: 'log'; readonly event: WorkerLogEvent; readonly details: Readonly<Record<string, unknown>> };

/** Why a worker stops: as asked, as a removed one, for a successor, or because an administrator must act. */
export type StopReason = 'shutdown' | 'left' | 'fenced' | 'refused' | 'lostHistory';
export type WorkerLogEvent =
  | 'joined'
  | 'rollback'
  | 'restored'
  | 'leaving'
  | 'drained'
  | 'finderRefused'
  | 'undecided'
  | 'protocolError'
  /** Sessions, or batches, are refused for want of memory; and no more. */
  | 'memoryShort'
  | 'memoryEased';

/** A checkpoint that was sealed, with what its lag is measured by. */
export interface Sealed extends CheckpointInfo {
  /** Operations executed up to here by this incarnation. */
  readonly operations: number;
  /** When the first operation of the version executed. */
  readonly since: number;
  /** Of its section of the session table, until it is durable. */
  readonly sectionBytes: number;
}

/** A batch that executes in another process. */
export interface InFlight {
  connection: number;
  readonly batch: Batch;
  readonly entry: SessionEntry;
  /** Where its reply counts until it is there. */
  readonly holding: Holding;
  readonly version: number;
}

export interface Waiting {
  readonly connection: number;
  readonly batch: Batch;
}

/** What a worker does that is not a member yet, one after the other. */
export type JoinPhase = 'surveying' | 'claiming' | 'opening' | 'registering';
/** And what a member does. `restoring`: the state object is being given an earlier version; nothing executes. */
export type MemberPhase = 'restoring' | 'serving' | 'marking';
export type WorkerPhase = JoinPhase | MemberPhase | 'stopped';

export interface Worker {
  readonly config: WorkerConfig;
  readonly state: WorkerState;
  phase: WorkerPhase;
  boot: string;
  cluster: string;
  generation: number;
  incarnation: number;
  /** Found on the volume at boot. */
  surveyed: readonly { readonly worldLine: number; readonly version: number }[];
  kept: readonly KeptGeneration[];
  /** The generation of whose removal it heard before it looked. */
  removed: number;
  surveys: number;
  listed: readonly CheckpointInfo[];
  clean: CleanMarker | undefined;
  /** What it begins with, if nothing of this generation is committed and that is not empty. */
  seed: MessageOf<'claimed'>['seed'];
  /** The smallest version that the volume ever held a checkpoint of; below it there is only the empty state. */
  oldest: number;

  worldLine: number;
  decisions: readonly Decision[];
  /** Its version in the newest cut of its world-line. */
  committed: number;
  stamp: Stamp | undefined;
  finderOpen: boolean;
  /** The graph was listed on this connection, in this world-line. */
  resent: boolean;

  /** The open version: batches execute in it. */
  version: number;
  /** The clock's tick when it was opened. */
  openedAtTick: number;
  /** The largest version that may be believed: of its own clock, or of what others reported; it grows with time. */
  reached: number;
  reachedAskedAt: number;
  /** Others wait for a checkpoint at or above it. */
  owed: number;
  /** Something executed in the open version. */
  executed: boolean;
  executedSince: number;
  dependencies: Map<number, number>;
  /** The last checkpoint sealed, or the version restored. */
  predecessor: number;
  /** Sealed, not durable yet; in order. */
  readonly unwritten: Sealed[];
  unwrittenBytes: number;
  /** Durable, above the cut; in order. */
  readonly uncommitted: Sealed[];
  /** How many dependencies `unwritten` and `uncommitted` have together. */
  uncommittedDependencies: number;
  /** Clients wait for everything up to here. */
  urgentUpTo: number;
  /** The newest checkpoint that the Finder was told of as urgent, on this connection and in this world-line. */
  urgentTold: number;
  lastUrgentSealAt: number;
  /** A seal that waits for batches in flight, and the version to go on with. */
  sealing: number | undefined;
  /** The version to go back to; asked for once no batch is in flight. */
  restoring: number | undefined;
  /** The version that was restored last: below it nothing can be undone in memory. */
  restoredTo: number;

  sessions: SessionTable;
  /** Of the connections that are open, as far as it is known. */
  readonly origins: Map<number, string>;
  /** When it was last tried in vain to make room, for an origin that held so much. */
  futile: { sessions?: Due & { readonly least: number }; replyBytes?: Due & { readonly least: number } };
  /** Up-time before this process, ms. */
  upTimeBefore: number;
  startedAt: number;
  expiredAt: number;
  /** Up-time at which clients were asked for a sign; and at which they were for the last one that all gave. */
  askedAt: number;
  arrivedUpTo: number;
  /** Longest time between two events that counts as up-time. */
  readonly unattendedMs: number;
  nextTicket: number;
  readonly inFlight: Map<number, InFlight>;
  /** What their replies will probably take. */
  inFlightBytes: number;
  readonly waiting: Waiting[];
  waitingBytes: number;
  /** Something was refused for want of memory, and there is not enough of it again. */
  isShort: boolean;

  /** Batches that were refused, by why. */
  readonly refused: Map<ErrorCode, number>;
  /** How long batches waited to be executed although the worker serves; and since when some do now. */
  blockedMs: number;
  blockedSince: number | undefined;
  operations: number;
  committedOperations: number;
  progressAt: number;
  progressSent: string;

  leaving: boolean;
  /** The version last named as drained on this connection. */
  drainedSent: number;
  shuttingDown: boolean;

  now: number;
  /** What versions follow, ms: the wall clock, but it never goes back, and a version that a peer knows takes it along. */
  clock: number;
  effects: WorkerEffect[];
}

/** The Finder has registered this incarnation. */
export function isMember({ phase }: Worker): boolean {
  return phase === 'restoring' || phase === 'serving' || phase === 'marking';
}

/** The state object and the session table are of the present world-line. */
export function isRestored({ phase }: Worker): boolean {
  return phase === 'serving' || phase === 'marking';
}

/** How long the worker has been up, over all its processes, whole ms: what idle sessions are measured by. */
export function upTime(worker: Worker): number {
  return Math.floor(worker.upTimeBefore + worker.now - worker.startedAt);
}

/** What this worker knows of the cut: its own entry, on which everything that executes here depends. */
export function cutOf({ config, committed, worldLine }: Worker, stamp: Stamp): MessageOf<'cut'> {
  return { kind: 'cut', stamp, worldLine, decisions: [], cut: new Map([[config.id, committed]]) };
}

/** When the oldest operation executed that is not committed; undefined: all are. */
export function uncommittedSince({ uncommitted, unwritten, executed, executedSince }: Worker): number | undefined {
  const oldest = uncommitted[0] ?? unwritten[0];
  return oldest?.since ?? (executed ? executedSince : undefined);
}

/** What a rollback in memory would need. */
export function undoBytes({ state, sessions }: Worker): number {
  return state.undoBytes() + sessions.undo.bytes;
}

/** No rollback goes below `version` any more. */
export function commitUndo({ state, sessions }: Worker, version: number): void {
  state.committed(version);
  commitImages(sessions.undo, version);
}

export function send(worker: Worker, connection: number, message: Message): void {
  worker.effects.push({ kind: 'send', connection, message });
}

export function toFinder(worker: Worker, message: Message): void {
  if (worker.finderOpen) worker.effects.push({ kind: 'toFinder', message });
}

export function log(worker: Worker, event: WorkerLogEvent, details: Readonly<Record<string, unknown>>): void {
  worker.effects.push({ kind: 'log', event, details });
}

export function stop(worker: Worker, why: StopReason, text: string): void {
  worker.phase = 'stopped';
  worker.effects.push({ kind: 'stop', why, text });
}

export function refuse(
  worker: Worker,
  connection: number,
  code: ErrorCode,
  text: string,
  batch?: { readonly session: string; readonly sequence: number },
  detail = 0,
): void {
  const sequence = batch?.sequence ?? 0;
  if (sequence > 0) worker.refused.set(code, (worker.refused.get(code) ?? 0) + 1);
  send(worker, connection, { kind: 'error', code, session: batch?.session, sequence, detail, text });
}
