/** Versions: when they are sealed, and what becomes of their checkpoints. */
import { MAX_VERSION, type CheckpointInfo, type MessageOf } from '@dpr/protocol';
import { versionAfter } from '../versions.ts';
import { sealSection } from './session-sections.ts';
import { commitUndo, cutOf, toFinder, upTime, type Sealed, type Worker, type WorkerConfig } from './state.ts';

/**
 * End the open version and go on in `next`. Every version in which something executed becomes one checkpoint of its own, never
 * merged with another; one in which nothing did is left behind, unless a checkpoint is owed. Where others wait for a later version, the
 * worker goes on in that, so that its next checkpoint is there however busy it is. If batches are still in flight in another process,
 * the seal waits for them, and new batches wait for the seal.
 */
export function seal(worker: Worker, next: number): void {
  if (next <= worker.version) throw new Error(`version ${next} does not follow ${worker.version}`);
  if (worker.executed && worker.inFlight.size > 0) {
    worker.sealing = Math.max(worker.sealing ?? 0, next);
    return;
  }
  worker.sealing = undefined;
  if (worker.executed) emitCheckpoint(worker);
  openVersion(worker, Math.max(next, worker.owed));
}

/** Go on in a version in which nothing has executed. */
export function openVersion(worker: Worker, version: number): void {
  worker.version = version;
  worker.openedAtTick = clockTick(worker);
  worker.executed = false;
}

function emitCheckpoint(worker: Worker): void {
  const { worldLine, version, predecessor, dependencies, operations, executedSince: since, stamp } = worker;
  const info: CheckpointInfo = { worldLine, version, predecessor, dependencies };
  const sessions = sealSection(worker.sessions, version, upTime(worker));
  worker.effects.push({ kind: 'checkpoint', info, state: worker.state.seal(version), sessions, stamp });
  worker.unwritten.push({ ...info, operations, since, sectionBytes: sessions.bytes.length });
  worker.unwrittenBytes += sessions.bytes.length;
  worker.uncommittedDependencies += dependencies.size;
  worker.predecessor = version;
  worker.oldest = Math.min(worker.oldest, version);
  worker.dependencies = new Map();
}

/** Seal if a client waits for it, if the clock's tick passed the open version, or if the worker takes no new batches. */
export function sealDue(worker: Worker): void {
  if (worker.phase !== 'serving') return;
  if (worker.sealing !== undefined) {
    if (worker.inFlight.size === 0) seal(worker, worker.sealing);
    return;
  }
  if (!worker.executed) return payOwed(worker);
  if (worker.leaving || worker.shuttingDown) return seal(worker, versionAfter(worker.version));
  if (worker.urgentUpTo >= worker.version) {
    if (worker.now < worker.lastUrgentSealAt + worker.config.urgentSpacingMs) return;
    worker.lastUrgentSealAt = worker.now;
    return seal(worker, versionAfter(worker.version));
  }
  const tick = clockTick(worker);
  if (tick > worker.version) return seal(worker, tick);
  if (worker.version > MAX_VERSION && tick > worker.openedAtTick) seal(worker, versionAfter(worker.version));
}

/**
 * Others depend on a version in which nothing executed here, and nothing will: their clients claim so. A checkpoint of the state as it
 * is, at or above that version, lets them be committed.
 */
function payOwed(worker: Worker): void {
  if (!canPayOwed(worker)) return;
  if (worker.owed > worker.version) seal(worker, worker.owed);
  worker.executed = true;
  worker.executedSince = worker.now;
  seal(worker, versionAfter(worker.version));
}

/**
 * A checkpoint is owed, and there is room for it. While there is none, this worker has smaller ones, which do not wait for what is owed: no
 * dependency is above its dependent.
 */
function canPayOwed({ owed, predecessor, unwritten, uncommitted, config }: Worker): boolean {
  if (owed <= predecessor || unwritten.length >= config.maxUnwrittenVersions) return false;
  return unwritten.length + uncommitted.length < config.maxUncommittedCheckpoints;
}

/** The Finder wants a checkpoint at or above `version`. That others depend on it does not say that anything reached it. */
export function owe(worker: Worker, version: number): void {
  worker.owed = Math.max(worker.owed, version);
}

/** The Finder knows of a worker whose checkpoint has this version. */
export function learnReached(worker: Worker, version: number): void {
  worker.reached = Math.max(worker.reached, version);
}

