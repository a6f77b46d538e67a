/** What a worker's process shows of its state machine: in probes, metrics, and greetings. */
import type { ErrorCode, Stamp } from '@dpr/protocol';
import { entryBytes } from './session-table.ts';
import { isMember, uncommittedSince, undoBytes, type Worker, type WorkerPhase } from './state.ts';

export interface WorkerStatus {
  readonly id: number;
  readonly type: string;
  /** Empty until the worker has claimed its id. */
  readonly cluster: string;
  readonly generation: number;
  readonly incarnation: number;
  readonly phase: WorkerPhase;
  /** The Finder has registered this incarnation. */
  readonly isMember: boolean;
  /** The Finder is reached. */
  readonly finderOpen: boolean;
  readonly leaving: boolean;
  readonly shuttingDown: boolean;
  /** The version that the state object is given again; undefined: none. */
  readonly restoring: number | undefined;
  readonly worldLine: number;
  /** Of the newest record of the Finder that the worker was told of. */
  readonly stamp: Stamp | undefined;
  /** The newest version in which anything executed; the newest one that is durable; and the one that the cut covers. */
  readonly executed: number;
  readonly durable: number;
  readonly committed: number;
  /** Operations executed by this process; and those of them that are not committed, and were not rolled back. */
  readonly operations: number;
  readonly uncommittedOperations: number;
  /** Monotonic time at which the oldest operation executed that is not committed, ms; undefined: there is none. */
  readonly uncommittedSince: number | undefined;
  /** Versions sealed and not durable, and the bytes of their sections of the session table. */
  readonly unwritten: number;
  readonly unwrittenBytes: number;
  /** Versions durable and not covered by the cut. */
  readonly uncommitted: number;
  /** What a rollback in memory would need. */
  readonly undoBytes: number;
  /** Batches that wait to be executed. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** For how long some waited although the worker serves, ms, without the time since when some do now, monotonic; undefined: none do. */
  readonly blockedMs: number;
  readonly blockedSince: number | undefined;
  /** Batches that were refused, by why. */
  readonly refused: ReadonlyMap<ErrorCode, number>;
  readonly sessions: number;
  readonly sessionBytes: number;
  /** Of replies that were not acknowledged. */
  readonly replyBytes: number;
  /** Something was refused for want of memory, and there is not enough of it again. */
  readonly isShort: boolean;
}

export function workerStatus(worker: Worker): WorkerStatus {
  const { config, sessions, uncommitted, committed } = worker;
  const since = uncommittedSince(worker);
  return {
    id: config.id,
    type: config.type,
    cluster: worker.cluster,
    generation: worker.generation,
    incarnation: worker.incarnation,
    phase: worker.phase,
    isMember: isMember(worker),
    finderOpen: worker.finderOpen,
    leaving: worker.leaving,
    shuttingDown: worker.shuttingDown,
    restoring: worker.restoring,
    worldLine: worker.worldLine,
    stamp: worker.stamp,
    executed: worker.executed ? worker.version : worker.predecessor,
    durable: uncommitted.at(-1)?.version ?? committed,
    committed,
    operations: worker.operations,
    // What a rollback took back counts as executed until the state is there again.
    uncommittedOperations: since === undefined ? 0 : worker.operations - worker.committedOperations,
    uncommittedSince: since,
    unwritten: worker.unwritten.length,
    unwrittenBytes: worker.unwrittenBytes,
    uncommitted: uncommitted.length,
    undoBytes: undoBytes(worker),
    waiting: worker.waiting.length,
    waitingBytes: worker.waitingBytes,
    blockedMs: worker.blockedMs,
    blockedSince: worker.blockedSince,
    refused: worker.refused,
    sessions: sessions.entries.size,
    sessionBytes: entryBytes(sessions),
    replyBytes: sessions.replyBytes,
    isShort: worker.isShort,
  };
}
