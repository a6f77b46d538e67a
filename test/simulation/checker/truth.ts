/**
 * The ground truth: every execution with what it depends on, every checkpoint and decision, and what each session was told. It sees
 * into all actors, which none of them does. The other files of this room compare it with what actors do and say.
 */
import type { FinderRecord } from '../../../services/core/index.ts';
import type { Decision, Versions } from '../../../services/protocol/index.ts';
import type { SimSession } from '../application.ts';
import type { State } from '../state-object.ts';
import { Violation, type World } from '../world.ts';

/** One version of a worker in which something executed. */
export interface Token {
  readonly worker: number;
  readonly generation: number;
  readonly worldLine: number;
  readonly version: number;
  readonly incarnation: number;
  /** Worker to version: what the operations in it follow, over all their sessions. */
  readonly dependencies: Map<number, number>;
  readonly executions: Execution[];
  /** The state after its last call. */
  state: State;
  sealed: boolean;
  /** A checkpoint was wanted of it, though nothing executed in it: no session has seen it. */
  isEmpty: boolean;
  /** The world-line that began without it. */
  deadSince: number;
}

/** Of one call. */
export interface Execution {
  /** The call's. */
  readonly name: number;
  /** When, ms. */
  readonly at: number;
  readonly token: Token;
  results: Buffer | undefined;
}

/** A call, as its application makes it. */
export interface MadeCall {
  readonly number: number;
  readonly worker: number;
  readonly count: number;
  /** What it adds to a counter. */
  readonly amounts: readonly bigint[] | undefined;
}

export interface CallTruth extends MadeCall {
  /** The number of the first call that it travels with, 0 before it was sent. */
  sentWith: number;
  /** World-line in which it was transmitted to what had completed there before, worker to version. */
  readonly follows: Map<number, Versions>;
  readonly executions: Execution[];
  /** When its application made it, by the client's clock, ms. */
  readonly madeAt: number;
  /** When it was first transmitted, by the client's clock, ms. */
  sentAt: number;
  /** It was not to be made, or its application was told that it was not: nothing of it may be sent. */
  isRefused: boolean;
  isCommitted: boolean;
  /** Gave a result that the session believed, in its present world-line. */
  completed: boolean;
}

export interface SessionTruth {
  readonly session: SimSession;
  worldLine: number;
  /** The world-line that it was in before what happened last. */
  wokeIn: number;
  /** The step of the scheduler that this was. */
  wokeAt: number;
  /** Completed in the present world-line: worker to largest version. */
  readonly seen: Map<number, number>;
  readonly calls: Map<number, CallTruth>;
  /** Worker, generation, world-line, sequence number: the first call of the batch that they name. */
  readonly sequences: Map<string, number>;
  /** Worker to the number of its newest call that was sent. */
  readonly newest: Map<number, number>;
}

/** What the checker knows of one worker id. */
export interface WorkerTruth {
  /** Alive and not covered by an exposed cut, in order of version. */
  open: Token[];
  /** All of any fate, in order of their making. */
  readonly all: Token[];
  /** Versions that were durable on the volume that counted. */
  readonly durable: Set<number>;
  /** Open or sealed tokens of any fate, by world-line and version. */
  readonly byName: Map<string, Token>;
  /** The largest incarnation that executed, and the world-line in which it first did. */
  newest: number;
  newestSince: number;
  /** The last one whose registration was decided, and the last one that stopped cleanly. */
  registered: number;
  stoppedCleanly: number;
}

export interface Figures {
  executions: number;
  tokens: number;
  seals: number;
  cuts: number;
  decisions: number;
}

export interface Truth {
  readonly worldOf: () => World;
  readonly figures: Figures;
  readonly workers: Map<number, WorkerTruth>;
  readonly sessions: (SessionTruth | undefined)[];
  readonly decisions: Map<number, Decision>;
  /** Worker, then generation: which earlier one it began with, 0 for none, as the record says. */
  readonly begun: Map<number, Map<number, number>>;
  /** Worker, then generation: up to which version it was committed when it was removed. */
  readonly removedAt: Map<number, Map<number, number>>;
  /** Removed ids, and the generation that left. */
  readonly removedIds: Map<number, number>;
  /** Worker to the largest version in any exposed cut. */
  readonly exposed: Map<number, number>;
  exposedWorldLine: number;
  /** The Finder's last durable record. */
  record: FinderRecord | undefined;
}

export function createTruth(worldOf: () => World): Truth {
  return {
    worldOf,
    figures: { executions: 0, tokens: 0, seals: 0, cuts: 0, decisions: 0 },
    workers: new Map(),
    sessions: [],
    decisions: new Map(),
    begun: new Map(),
    removedAt: new Map(),
    removedIds: new Map(),
    exposed: new Map(),
    exposedWorldLine: 1,
    record: undefined,
  };
}

/** @param invariant its number in the protocol's list */
export function violated(invariant: number, text: string): never {
  throw new Violation(`invariant ${invariant}: ${text}`);
}

export function workerOf({ workers }: Truth, id: number): WorkerTruth {
  let worker = workers.get(id);
  if (worker === undefined) {
    worker = {
      open: [],
      all: [],
      durable: new Set(),
      byName: new Map(),
      newest: 0,
      newestSince: 0,
      registered: 0,
      stoppedCleanly: 0,
    };
    workers.set(id, worker);
  }
  return worker;
}

export function sessionOf({ sessions }: Truth, index: number): SessionTruth {
  return sessions[index] ?? violated(13, `there is no session ${index}`);
}

export function callOf({ session, calls }: SessionTruth, call: number): CallTruth {
  return calls.get(call) ?? violated(13, `${session.name} has no call ${call}`);
}

export function nameOf(token: Token): string {
  return `worker ${token.worker}, world-line ${token.worldLine}, version ${token.version}`;
}

/** The execution of a call that no decision took. */
export function aliveExecution(call: CallTruth): Execution | undefined {
  return call.executions.find(({ token }) => token.deadSince === Infinity);
}

/** The execution of a call that survives as far as a session in this world-line can know. */
export function survivor(call: CallTruth, worldLine: number): Execution | undefined {
  return call.executions.findLast(({ token }) => token.worldLine <= worldLine && token.deadSince > worldLine);
}
