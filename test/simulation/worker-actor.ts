/** Worker processes: several may exist for one id at a time, and share its volume, of which one incarnation has the say. */
import {
  createWorker,
  stepWorker,
  WORKER_DEFAULTS,
  workerWakeAt,
  type Worker,
  type WorkerConfig,
  type WorkerEffect,
  type WorkerEvent,
} from '../../services/core/index.ts';
import {
  StorageDamagedError,
  SupersededError,
  systemCode,
  VolumeLostError,
  WrongVolumeError,
} from '../../services/runtime/storage/index.ts';
import type { BackOff } from '../../services/runtime/back-off.ts';
import { createClients, type Clients } from '../../services/runtime/worker/clients.ts';
import { arrivalsUser, clientsOwner, finderCaller, workerHello } from '../../services/runtime/worker/peers.ts';
import { adaptState } from '../../services/runtime/worker/state-adapter.ts';
import type { VolumeEffect, VolumeKeeper } from '../../services/runtime/worker/volume-keeper.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import { reachFinder } from './finder-actor.ts';
import { CLOCK_STEP_MS, createProcess, kill, type Process } from './scheduler.ts';
import { call, openPort, reconnectPauses, type Call, type Port } from './sockets.ts';
import { checkVolume, keepVolume } from './volume.ts';
import { keepMember, type WorkerHost } from './worker-host.ts';
import { createObject, type WorkerObject } from './worker-object.ts';
import { inWords, isPartitioned, Violation, type World } from './world.ts';

