/** A session's memory, and what it asks of its surroundings. */
import type { Decision, ErrorCode, Message, Versions } from '@dpr/protocol';
import { added } from '../arrays.ts';
import { Queue } from '../queue.ts';
import type { Lanes } from './lanes.ts';

export interface SessionConfig {
  /** 128 random bits, as 32 hex digits. */
  readonly id: string;
  /** The world-line that the cluster is in when the session begins. */
  readonly worldLine: number;
  /** A strict session waits for its outstanding replies before it turns to another worker. */
  readonly mode: 'strict' | 'relaxed';
  /** Issue again, in order, what a rollback took. */
  readonly replay: boolean;
  /** Batches in flight at one worker; at most what workers remember. */
  readonly maxInFlight: number;
  /** First and longest wait before a refused batch is sent again, ms. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** An unanswered batch is given up after this long, ms: far less than workers keep idle sessions. */
  readonly retryLimitMs: number;
  /** The same for one whose version is refused as absurd, and for which a worker that is ahead may have to report first, ms. */
  readonly absurdRetryLimitMs: number;
}

/** Calls of one worker in one version, in a row by number and by sequence: what most are remembered by until their commit. */
export interface Run {
  readonly worker: number;
  /** The first one's place in the session: 1, 2, 3, … */
  readonly number: number;
  /** The first one's number at the worker; 0 before it is sent. */
  sequence: number;
  /** The version that they executed in, 0 while unanswered. */
  version: number;
  /** How many there are. */
  calls: number;
}

/** One batch of the application: a run of its own until it is answered, and longer if it may have to be issued again. */
export interface Call extends Run {
  readonly calls: 1;
  readonly count: number;
  readonly operations: Uint8Array;
  /** What the request carried, the same at every transmission. */
  sentVersion: number;
  carried: Versions;
  sentAt: number;
}

/** The session's dealings with one worker. */
export interface Lane {
  readonly worker: number;
  /** 0 until the worker was first met. */
  generation: number;
  /** The newest generation that is known to be removed, 0 if none is. */
  removed: number;
  open: boolean;
  /** The next sequence number. */
  next: number;
  /** Every reply up to here has arrived. */
  acknowledged: number;
  /** Not sent yet, in order. */
  readonly queue: Queue<Call>;
  /** Sent and unanswered, in order of sequence; an answered one stays while an earlier one is unanswered. */
  readonly sent: Call[];
  /** Answered and not committed, in order of sequence; a session that replays keeps each as a call. */
  readonly done: Run[];
  /** How many of `sent` have no reply. */
  unanswered: number;
  /** When to send again what was refused; Infinity if nothing was. */
  retryAt: number;
  retries: number;
  /** Since when the session's version has been refused as absurd; Infinity: it is not. */
  absurdSince: number;
  /** The largest version for which a commit was asked. */
  urged: number;
  /** The worker's version in the session's frontier: what a batch for another worker depends on, 0 if it does not. */
  frontier: number;
  /** What is committed of the worker in the session's world-line. */
  covered: number;
}

/** What a batch carries that depends on no other worker. */
export const NOTHING_CARRIED: Versions = new Map();

/** What the application wants executed. */
export interface Submission {
  readonly worker: number;
  readonly operations: Uint8Array;
  readonly count: number;
}

export type SessionEvent =
  | { readonly kind: 'submit'; readonly calls: readonly Submission[] }
  /** A connection to a worker of this generation was greeted; what was sent on an earlier one may be lost. */
  | { readonly kind: 'connected'; readonly worker: number; readonly generation: number }
  | { readonly kind: 'disconnected'; readonly worker: number }
  /** From a worker, or from the Finder (undefined), in the order in which they came. */
  | { readonly kind: 'frames'; readonly worker: number | undefined; readonly messages: readonly Message[] }
  /** The membership says that the worker of this generation, or the id altogether, is gone. */
  | { readonly kind: 'removed'; readonly worker: number; readonly generation: number }
  /** Everything submitted so far is wanted committed at once. */
  | { readonly kind: 'commit' }
  /** After a rollback was reported: take new calls again. */
  | { readonly kind: 'resume' }
  /** The application is done with the session. Nothing more happens in it, also if calls were not answered. */
  | { readonly kind: 'close' }
  | { readonly kind: 'wake' };

/** What a rollback did to a session. */
export interface RollbackReport {
  readonly worldLine: number;
  /** The last call that survived, 0 if none ever did. Every call up to it did, but for `exceptions`. */
  readonly lastSurvivor: number;
  /** Calls that survived and have no reply yet, in order. */
  readonly unanswered: readonly number[];
  /** Lost calls before `lastSurvivor`: they were in flight together with what overtook them. Never in a strict session. */
  readonly exceptions: readonly number[];
  /** Calls that executed or may have, and are lost, in order. */
  readonly lost: readonly number[];
  /** Calls that were never sent, and will not be unless the application submits them again. Empty when replaying. */
  readonly unsent: readonly number[];
}

