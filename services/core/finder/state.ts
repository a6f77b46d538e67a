/** The Finder's memory, and what it asks of its surroundings. */
import {
  REACHED_SPACING_MS,
  type ErrorCode,
  type Message,
  type MessageOf,
  type PastEvent,
  type Stamp,
} from '@dpr/protocol';
import type { GraphCheckpoint } from '../cut.ts';
import type { FinderRecord, MemberRecord } from './record.ts';

export interface FinderConfig {
  /** Told to operators who greet at the public port. */
  readonly controlPort: number;
  /** Least time between two writes of the record that no client waits for urgently, ms. */
  readonly writeSpacingMs: number;
  /** How long a rollback waits for workers that are away to claim, so that a mass restart costs one rollback, ms. */
  readonly decisionGraceMs: number;
  /** How long a Finder that started waits for members to tell what they saw, from the first worker or operator on, ms. */
  readonly settleGraceMs: number;
  readonly maxWorkers: number;
  readonly maxDecisions: number;
  readonly maxStarts: number;
  /** Answers that wait for one write of the record; a peer that asks for more is cut off. */
  readonly maxHeld: number;
}

export type Role = 'client' | 'worker' | 'operator';

/** What happens to the Finder. A connection is named by a number that its surroundings never use twice. */
export type FinderEvent =
  /** The record was read (undefined: the volume is empty); `start` names this start, `cluster` serves an empty volume. */
  | {
      readonly kind: 'loaded';
      readonly record: FinderRecord | undefined;
      readonly start: string;
      readonly cluster: string;
    }
  /** The record with this counter is durable. */
  | { readonly kind: 'written'; readonly counter: number }
  /** A peer greeted; its token was checked. Operators and workers come by the control port only. */
  | {
      readonly kind: 'opened';
      readonly connection: number;
      readonly role: Role;
      readonly cluster: string | undefined;
      readonly stamp: Stamp | undefined;
    }
  | { readonly kind: 'frame'; readonly connection: number; readonly message: Message }
  | { readonly kind: 'closed'; readonly connection: number }
  /** A worker has not answered on its connection for so long; 0: it answers again. */
  | { readonly kind: 'silence'; readonly connection: number; readonly forMs: number }
  | { readonly kind: 'wake' };

/** What the Finder wants done, in order. Nothing here waits for a write: what had to wait was held back until `written`. */
export type FinderEffect =
  | { readonly kind: 'send'; readonly connection: number; readonly message: Message }
  /** The same message to many: encode it once. */
  | { readonly kind: 'broadcast'; readonly connections: readonly number[]; readonly message: Message }
  | { readonly kind: 'close'; readonly connection: number }
  /** Write the record durably; a failure is retried until it succeeds, then `written` follows. */
  | { readonly kind: 'write'; readonly counter: number; readonly record: FinderRecord }
  /** The first record is durable: clients and workers are served from now on. */
  | { readonly kind: 'serving'; readonly cluster: string; readonly worldLine: number }
  /** The Finder will serve no peer any more; an administrator must act. */
  | { readonly kind: 'refusing'; readonly reason: string }
  | { readonly kind: 'log'; readonly event: FinderLogEvent; readonly details: Readonly<Record<string, unknown>> };

export type FinderLogEvent =
  | 'claimed'
  | 'registered'
  | 'rollback'
  | 'leaving'
  | 'left'
  | 'refused'
  | 'fenced'
  | 'protocolError'
  | 'unheard'
  | 'silent'
  | 'answersAgain'
  /** A worker of which nothing was committed for long, though it has durable checkpoints; and one that goes on. */
  | 'blocked'
  | 'commitsAgain'
  /** A client claims to depend on what never was. */
  | 'impossibleDependency';