export interface WorkerProcess {
  readonly host: WorkerHost;
  readonly process: Process;
  readonly core: Worker;
  readonly object: WorkerObject;
  /** The one that its host had when it started. */
  readonly disk: SimDisk;
  readonly volume: VolumeKeeper;
  readonly clients: Clients;
  /** Where clients reach it. */
  readonly port: Port;
  finder: Call | undefined;
  /** Between its attempts to reach the Finder. */
  readonly pauses: BackOff;
  /** As its volume says; undefined before it is read, or if it is empty. */
  cluster: string | undefined;
  /** The largest version that a checkpoint of its volume has, as far as it knows. */
  newestVersion: number;
  /** Its clean-shutdown marker is durable. */
  marked: boolean;
  /** Its entry in the cut when it began to read its volume. */
  exposedBefore: number;
  /** The incarnation that was let in last, at that time. */
  claimedBefore: number;
  serving: boolean;
  wakeAt: number;
  clockSkewMs: number;
  /** Dies when this many more effects have been performed. */
  diesAfter: number;
  shuttingDown: boolean;
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
  const dispatch = (event: WorkerEvent): void => stepProcess(world, running, event);
  const isBroken = (error: unknown): void => broken(world, running, error);
  const object = createObject(world, process, () => core);
  const executed = (ticket: number, results: Uint8Array): void => dispatch({ kind: 'executed', ticket, results });
  const core = createWorker(
    configOf(world, host),
    adaptState(object, { executed, broken: isBroken, batch: () => undefined }),
  );
  const clients = createClients();
  const running: WorkerProcess = {
    host,
    process,
    core,
    object,
    disk: host.disk,
    volume: keepVolume(world, {
      process,
      host,
      boot: random.hex(16),
      object,
      dispatch(event) {
        if (process.alive) checkVolume(world, running, event);
        dispatch(event);
      },
      broken: isBroken,
    }),
    clients,
    port: openPort(world, process, clientsOwner(core, clients, dispatch), arrivalsUser(core, dispatch)),
    finder: undefined,
    pauses: reconnectPauses(world),
    cluster: undefined,
    newestVersion: 0,
    marked: false,
    exposedBefore: checker.exposedOf(host.id),
    claimedBefore: checker.claimedOf(host.id),
    serving: false,
    wakeAt: Infinity,
    clockSkewMs: random.chance(0.3) ? random.int(-options.clockSkewMs, options.clockSkewMs) : 0,
    diesAfter: -1,
    shuttingDown: false,
  };
  host.processes.push(running);
  world.note(process.name, () => 'starts');
  world.hasPromises = true;
  running.volume.survey().then((cluster) => {
    running.cluster = cluster;
    connectFinder(world, running, world.networkDelay());
  }, isBroken);
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
export function reachWorker(world: World, from: Process, id: number): WorkerProcess | undefined {
  const host = world.hosts.get(id);
  if (host === undefined || isPartitioned(world, from.name) || isPartitioned(world, `worker ${id}`)) return undefined;
  const reachable = host.processes.filter(({ process, serving }) => serving && !process.paused);
  return reachable.length === 0 ? undefined : world.random.pick(reachable);
}

export function crashWorker(world: World, running: WorkerProcess): void {
  killWorker(world, running, 'crashes');
  startWorkerSoon(world, running.host, world.random.exponential(world.options.restartMs));
}

/** Ask for a clean stop, and kill what does not heed it. */
export function shutDownWorker(world: World, running: WorkerProcess): void {
  if (running.shuttingDown) return;
  running.shuttingDown = true;
  world.note(running.process.name, () => 'is asked to stop');
  stepProcess(world, running, { kind: 'shutdown' });
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

function connectFinder(world: World, running: WorkerProcess, delay: number): void {
  const { process, core } = running;
  world.scheduler.after(delay, process, () => {
    const ended = (): void => connectFinder(world, running, running.pauses.next());
    const finder = reachFinder(world, process, 'worker');
    if (finder === undefined) return ended();
    const cluster = (): string | undefined => core.cluster || running.cluster;
    const caller = finderCaller(cluster, (event) => stepProcess(world, running, event));
    running.finder = call(world, process, finder.port, workerHello(core, cluster()), {
      ...caller,
      opened(welcome) {
        running.pauses.reset();
        caller.opened(welcome);
      },
      ended,
    });
  });
}

function stepProcess(world: World, running: WorkerProcess, event: WorkerEvent): void {
  const { process, core } = running;
  if (!process.alive) return;
  const now = world.scheduler.now - process.bornAt;
  const effects = stepWorker(core, event, now, wall(world, running));
  world.checker.workerStepped(core);
  if (event.kind === 'clientFrames') world.checker.framesCame(core, event.connection, event.messages);
  for (const effect of effects) {
    if (!process.alive) return;
    if (effect.kind === 'send') world.checker.answered(core, effect.connection, effect.message);
    if (running.diesAfter >= 0 && running.diesAfter-- === 0) {
      world.reached('worker dies within a step');
      crashWorker(world, running);
      return;
    }
    perform(world, running, effect);
  }
  wakeLater(world, running);
}

function wall(world: World, running: WorkerProcess): number {
  return Math.max(0, 10_000 + world.scheduler.now + running.clockSkewMs);
}

function wakeLater(world: World, running: WorkerProcess): void {
  const { process, core } = running;
  if (!process.alive) return;
  const at = workerWakeAt(core);
  if (at === Infinity || at === running.wakeAt) return;
  running.wakeAt = at;
  world.scheduler.after(Math.max(CLOCK_STEP_MS, at + process.bornAt - world.scheduler.now), process, () => {
    if (running.wakeAt !== at) return;
    running.wakeAt = Infinity;
    stepProcess(world, running, { kind: 'wake' });
  });
}

function perform(world: World, running: WorkerProcess, effect: WorkerEffect): void {
  const { checker } = world;
  const { host, process, core, clients } = running;
  switch (effect.kind) {
    case 'send':
      return clients.send(effect.connection, effect.message);
    case 'close':
      return clients.close(effect.connection);
    case 'toFinder':
      return running.finder?.send(effect.message);
    case 'publish':
      return clients.publish(effect.message, effect.own);
    case 'survey':
      running.exposedBefore = checker.exposedOf(host.id);
      running.claimedBefore = checker.claimedOf(host.id);
      return ask(world, running, effect);
    case 'checkpoint':
      checker.sealed(core, effect.info, running.object.takenFrom(effect.snapshot));
      return ask(world, running, effect);
    case 'restore':
      running.marked = false;
      return ask(world, running, effect);
    case 'openVolume':
    case 'bringBack':
    case 'prune':
    case 'mark':
      return ask(world, running, effect);
    case 'serving':
      running.serving = true;
      // A process that wakes up on a disk that was replaced may be let in, if nothing is committed yet: then that is the worker's disk. One of a
      // generation that was removed may serve until it hears of that, and its disk is no worker's any more.
      if (core.generation === checker.generationOf(host.id) && effect.incarnation >= checker.claimedOf(host.id))
        host.disk = running.disk;
      keepMember(world, host);
      return world.note(
        process.name,
        () => `incarnation ${effect.incarnation} serves in world-line ${effect.worldLine}`,
      );
    case 'stop':
      return stopped(world, running, effect);
    case 'log':
      world.reached(`worker ${effect.event}`);
      if (effect.event === 'undecided') decideState(world, running);
      return world.note(process.name, () => `${effect.event}: ${inWords(effect.details)}`);
  }
}

function ask(world: World, { volume }: WorkerProcess, effect: VolumeEffect): void {
  world.hasPromises = true;
  volume.perform(effect);
}

function stopped(world: World, running: WorkerProcess, { why, text }: Extract<WorkerEffect, { kind: 'stop' }>): void {
  const { host, process, core } = running;
  world.reached(`worker stops: ${why}`);
  world.note(process.name, () => `incarnation ${core.incarnation} stops: ${why}, ${text}`);
  world.checker.stopped(running, why);
  if (why === 'refused') host.refusals++;
  killWorker(world, running, 'ends');
  if (why === 'refused' && world.checker.hasNoRoomFor(core.config.id)) {
    world.reached('no room for another worker');
    host.wanted = false; // the administrator gives up
  }
  if (why === 'refused' && core.config.state === 'kept' && world.checker.generationOf(core.config.id) === 0) {
    world.reached('nothing to bring back');
    host.state = 'empty';
  }
  if (why !== 'left' || core.generation < host.generation) restartAfterStop(world, host);
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

/** As in production: it stops for a successor, or is started again after its disk failed; anything else is a defect. */
function broken(world: World, running: WorkerProcess, error: unknown): void {
  const { process, host } = running;
  if (error instanceof Violation) return world.fail(error);
  if (!process.alive) return;
  if (error instanceof SupersededError) {
    world.reached('worker finds its volume taken over');
    killWorker(world, running, `ends: ${error.message}`);
    return restartAfterStop(world, host);
  }
  if (error instanceof VolumeLostError && (host.isDamaged || host.isLost || running.disk !== host.disk)) {
    world.reached('worker notices that its volume is lost');
    killWorker(world, running, `ends: ${error.message}`);
    return restartAfterStop(world, host);
  }
  const isRefused = error instanceof StorageDamagedError || error instanceof WrongVolumeError;
  if (isRefused && (host.isDamaged || running.disk !== host.disk)) {
    world.reached('worker does not start from a damaged volume');
    host.refusals++;
    killWorker(world, running, `ends: ${error.message}`);
    return restartAfterStop(world, host);
  }
  if (systemCode(error) === undefined) return world.fail(error);
  world.reached('worker ends because of its disk');
  killWorker(world, running, 'ends because of its disk');
  restartAfterStop(world, host);
}
