/** The DPR protocol's state machines: pure, synchronous, the same in production and in the simulator. */
export { advanceCut, type Graph, type GraphCheckpoint } from './cut.ts';
export { announcedAfterMs, announcedCut, finderStatus, type FinderStatus } from './finder/status.ts';
export { createFinder, FINDER_DEFAULTS, finderWakeAt, stepFinder } from './finder/finder.ts';
export {
  decodeRecord,
  encodeRecord,
  type FinderRecord,
  type MemberRecord,
  type Seed,
  type Tombstone,
} from './finder/record.ts';
export type { Finder, FinderConfig, FinderEffect, FinderEvent, Role } from './finder/state.ts';
export { added, append, largest } from './arrays.ts';
export { Queue } from './queue.ts';
export { decisionsAfter, survivingVersion } from './world-lines.ts';
export { isCatchingUp } from './worker/execute.ts';
export { createWorker, stepWorker, WORKER_DEFAULTS, workerWakeAt } from './worker/worker.ts';
export {
  sectionReader,
  type RestoredSessions,
  type SectionReader,
  type SessionSection,
} from './worker/session-sections.ts';
export { LEAST_REPLY_BYTES } from './worker/quotas.ts';
export { workerStatus, type WorkerStatus } from './worker/status.ts';
export {
  MalformedOperations,
  type CleanMarker,
  type KeptGeneration,
  type StopReason,
  type Worker,
  type WorkerConfig,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
} from './worker/state.ts';
export { createSession, sessionWakeAt, stepSession } from './session/session.ts';
export { sessionLastCall, sessionNeedsFinder, sessionUses, sessionWorldLine } from './session/status.ts';
export type {
  RollbackReport,
  Session,
  SessionConfig,
  SessionEffect,
  SessionEvent,
  SessionFailure,
  Submission,
} from './session/state.ts';