/** One connection and, once a worker has listed its graph on it, whose it is. */
export interface Peer {
  readonly role: Role;
  /** The worker whose registered incarnation speaks here. */
  worker?: number;
  incarnation?: number;
  /** Its graph of the present world-line is known, so that single checkpoints may follow. */
  resent: boolean;
  subscribed: boolean;
  progress?: MessageOf<'progress'>;
  /** A worker that waits to be told what state it begins with. */
  undecided?: { readonly id: number; readonly text: string };
  /** Everything up to here is durable, and it takes no new batches. */
  drained?: number;
  /** Since when it does not answer; Infinity: it does. */
  silentSince: number;
}

/** The last record that is durable, as peers may see it. */
export interface Exposed {
  readonly record: FinderRecord;
  readonly cut: MessageOf<'cut'>;
  readonly cluster: MessageOf<'cluster'>;
}

/** What is told to a peer, or to a worker, once a write is durable. */
export type Answer =
  | { readonly kind: 'message'; readonly connection: number; readonly message: Message }
  /** The worker waits for its administrator's word from then on. */
  | {
      readonly kind: 'undecided';
      readonly connection: number;
      readonly worker: number;
      readonly message: MessageOf<'error'>;
    }
  /** To a registration: what this incarnation is to restore. */
  | {
      readonly kind: 'registered';
      readonly connection: number;
      readonly worker: number;
      readonly incarnation: number;
    }
  /** The worker is asked to leave, on whichever connection it then has. */
  | { readonly kind: 'leave'; readonly worker: number }
  /** To an operator: whether this generation of the worker has left. */
  | { readonly kind: 'deleted'; readonly connection: number; readonly worker: number; readonly generation: number };

/** Dependencies that are not met, and workers whose commits do not go on. */
export interface Waits {
  lookedAt: number;
  /** Owner to the largest version that others depend on, and that none of its checkpoints reaches. */
  wanted: Map<number, number>;
  /** Worker to its entry in the cut, and since when it has been that while there were checkpoints above it. */
  readonly stuck: Map<number, { readonly cut: number; readonly since: number; isTold: boolean }>;
  /** Ids that clients claimed to depend on, and that no worker has. */
  readonly impossible: Set<number>;
}

/** What happened since this process began. */
export interface KeptEvents {
  /** The number of the newest event. */
  last: number;
  /** The newest ones in order: when each happened, and the first record that holds all that was true then. */
  readonly events: { readonly at: number; readonly counter: number; readonly told: Omit<PastEvent, 'agoMs'> }[];
  /** Members of which an event says that they are away, and none that they are back. */
  readonly away: Set<number>;
}

export interface Finder {
  readonly config: FinderConfig;
  /** What the next write will hold. Never changed in place once it was issued: a write in flight keeps what it was given. */
  record: FinderRecord;
  /** `settling`: it serves, and neither writes nor tells anything new until it may believe that its record is the newest. */
  phase: 'loading' | 'starting' | 'settling' | 'serving' | 'refusing';
  /** Registered members that were not heard of since the start; empty once it has settled. */
  readonly unheard: Set<number>;
  /** When it settles without them. */
  settleBy: number;
  refusal: string;
  exposed: Exposed | undefined;
  /** The record's members, if they are in no write that was issued, and so may be changed in place. */
  ownMembers: Map<number, MemberRecord> | undefined;
  /** The record changed since the last write was issued. */
  dirty: boolean;
  /** The counter of the write in flight. */
  writing: FinderRecord | undefined;
  lastWriteAt: number;
  /** Answers that must not leave before the record with `counter` is durable. */
  readonly held: { readonly counter: number; readonly answer: Answer }[];
  /** A client waits for a commit: write without spacing. */
  urgent: boolean;
  graphChanged: boolean;
  readonly graph: Map<number, GraphCheckpoint[]>;
  /** When a member's entry in the cut moved last, as far as peers may know; none: not since this start of the Finder. */
  readonly committedAt: Map<number, number>;
  /** When the checkpoint at a member's entry in the cut was reported; none: that is not known. */
  readonly durableAt: Map<number, number>;
  /**
   * How long it took from the report of a checkpoint until the cut that has it could be told, ms: of the newest of each member that the last
   * cut added, the longest; undefined: that is not known.
   */
  commitMs: number | undefined;
  /** The largest version that a worker reported; and what is told of it, anew every `REACHED_SPACING_MS`. */
  reached: number;
  reachedTold: number;
  reachedToldAt: number;
  /** What the graph waits for, when it was looked at last. */
  readonly waits: Waits;
  readonly kept: KeptEvents;
  /** Worker to what it told last of its operations in this world-line, also if it is away. */
  readonly progress: Map<number, MessageOf<'progress'>>;
  readonly peers: Map<number, Peer>;
  /** Worker to the connection on which its registered incarnation listed its graph. */
  readonly bound: Map<number, number>;
  /** Registrations that wait for others to claim before the rollback is decided. */
  readonly pending: {
    readonly connection: number;
    readonly message: MessageOf<'register'>;
    readonly deadline: number;
  }[];
  effects: FinderEffect[];
  now: number;
}

