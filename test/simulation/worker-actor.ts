/** Worker processes: several may exist for one id at a time, and share its volume, of which one incarnation has the say. */
import {
  stepWorker,
  WORKER_DEFAULTS,
  type StopReason,
  type Worker,
  type WorkerConfig,
  type WorkerEffect,
  type WorkerEvent,
} from '../../services/core/index.ts';
import { EXIT, ProcessError } from '../../services/runtime/exit-codes.ts';
import {
  StorageDamagedError,
  systemCode,
  VolumeLostError,
  WrongVolumeError,
} from '../../services/runtime/storage/index.ts';
import type { ClientPort } from '../../services/runtime/worker/client-port.ts';
import { runWorker, type WorkerKernel, type WorkerParts } from '../../services/runtime/worker/worker.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import { dialSim } from './dialing.ts';
import { mountDisk } from './disk.ts';
import { reachFinder } from './finder-actor.ts';
import { createSimHost, type SimHost } from './host.ts';
import { openPort, sharePlaces, type Port, type Sharing } from './ports.ts';
import { createProcess, kill, resume, type Process } from './scheduler.ts';
import { checkVolume, volumeLog } from './volume-observer.ts';
import { keepMember, type WorkerHost } from './worker-host.ts';
import { createObject, sectionLimitsOf, type WorkerObject } from './worker-object.ts';
import { inWords, isPartitioned, type World } from './world.ts';

export interface WorkerProcess {
  readonly host: WorkerHost;
  readonly process: Process;
  readonly kernel: WorkerKernel;
  readonly core: Worker;
  readonly object: WorkerObject;
  /** The one that its host had when it started. */
  readonly disk: SimDisk;
  /** Where clients reach it; undefined before it serves, and once it ends. */
  port: Port | undefined;
  /** The largest version that a checkpoint of its volume has, as far as it knows. */
  newestVersion: number;
  /** Its clean-shutdown marker is durable. */
  marked: boolean;
  /** Its entry in the cut when it began to read its volume. */
  exposedBefore: number;
  /** The incarnation that was let in last, at that time. */
  claimedBefore: number;
  clockSkewMs: number;
  /** Dies when this many more effects have been performed. */
  diesAfter: number;
  shuttingDown: boolean;
  /** Why its state machine stopped. */
  stopped: StopReason | undefined;
}

/** A worker that was asked to stop and has not is killed after this long. */
const STOP_GRACE_MS = 600;

// --- processes ------------------------------------------------------------------------------------------------------

/** Start a process for the worker unless one is being started. */
export function startWorkerSoon(world: World, host: WorkerHost, delay: number): void {
  if (host.starting) return;
  host.starting = true;
  world.scheduler.after(delay, undefined, () => {
    host.starting = false;
    if (host.wanted) startWorker(world, host);
  });
}

export function startWorker(world: World, host: WorkerHost): void {
  const { options, random, scheduler, checker } = world;
  const process = createProcess(`worker ${host.id}`, scheduler);
  const { disk } = host;
  const object = createObject(world, process, host, () => kernel.worker);
  const find = (): Port | undefined => reachFinder(world, process, 'worker');
  const simHost: SimHost = createSimHost(world, process, {
    wall: () => Math.max(0, 10_000 + scheduler.now + running.clockSkewMs),
    dial: (options, user) => dialSim(simHost, { world, process, find, enter: simHost.enter }, options, user),
  });
  const kernel = runWorker(simHost, {
    config: configOf(world, host),
    object,
    disk: mountDisk(world, process, disk),
    maxStateBytes: Infinity,
    sectionLimits: sectionLimitsOf(host),
    log: volumeLog(world, process, host, () => host.isDamaged || disk !== host.disk),
    note: (effect) => noteLog(world, running, effect),
    finder: { address: 'finder' },
    token: undefined,
    portFor: (...users) => portOf(sharePlaces(world, process, simHost, 1), () => running, users),
    counts: { batch: nothing, checkpoint: nothing, failedWrite: nothing },
    step: (_, event, now, wall) => step(world, running, event, now, wall),
  });
  const running: WorkerProcess = {
    ...{ host, process, kernel, core: kernel.worker, object, disk },
    port: undefined,
    newestVersion: 0,
    marked: false,
    exposedBefore: checker.exposedOf(host.id),
    claimedBefore: checker.claimedOf(host.id),
    clockSkewMs: random.chance(0.3) ? random.int(-options.clockSkewMs, options.clockSkewMs) : 0,
    diesAfter: -1,
    shuttingDown: false,
    stopped: undefined,
  };
  host.processes.push(running);
  world.note(process.name, () => 'starts');
  kernel.ended.then(
    (code) => ended(world, running, code),
    (error: unknown) => broken(world, running, error),
  );
  simHost.enter(() => kernel.start());
}

function nothing(): void {
  // Not counted here.
}

