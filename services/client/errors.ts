/**
 * Everything that can go wrong, in one flat list. Each error has a `code`, which never changes, and a message for people that
 * says what to do next. An aborted call rejects with its signal's reason instead, as everywhere in Node.
 */
import type { SessionFailure } from '@dpr/core';
import type { LostOperations, RollbackReport } from './session/rollback-report.ts';

/** What all errors of this library have in common. */
export class DprError extends Error {
  /** The same word for each class of errors, for programs. */
  readonly code: string = 'dpr';
}

/** The cluster cannot be reached; `cause` says why the last attempt failed. */
export class ConnectError extends DprError {
  override readonly name = 'ConnectError';
  override readonly code = 'connect';
}

/** The address leads to a worker, and not to the Finder. */
export class NotFinderError extends DprError {
  override readonly name = 'NotFinderError';
  override readonly code = 'notFinder';
}

/** The token is missing or wrong. */
export class UnauthorizedError extends DprError {
  override readonly name = 'UnauthorizedError';
  override readonly code = 'unauthorized';
}

/** The cluster speaks another version of the protocol. */
export class VersionMismatchError extends DprError {
  override readonly name = 'VersionMismatchError';
  override readonly code = 'versionMismatch';
}

/** The address leads to another cluster than before. */
export class ClusterMismatchError extends DprError {
  override readonly name = 'ClusterMismatchError';
  override readonly code = 'clusterMismatch';
}

/** The cluster, the session or the operator's connection was closed by this program. */
export class ClosedError extends DprError {
  override readonly name = 'ClosedError';
  override readonly code = 'closed';
}

/** No worker has this id. Nothing was sent. */
export class UnknownWorkerError extends DprError {
  override readonly name = 'UnknownWorkerError';
  override readonly code = 'unknownWorker';
}

/** The worker was removed from the cluster. */
export class WorkerRemovedError extends DprError {
  override readonly name = 'WorkerRemovedError';
  override readonly code = 'workerRemoved';
  /** `unknown`: some of the operations may have executed before the worker left, and no process knows any more. */
  readonly outcome: 'unknown' | 'notExecuted';

  constructor(worker: number, outcome: 'unknown' | 'notExecuted') {
    const fate = { unknown: 'whether this executed before is unknown', notExecuted: 'this was not executed' }[outcome];
    super(`worker ${worker} was removed from the cluster; ${fate}. Use another worker`);
    this.outcome = outcome;
  }
}

/** The worker is of another type than the handle. Nothing executed. */
export class WrongTypeError extends DprError {
  override readonly name = 'WrongTypeError';
  override readonly code = 'wrongType';
}

/**
 * A worker does not understand the operations of a call, which is a fault of the program that wrote them. Neither this call nor a later
 * one to that worker executed. The session ended: calls without an answer, later calls and commits all reject with this error. What
 * executed before stays, and what of it is not committed is committed or rolled back like that of a session that was closed.
 */
export class MalformedOperationsError extends DprError {
  override readonly name = 'MalformedOperationsError';
  override readonly code = 'malformedOperations';
}

/**
 * The sum does not fit into 64 bits. The operations named changed nothing; the others of the same call executed. A commit tells, as
 * if they were a call of their own, of those that overflowed and that the application did not look at.
 */
export class OverflowError extends DprError {
  override readonly name = 'OverflowError';
  override readonly code = 'overflow';
  /** Which operations of the call overflowed, counted from 0. */
  readonly indexes: readonly number[];
  /** The same by their numbers in the session, as in `Outcome.operation`. */
  readonly operations: readonly number[];
  /** The value after each operation of the call; the unchanged one after one that overflowed. */
  readonly values: BigInt64Array;

  constructor(indexes: readonly number[], values: BigInt64Array, operations: readonly number[]) {
    const [first = 0] = indexes;
    const which = values.length === 1 ? '' : ` at ${indexes.length} of ${values.length} operations, first at ${first}`;
    super(`the sum does not fit into 64 bits${which}; the counter stays at ${values[first] ?? 0n} there`);
    this.indexes = indexes;
    this.values = values;
    this.operations = operations;
  }
}

/** Why an operation of a store was not done. */
export type StoreFailure = 'notNumber' | 'overflow' | 'full' | 'tooLarge' | 'wrongType';

/**
 * Operations of a store failed and changed nothing; the others of the same call executed. `notNumber`: what is to be incremented is no whole
 * number of 64 bits. `overflow`: the sum would be none. `full`: the worker has no memory for it. `tooLarge`: the values of one batch are
 * more than a reply holds, so ask for fewer at a time. `wrongType`: the key holds something else, such as a hash and no value of bytes.
 */
export class StoreError extends DprError {
  override readonly name = 'StoreError';
  override readonly code = 'store';
  /** Why the first of them failed. */
  readonly reason: StoreFailure;
  /** Which operations of the call failed, counted from 0. */
  readonly indexes: readonly number[];
  /** The same by their numbers in the session, as in `Outcome.operation`. */
  readonly operations: readonly number[];

  constructor(reason: StoreFailure, indexes: readonly number[], operations: readonly number[]) {
    super(`${REASONS[reason]}; ${indexes.length} operations failed, the first at ${indexes[0] ?? 0} of its call`);
    this.reason = reason;
    this.indexes = indexes;
    this.operations = operations;
  }
}

const REASONS: Readonly<Record<StoreFailure, string>> = {
  notNumber: 'the value is not a whole number of 64 bits',
  overflow: 'the sum does not fit into 64 bits',
  full: 'the store has no memory left',
  tooLarge: 'the values are more than one reply holds: get fewer at a time',
  wrongType: 'the key holds a value of another type',
};