export function log(finder: Finder, event: FinderLogEvent, details: Readonly<Record<string, unknown>>): void {
  finder.effects.push({ kind: 'log', event, details });
}

export function send(finder: Finder, connection: number, message: Message): void {
  if (finder.peers.has(connection)) finder.effects.push({ kind: 'send', connection, message });
}

export function sendError(finder: Finder, connection: number, code: ErrorCode, text: string, detail = 0): void {
  send(finder, connection, errorOf(code, text, detail));
}

/** About no session's batch. */
export function errorOf(code: ErrorCode, text: string, detail = 0): MessageOf<'error'> {
  return { kind: 'error', code, session: undefined, sequence: 0, detail, text };
}

/** A worker without checkpoints above the cut is not in the graph. */
export function setChain({ graph }: Finder, worker: number, chain: GraphCheckpoint[]): void {
  if (chain.length > 0) graph.set(worker, chain);
  else graph.delete(worker);
}

/** The newest version of the worker that is durable. */
export function durableOf({ graph, record }: Finder, worker: number): number {
  return graph.get(worker)?.at(-1)?.version ?? record.cut.get(worker) ?? 0;
}

/** A worker reported a checkpoint of this version. */
export function noteReached(finder: Finder, version: number): void {
  finder.reached = Math.max(finder.reached, version);
}

/**
 * The largest version that workers reported, as it is told to them: it changes so seldom that clients, whose claims may exceed it by
 * `MAX_VERSION_JUMP`, cannot drive it far, however many workers they turn to.
 */
export function reachedNow(finder: Finder): number {
  if (finder.now >= finder.reachedToldAt + REACHED_SPACING_MS) {
    finder.reachedTold = finder.reached;
    finder.reachedToldAt = finder.now;
  }
  return finder.reachedTold;
}

/** The cut as far as it concerns one worker. What a message of `cut` does not name, it says nothing of. */
export function ownCut({ cut }: Exposed, worker: number): MessageOf<'cut'> {
  return { ...cut, cut: new Map([[worker, cut.cut.get(worker) ?? 0]]) };
}

/** Of the first record that holds all that this one holds now: it is that of the next write, once something changed. */
export function counterOf({ dirty, record }: Finder): number {
  return dirty ? record.counter + 1 : record.counter;
}

/** Starts of this generation, after the first, that no clean shutdown preceded. */
export function restartsOf({ claimed, restartsFrom }: MemberRecord): number {
  return Math.max(0, claimed - restartsFrom);
}

/** Change the record; it is written soon. */
export function change(finder: Finder, fields: Partial<Omit<FinderRecord, 'counter' | 'cluster'>>): void {
  finder.record = { ...finder.record, ...fields };
  finder.dirty = true;
}

/** As many members may change between two writes, the map is copied for the first of them only. */
export function changeMember(finder: Finder, id: number, member: MemberRecord): void {
  if (finder.ownMembers !== finder.record.members) finder.ownMembers = new Map(finder.record.members);
  change(finder, { members: finder.ownMembers.set(id, member) });
}
