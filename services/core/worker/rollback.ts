/** Adopting a world-line: go back to the decision's prefix, and on from there. */
import type { Decision } from '@dpr/protocol';
import { versionAfter } from '../versions.ts';
import { pruneDecisions, survivingVersion } from '../world-lines.ts';
import { openVersion } from './checkpoint.ts';
import { listGraph } from './join.ts';
import { shed } from './quotas.ts';
import { createSessionTable, keepOrigins, rollBackSessions } from './session-table.ts';
import { commitUndo, cutOf, log, stop, upTime, type Worker, type WorkerEvent } from './state.ts';

/**
 * Adopt the world-lines that `missing`, all decisions after the worker's own, begin. Only the incarnation that each names may:
 * one that a successor fenced stops instead, or it would execute beside it.
 */
export function adopt(worker: Worker, missing: readonly Decision[]): void {
  const { config, incarnation } = worker;
  for (const { worldLine, entitled } of missing) {
    const continues = entitled.get(config.id);
    if (continues === undefined) return stop(worker, 'left', `world-line ${worldLine} goes on without this worker`);
    if (continues > incarnation) {
      return stop(worker, 'fenced', `world-line ${worldLine} goes on with incarnation ${continues} of this worker`);
    }
  }
  const prefix = survivingVersion(missing, config.id, worker.worldLine);
  const worldLine = missing.at(-1)?.worldLine ?? worker.worldLine;
  if (prefix < worker.committed) {
    throw new Error(`world-line ${worldLine} goes back to version ${prefix}, below what was committed`);
  }
  const unchanged = !worker.executed && worker.inFlight.size === 0 && worker.predecessor <= prefix;
  const lostOperations = worker.operations - worker.committedOperations;
  log(worker, 'rollback', { from: worker.worldLine, worldLine, prefix, restores: !unchanged, lostOperations });

  worker.worldLine = worldLine;
  worker.decisions = pruneDecisions([...worker.decisions, ...missing], config.maxDecisions);
  worker.committed = prefix;
  worker.resent = false;
  worker.unwritten.length = 0;
  worker.unwrittenBytes = 0;
  worker.uncommitted.length = 0;
  worker.uncommittedDependencies = 0;
  worker.dependencies = new Map();
  worker.sealing = undefined;
  worker.urgentUpTo = 0;
  openVersion(worker, versionAfter(Math.max(worker.version, prefix)));
  worker.owed = 0;
  if (worker.restoring !== undefined && worker.restoring <= prefix) return; // what is being restored survives this one too
  if (worker.phase === 'serving' && unchanged) {
    commitUndo(worker, prefix);
    return resume(worker);
  }
  worker.predecessor = prefix;
  if (undo(worker, prefix)) return;
  worker.phase = 'restoring';
  worker.restoring = prefix;
  if (worker.inFlight.size === 0) askRestore(worker);
}

/**
 * Go back in memory: a worker that serves survives the failures of others without reading its disk. One that is ending left a marker on the volume,
 * which has to go first; and a batch in flight in another process has to end first.
 */
function undo(worker: Worker, version: number): boolean {
  if (worker.phase !== 'serving' || worker.inFlight.size > 0 || version < worker.restoredTo) return false;
  if (!worker.state.rollback(version)) return false;
  rollBackSessions(worker.sessions, version, upTime(worker));
  worker.effects.push({ kind: 'dropAfter', version });
  wentBack(worker, version);
  return true;
}

/** Ask for the version to go back to, once no batch is in flight in another process. */
export function askRestore(worker: Worker): void {
  const version = worker.restoring;
  if (version === undefined) throw new Error('there is nothing to restore');
  worker.effects.push({ kind: 'restore', version, empty: version < worker.oldest });
}

/** The volume gave back `version`. */
export function restored(worker: Worker, { version, sessions }: Extract<WorkerEvent, { kind: 'restored' }>): void {
  if (worker.restoring !== version) return; // a further rollback came meanwhile and asked for an earlier one
  const { table, upTime: before } = sessions ?? { table: createSessionTable(), upTime: 0 };
  worker.restoring = undefined;
  keepOrigins(table, worker.sessions);
  worker.sessions = table;
  worker.restoredTo = version;
  worker.upTimeBefore = before;
  worker.startedAt = worker.now;
  // The up-time went back: what clients said by then tells nothing of the same moments, now that they come again.
  worker.askedAt = 0;
  worker.arrivedUpTo = 0;
  worker.expiredAt = worker.now;
  wentBack(worker, version);
}

/** State and session table are those of `version`; on with the work. */
function wentBack(worker: Worker, version: number): void {
  commitUndo(worker, worker.committed);
  worker.futile = {};
  worker.committedOperations = worker.operations;
  log(worker, 'restored', { version, sessions: worker.sessions.entries.size });
  shed(worker);
  resume(worker);
}

/** Serve in the present world-line, and tell clients and the Finder. */
function resume(worker: Worker): void {
  worker.phase = 'serving';
  const { cluster, worldLine, incarnation, stamp, decisions, committed: own } = worker;
  worker.effects.push({ kind: 'serving', cluster, worldLine, incarnation });
  if (stamp !== undefined) {
    const message = { ...cutOf(worker, stamp), decisions: decisions.slice(-1) };
    worker.effects.push({ kind: 'publish', message, own });
  }
  listGraph(worker);
}