/** Why a session ended or a call failed. */
export type SessionFailure = ErrorCode | 'workerRemoved' | 'protocolViolation';

export type SessionEffect =
  /** Only ever while the lane is open. */
  | { readonly kind: 'send'; readonly worker: number; readonly message: Message }
  | { readonly kind: 'sendFinder'; readonly message: Message }
  /** A connection to this worker is wanted: `connected` follows, or `removed` if it is no member any more. May be repeated. */
  | { readonly kind: 'connect'; readonly worker: number }
  /** The membership may have changed: fetch it. */
  | { readonly kind: 'fetchCluster' }
  /** A call has a result; a replayed call may have a second, different one. */
  | {
      readonly kind: 'completed';
      readonly call: number;
      readonly version: number;
      readonly results: Uint8Array;
      readonly count: number;
    }
  | { readonly kind: 'committed'; readonly calls: readonly number[] }
  /** The worker left: `sent` ones may have executed or not, and no process knows any more. */
  | { readonly kind: 'failed'; readonly call: number; readonly code: SessionFailure; readonly sent: boolean }
  | { readonly kind: 'rolledBack'; readonly report: RollbackReport; readonly replaying: boolean }
  /** Nothing more can be done in this session. */
  | { readonly kind: 'ended'; readonly code: SessionFailure; readonly text: string };

/** A rollback that the session knows of and whose losses it is still finding out. */
export interface Verdict {
  readonly worldLine: number;
  /** All decisions after the session's own world-line. */
  readonly decisions: readonly Decision[];
  /** Worker to the last sequence number that survived there. */
  readonly tables: Map<number, number>;
}

export interface Session {
  readonly config: SessionConfig;
  /** `broken`: a rollback was reported, and the application has not resumed. */
  phase: 'open' | 'broken' | 'ended';
  worldLine: number;
  /** The largest version seen (Vs). */
  version: number;
  verdict: Verdict | undefined;
  readonly lanes: Lanes<Lane>;
  /** Answered and not committed, of workers that were removed since. */
  readonly orphans: Run[];
  lastCall: number;
  /** The last call known to be committed. */
  lastCommitted: number;
  /** Sent and unanswered, over all lanes. */
  unanswered: number;
  /** Calls up to here are wanted committed at once. */
  urgeUpTo: number;
  now: number;
  /** Of the step that is under way. */
  effects: SessionEffect[];
}

/** Shared by all sessions; `emit` adds to an array of the session's own. */
export const NO_EFFECTS: SessionEffect[] = [];

export function emit(session: Session, effect: SessionEffect): void {
  session.effects = added(session.effects, effect);
}

export function laneOf(session: Session, worker: number): Lane {
  const known = session.lanes.get(worker);
  if (known !== undefined) return known;
  const lane: Lane = {
    worker,
    generation: 0,
    removed: 0,
    open: false,
    next: 1,
    acknowledged: 0,
    queue: new Queue(),
    sent: [],
    done: [],
    unanswered: 0,
    retryAt: Infinity,
    retries: 0,
    absurdSince: Infinity,
    urged: 0,
    frontier: 0,
    covered: 0,
  };
  session.lanes.add(lane);
  emit(session, { kind: 'connect', worker });
  return lane;
}

/** The numbers of all calls in these runs. */
export function numbersOf(runs: readonly Run[]): number[] {
  const numbers: number[] = [];
  for (const { number, calls } of runs) for (let index = 0; index < calls; index++) numbers.push(number + index);
  return numbers;
}

/** A call waits for the worker, which may have been removed since it was last heard of. */
export function want(session: Session, worker: number): void {
  const known = session.lanes.get(worker);
  if (known === undefined) laneOf(session, worker);
  else if (!known.open) emit(session, { kind: 'connect', worker });
}

export function sendTo(session: Session, lane: Lane, message: Message): void {
  if (lane.open) emit(session, { kind: 'send', worker: lane.worker, message });
}

/** Nothing more can be done: the surroundings fail every call that is not committed. */
export function endSession(session: Session, code: SessionFailure, text: string): void {
  session.phase = 'ended';
  emit(session, { kind: 'ended', code, text });
}

export function reportCommitted(session: Session, runs: readonly Run[]): void {
  if (runs.length === 0) return;
  const calls = numbersOf(runs);
  for (const call of calls) session.lastCommitted = Math.max(session.lastCommitted, call);
  emit(session, { kind: 'committed', calls });
}