/** More operations wait than the session holds, or `whenFull: 'reject'` was asked for. Nothing was sent. */
export class OverloadedError extends DprError {
  override readonly name = 'OverloadedError';
  override readonly code = 'overloaded';
}

/** A worker remembers as many sessions as it may. */
export class TooManySessionsError extends DprError {
  override readonly name = 'TooManySessionsError';
  override readonly code = 'tooManySessions';
}

/** The session was silent, or its worker was away, for so long that the outcome of what was unanswered is unknown. */
export class SessionExpiredError extends DprError {
  override readonly name = 'SessionExpiredError';
  override readonly code = 'sessionExpired';
}

/** The session missed more rollbacks than the Finder remembers: what became of everything not committed is unknown. */
export class HistoryLostError extends DprError {
  override readonly name = 'HistoryLostError';
  override readonly code = 'historyLost';
}

/** A peer did not keep to the protocol, or this library did not: a defect. */
export class ProtocolError extends DprError {
  override readonly name = 'ProtocolError';
  override readonly code = 'protocol';
}

/** The Finder refused what an operator asked for; the message is its reason. */
export class RefusedError extends DprError {
  override readonly name = 'RefusedError';
  override readonly code = 'refused';
}

/**
 * A failure in the cluster lost operations of this session, and they were not issued again. What survived is a prefix of what
 * the session did, up to `lastSurvivor`, but for `exceptions`. The session takes no new calls until `session.resume()`.
 */
export class RollbackError extends DprError {
  override readonly name = 'RollbackError';
  override readonly code = 'rollback';
  readonly report: RollbackReport;

  constructor(report: RollbackReport) {
    super(describeRollback(report));
    this.report = report;
  }

  /** The world-line that the cluster is in now. */
  get worldLine(): number {
    return this.report.worldLine;
  }
  /** The last operation that survived, by its number in the session; 0 if none did. */
  get lastSurvivor(): number {
    return this.report.lastSurvivor;
  }
  /** Operations that executed, or may have, and are lost. */
  get lost(): readonly LostOperations[] {
    return this.report.lost;
  }
  /** Lost operations before `lastSurvivor`; there are none in a strict session. */
  get exceptions(): readonly LostOperations[] {
    return this.report.exceptions;
  }
  /** Operations that were never sent. */
  get unsent(): readonly LostOperations[] {
    return this.report.unsent;
  }
  /**
   * Whether the operation with this number is lost or was never sent. That of a call that was refused, because the session
   * waited to be resumed for example, is 0.
   *
   * @example
   * const redo = results.filter(({ operation }) => error.isLost(operation));
   */
  isLost(operation: number): boolean {
    const ranges = [...this.lost, ...this.unsent];
    return operation === 0 || ranges.some(({ first, count }) => operation >= first && operation < first + count);
  }
}

function describeRollback({ worldLine, lastSurvivor, lost, exceptions, unsent }: RollbackReport): string {
  const survived = lastSurvivor === 0 ? 'nothing of this session' : `this session up to operation ${lastSurvivor}`;
  const holes = exceptions.length === 0 ? '' : `, but for ${operations(exceptions)}`;
  const never = unsent.length === 0 ? '' : ` Not sent: ${operations(unsent)}.`;
  return `world-line ${worldLine} began after a failure. Survived: ${survived}${holes}. Lost: ${operations(lost)}.${never} Call session.resume() to go on, or use replay: true`;
}

function operations(ranges: readonly LostOperations[]): string {
  const count = ranges.reduce((sum, range) => sum + range.count, 0);
  return count === 1 ? '1 operation' : `${count} operations`;
}

/** Why the core ended a session, as an error for the application. */
export function sessionFailure(code: SessionFailure, text: string): DprError {
  const unknown = 'what became of everything that is not committed is unknown. Begin a new session';
  switch (code) {
    case 'sessionExpired':
      return new SessionExpiredError(`the session expired (${text}): ${unknown}`);
    case 'historyLost':
      return new HistoryLostError(`the session missed too many rollbacks (${text}): ${unknown}`);
    case 'tooManySessions':
      return new TooManySessionsError(
        `the session ended (${text}): close sessions that are not needed, or try again later`,
      );
    case 'malformed':
      return new MalformedOperationsError(
        `the session ended, because a worker does not understand the operations of a call (${text}): ` +
          'nothing of that call executed. Correct what the program sends, and begin a new session',
      );
    case 'absurdVersion':
      return new ProtocolError(
        `the session ended (${code}: ${text}): it saw a worker whose clock is ahead, and which has reported nothing since. ` +
          'See that the clocks of workers agree, and begin a new session',
      );
    default:
      return defect(new Error(`${code}: ${text}`));
  }
}

/** A worker has refused for this long what the Finder accepts: the last refusal, with what to do about it. */
export function refusedByWorker(id: number, forMs: number, cause: DprError): DprError {
  const Kind =
    [UnauthorizedError, VersionMismatchError, ClusterMismatchError].find((kind) => cause instanceof kind) ??
    ConnectError;
  const text = `worker ${id} has refused this client for ${Math.round(forMs / 1_000)} s, and the Finder accepts it: ${cause.message}`;
  return new Kind(`${text}. See that the worker has the Finder's client token and version, and begin a new session`, {
    cause,
  });
}

/** Something that cannot happen did. */
export function defect(cause: unknown): ProtocolError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ProtocolError(`the session cannot go on (${text}): this is a defect, please report it`, { cause });
}

/** No server answered at the address in time. */
export function unreachable(address: string, cause: DprError | undefined): ConnectError {
  const why = cause === undefined ? 'it did not answer in time' : cause.message;
  return new ConnectError(`cannot connect to the cluster at ${address}: ${why}`, { cause });
}