function configOf({ options }: World, { id, state }: WorkerHost): WorkerConfig {
  return {
    ...WORKER_DEFAULTS,
    id,
    type: 'counter',
    host: '',
    port: 6380 + id,
    checkpointIntervalMs: options.checkpointIntervalMs,
    maxUnwrittenVersions: options.maxUnwrittenVersions,
    maxUncommittedCheckpoints: options.maxUncommittedCheckpoints,
    maxWaitingBatches: options.maxWaitingBatches,
    maxWaitingBytes: options.maxWaitingBytes,
    catchUpBytes: options.catchUpBytes,
    maxUnacknowledgedBatches: options.maxUnacknowledgedBatches,
    maxVersionJump: options.maxVersionJump,
    maxSessions: options.maxSessions,
    maxReplyBytes: options.maxReplyBytes,
    maxUnwrittenBytes: options.maxUnwrittenBytes,
    sessionExpiryMs: options.sessionExpiryMs,
    endedExpiryMs: options.endedExpiryMs,
    giveWayMs: options.giveWayMs,
    replyGiveWayMs: options.replyGiveWayMs,
    maxDecisions: options.maxDecisions,
    state,
  };
}

/** The process dies. */
export function killWorker(world: World, running: WorkerProcess, how: string): void {
  const { host, process } = running;
  if (!process.alive) return;
  world.note(process.name, () => `incarnation ${running.core.incarnation} ${how}`);
  kill(process);
  host.processes = host.processes.filter((one) => one !== running);
}

/** A worker's process that new connections reach, once it serves; with several, an old address may lead to any of them. */
export function reachWorker(world: World, from: Process, id: number): Port | undefined {
  const host = world.hosts.get(id);
  if (host === undefined || isPartitioned(world, from.name) || isPartitioned(world, `worker ${id}`)) return undefined;
  const reachable = host.processes.filter(({ process, port }) => port !== undefined && !process.paused);
  return reachable.length === 0 ? undefined : world.random.pick(reachable).port;
}

export function crashWorker(world: World, running: WorkerProcess): void {
  killWorker(world, running, 'crashes');
  startWorkerSoon(world, running.host, world.random.exponential(world.options.restartMs));
}

/** It goes on after a while, as if no time had passed. */
export function pauseWorker(world: World, running: WorkerProcess): void {
  if (running.process.paused || !running.process.alive) return;
  running.process.paused = true;
  world.note(running.process.name, () => `incarnation ${running.core.incarnation} is paused`);
  world.scheduler.after(world.random.exponential(world.options.pauseMs), undefined, () => {
    if (!running.process.alive || !running.process.paused) return;
    world.note(running.process.name, () => `incarnation ${running.core.incarnation} goes on`);
    if (running.host.processes.length > 1) world.reached('zombie goes on beside its successor');
    resume(running.process, world.scheduler);
  });
}

/** Ask for a clean stop, and kill what does not heed it. */
export function shutDownWorker(world: World, running: WorkerProcess): void {
  if (running.shuttingDown) return;
  running.shuttingDown = true;
  world.note(running.process.name, () => 'is asked to stop');
  world.hasPromises = true;
  if (running.process.alive) running.kernel.stop();
  world.scheduler.after(STOP_GRACE_MS, undefined, () => {
    if (!running.process.alive) return;
    world.reached('slow stop ends in a kill');
    crashWorker(world, running);
  });
}

/** Like an orchestrator: one that ended is started again, unless another process of the worker runs. */
function restartAfterStop(world: World, host: WorkerHost): void {
  if (host.processes.length === 0) startWorkerSoon(world, host, world.random.exponential(world.options.restartMs));
}

// --- what happens in a process --------------------------------------------------------------------------------------

/** The port of a process as production has it: closed until the worker serves. */
function portOf(
  sharing: Sharing,
  running: () => WorkerProcess,
  [owner, arrivals]: Parameters<WorkerParts['portFor']>,
): ClientPort {
  let port: Port | undefined;
  return {
    serve: () => (running().port = port ??= openPort(sharing, ['client'], owner, arrivals)),
    isOpen: () => running().port !== undefined,
    connections: () => 0,
    async close() {
      running().port = undefined;
      await port?.close();
    },
  };
}

/** A step of the state machine, as production makes it; what is wrong about what it does shows at once. */
function step(
  world: World,
  running: WorkerProcess,
  event: WorkerEvent,
  now: number,
  wall: number,
): Iterable<WorkerEffect> {
  const { process, core } = running;
  if (!process.alive) return [];
  try {
    checkVolume(world, running, event);
    if (event.kind === 'surveyed') mayBeOvertaken(world, running);
    const effects = stepWorker(core, event, now, wall);
    world.checker.workerStepped(core);
    if (event.kind === 'clientFrames') world.checker.framesCame(core, event.connection, event.messages);
    for (const effect of effects) watch(world, running, effect);
    return running.diesAfter < 0 ? effects : untilItDies(world, running, effects);
  } catch (error) {
    world.fail(error); // where a promise rejects with it, the worker ends, and the run would go on
    throw error;
  }
}

/**
 * The process falls silent before it is connected to the Finder, and another is started: what it found on the volume it claims with once
 * that one has written more there, and perhaps was removed.
 */