/** The clock, in whole intervals: workers that seal by it advance together, and so do not push each other into more seals. */
export function clockTick({ clock, config }: Worker): number {
  return tickOf(clock, config);
}

function tickOf(time: number, { checkpointIntervalMs }: WorkerConfig): number {
  return Math.max(0, Math.floor(time / checkpointIntervalMs) * checkpointIntervalMs);
}

/**
 * The clock by which a worker seals never goes back: it is the wall clock, or goes on from where it was at the pace of monotonic time,
 * when the wall clock was set back.
 */
export function turnClock(worker: Worker, now: number, wall: number): void {
  const passed = now - worker.now;
  const time = Math.min(wall, MAX_VERSION);
  worker.clock = Math.max(time, worker.clock + passed);
  // Versions go on with time wherever they are.
  worker.reached = Math.max(worker.reached, time, Math.min(worker.reached + passed, MAX_VERSION));
  worker.now = now;
}

/**
 * A worker whose version is ahead of its clock, by a peer's jump or one that its volume holds, goes by the clock that this version is
 * from. So it reaches the next tick together with the peer, and seals in it once, whichever of the two is first.
 */
export function followVersion(worker: Worker): void {
  if (worker.version > MAX_VERSION) return; // no clock is there: it counts on, by one at each tick
  worker.clock = Math.max(worker.clock, tickOf(worker.version, worker.config));
}

/** When `sealDue` will have something to do. */
export function sealWakeAt(worker: Worker): number {
  if (worker.sealing !== undefined) return Infinity;
  if (!worker.executed) return canPayOwed(worker) ? worker.now : Infinity;
  const { checkpointIntervalMs, urgentSpacingMs } = worker.config;
  if (worker.urgentUpTo >= worker.version) return worker.lastUrgentSealAt + urgentSpacingMs;
  return worker.now + checkpointIntervalMs - (worker.clock % checkpointIntervalMs);
}

/**
 * A client waits for everything up to `version`: seal it, and have what is durable already committed without delay. The Finder is told
 * once, however often clients ask.
 */
export function urge(worker: Worker, version: number): void {
  worker.urgentUpTo = Math.max(worker.urgentUpTo, Math.min(version, worker.version));
  const waited = worker.uncommitted.findLast((checkpoint) => checkpoint.version <= version);
  if (waited === undefined || waited.version <= worker.urgentTold || worker.unwritten.length > 0) return;
  report(worker, waited, true);
}

/** NEWCHECKPOINT, in version order, from the registered incarnation in its world-line. */
function report(worker: Worker, checkpoint: Sealed, urgent: boolean): void {
  if (!worker.resent) return;
  const { worldLine, version, predecessor, dependencies } = checkpoint;
  if (urgent) worker.urgentTold = version;
  toFinder(worker, { kind: 'checkpoint', worldLine, version, predecessor, dependencies, urgent });
}

/** A write ended. One that was in flight when the world-line changed belongs to no world-line and is not announced. */
export function checkpointDurable(worker: Worker, worldLine: number, version: number): void {
  const first = worker.unwritten[0];
  if (worldLine !== worker.worldLine || first === undefined) return;
  if (first.version !== version) throw new Error(`checkpoint ${version} became durable before ${first.version}`);
  worker.unwritten.shift();
  worker.uncommitted.push(first);
  report(worker, first, worker.urgentUpTo >= version);
  worker.unwrittenBytes -= first.sectionBytes;
}

/** A cut of the own world-line: forget what it covers, and tell clients. One of another world-line says nothing here. */
export function takeCut(worker: Worker, message: MessageOf<'cut'>): void {
  if (message.worldLine !== worker.worldLine) return;
  const own = message.cut.get(worker.config.id) ?? 0;
  if (own <= worker.committed) return;
  worker.committed = own;
  let covered = 0;
  for (const checkpoint of worker.uncommitted) {
    if (checkpoint.version > own) break;
    worker.committedOperations = Math.max(worker.committedOperations, checkpoint.operations);
    worker.uncommittedDependencies -= checkpoint.dependencies.size;
    covered++;
  }
  worker.uncommitted.splice(0, covered);
  commitUndo(worker, own);
  worker.effects.push({ kind: 'prune', keep: own });
  if (worker.phase === 'serving') worker.effects.push({ kind: 'publish', message: cutOf(worker, message.stamp), own });
}
