/**
 * The client of a DPR cluster.
 *
 * @example
 * import { connect } from '@dpr/client';
 *
 * const cluster = await connect({ cluster: 'ws://localhost:6379' });
 * const session = cluster.session({ replay: true });
 * const visits = session.counter(0);
 * console.log(await visits.add(1)); // completed: the value, at memory speed
 * await session.commit(); // committed: no failure can take it back
 * await cluster.close();
 */
export type { Cluster } from './connection/cluster.ts';
export { connect } from './connection/connect.ts';
export { counterType, type Counter } from './session/counter.ts';
export {
  ClosedError,
  ClusterMismatchError,
  ConnectError,
  DprError,
  HistoryLostError,
  MalformedOperationsError,
  NotFinderError,
  OverflowError,
  OverloadedError,
  ProtocolError,
  RefusedError,
  RollbackError,
  SessionExpiredError,
  StoreError,
  type StoreFailure,
  TooManySessionsError,
  UnauthorizedError,
  UnknownWorkerError,
  VersionMismatchError,
  WorkerRemovedError,
  WrongTypeError,
} from './errors.ts';
export type { ClusterEvent } from './operator/events.ts';
export * as limits from './limits.ts';
export type { WorkerInfo } from './connection/membership.ts';
export type { CallOptions, ConnectOptions, LogEntry, SessionOptions } from './options.ts';
export {
  connectOperator,
  type ClusterStatus,
  type EventsOptions,
  type Operator,
  type OperatorOptions,
  type Removal,
  type RemovalOptions,
  type WorkerStatus,
} from './operator/operator.ts';
export type { PastEvent, PastEvents } from './operator/past-events.ts';
export type { Hash, HashEntry, HashField } from './session/hash.ts';
export type { Outcome } from './session/outcome.ts';
export type { FailedOperations, FailureFormat, ResultsFormat } from './session/results-format.ts';
export type { LostOperations, RollbackReport } from './session/rollback-report.ts';
export type { ScanOptions } from './session/scan.ts';
export type { Session, WorkerHandle } from './session/session.ts';
export {
  storeType,
  type Data,
  type DeleteOptions,
  type Found,
  type SetOperation,
  type SetOptions,
  type Store,
} from './session/store.ts';
export {
  defineWorkerType,
  type Calls,
  type Operation,
  type OperationList,
  type TypedHandle,
  type WorkerType,
} from './session/worker-type.ts';
export { traceChannels, type BatchTrace, type CommitTrace, type ConnectTrace, type RollbackTrace } from './tracing.ts';