function mayBeOvertaken(world: World, running: WorkerProcess): void {
  const { options, random, calm } = world;
  const { host, core } = running;
  if (options.overtakenChance === 0 || calm || core.finderOpen || host.processes.length > 1) return;
  if (!random.chance(options.overtakenChance)) return;
  world.reached('overtaken between its survey and its claim');
  pauseWorker(world, running);
  startWorkerSoon(world, host, 0);
}

/** The process dies before the effect whose turn it is. */
function* untilItDies(
  world: World,
  running: WorkerProcess,
  effects: readonly WorkerEffect[],
): Generator<WorkerEffect, void> {
  for (const effect of effects) {
    if (running.diesAfter-- === 0) {
      world.reached('worker dies within a step');
      crashWorker(world, running);
      return;
    }
    yield effect;
  }
}

/** The effect is about to be performed, unless the process dies before. */
function watch(world: World, running: WorkerProcess, effect: WorkerEffect): void {
  const { checker } = world;
  const { host, process, core } = running;
  switch (effect.kind) {
    case 'send':
      return checker.answered(core, effect.connection, effect.message);
    case 'survey':
      running.exposedBefore = checker.exposedOf(host.id);
      running.claimedBefore = checker.claimedOf(host.id);
      break;
    case 'checkpoint':
      checker.sealed(core, effect.info, running.object.nextTaken());
      break;
    case 'restore':
      running.marked = false;
      break;
    case 'dropAfter':
      world.reached('rollback in memory');
      checker.restored(running, effect.version);
      break;
    case 'serving':
      // A process that wakes up on a disk that was replaced may be let in, if nothing is committed yet: then that is the worker's disk. One of a
      // generation that was removed may serve until it hears of that, and its disk is no worker's any more.
      if (core.generation === checker.generationOf(host.id) && effect.incarnation >= checker.claimedOf(host.id))
        host.disk = running.disk;
      keepMember(world, host);
      world.note(process.name, () => `incarnation ${effect.incarnation} serves in world-line ${effect.worldLine}`);
      break;
    case 'stop':
      running.stopped = effect.why;
      world.reached(`worker stops: ${effect.why}`);
      world.note(process.name, () => `incarnation ${core.incarnation} stops: ${effect.why}, ${effect.text}`);
      checker.stopped(running, effect.why);
      break;
    default:
  }
  if (!SETTLES_NOTHING.has(effect.kind)) world.hasPromises = true;
}

/** No promise is settled because of these. */
const SETTLES_NOTHING: ReadonlySet<WorkerEffect['kind']> = new Set([
  ...(['send', 'close', 'toFinder', 'publish', 'serving', 'log'] as const),
]);

function noteLog(world: World, running: WorkerProcess, { event, details }: Parameters<WorkerParts['note']>[0]): void {
  world.reached(`worker ${event}`);
  if (event === 'undecided') decideState(world, running);
  world.note(running.process.name, () => `${event}: ${inWords(details)}`);
}

/** The administrator says what a worker begins with that waits for it; one that was removed meanwhile waits for nothing. */
function decideState(world: World, running: WorkerProcess): void {
  const { host, process } = running;
  world.scheduler.after(world.random.exponential(world.options.restartMs), process, () => {
    if (!host.wanted) return killWorker(world, running, 'is not wanted any more');
    if (host.state === 'unsaid') host.state = world.random.chance(0.5) ? 'kept' : 'empty';
    shutDownWorker(world, running);
  });
}

/** The process exits with this code, and the administrator sees why. */
function ended(world: World, running: WorkerProcess, code: number): void {
  const { host, process, core, stopped } = running;
  if (!process.alive) return;
  if (stopped === undefined && code === EXIT.fenced) world.reached('worker finds its volume taken over');
  killWorker(world, running, `ends with code ${code}`);
  if (code === EXIT.refused) host.refusals++;
  if (code === EXIT.refused && world.checker.hasNoRoomFor(core.config.id)) {
    world.reached('no room for another worker');
    host.wanted = false; // the administrator gives up
  }
  if (code === EXIT.refused && core.config.state === 'kept' && world.checker.generationOf(core.config.id) === 0) {
    world.reached('nothing to bring back');
    host.state = 'empty';
  }
  if (code !== EXIT.left || core.generation < host.generation) restartAfterStop(world, host);
}

/** The process ends because of its disk, and is started again; anything else is a defect. */
function broken(world: World, running: WorkerProcess, error: unknown): void {
  const { process, host, disk } = running;
  if (!process.alive) return;
  const cause = error instanceof ProcessError ? error.cause : error;
  const isDamaged = cause instanceof StorageDamagedError || cause instanceof WrongVolumeError;
  if (cause instanceof VolumeLostError && (host.isDamaged || host.isLost || disk !== host.disk)) {
    world.reached('worker notices that its volume is lost');
  } else if (isDamaged && (host.isDamaged || disk !== host.disk)) {
    world.reached('worker does not start from a damaged volume');
    host.refusals++;
  } else if (systemCode(cause) !== undefined) world.reached('worker ends because of its disk');
  else return world.fail(error);
  killWorker(world, running, `ends: ${cause instanceof Error ? cause.message : ''}`);
  restartAfterStop(world, host);
}
