/** Worker processes: several may exist for one id at a time, and share its volume, of which one incarnation has the say. */
import {
  createWorker,
  stepWorker,
  WORKER_DEFAULTS,
  workerWakeAt,
  type Worker,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
} from '../../services/core/index.ts';
import { PROTOCOL_VERSION, type Message, type MessageOf } from '../../services/protocol/index.ts';
import {
  StorageDamagedError,
  SupersededError,
  systemCode,
  WrongVolumeError,
} from '../../services/runtime/storage/index.ts';
import type { VolumeEffect, VolumeKeeper } from '../../services/runtime/worker/volume-keeper.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import { createDisk } from './disk.ts';
import { acceptAtFinder, reachFinder } from './finder-actor.ts';
import { closeEnd, connect, sendOn, type End } from './network.ts';
import type { Random } from './random.ts';
import { CLOCK_STEP_MS, createProcess, kill, type Process } from './scheduler.ts';
import { batchOf, EMPTY, follow, resultsOf, type State } from './state-object.ts';
import { keepVolume } from './volume.ts';
import { inWords, isPartitioned, type World } from './world.ts';

/** What stays of a worker when its processes die: its disk, and whether somebody starts it again. */
export interface WorkerHost {
  readonly id: number;
  disk: SimDisk;
  /** Alive ones, oldest first. */
  processes: WorkerProcess[];
  /** Is it to run at all? Not before it is added, and not after it was removed. */
  wanted: boolean;
  /** The one that last served since it was added, 0 before. */
  generation: number;
  /** A removal was asked for, and has not been answered with `left`. */
  removing: 'no' | 'graceful' | 'force';
  starting: boolean;
  /** Its volume is gone, so that it can only be removed by force. */
  isLost: boolean;
  /** What is on its disk is not what was written there. */
  isDamaged: boolean;
  /** How often a process was refused because of that. */
  refusals: number;
}

interface ClientConnection {
  readonly end: End;
  greeted: boolean;
  lastReplied: number;
  publishedOwn: number;
  publishedWorldLine: number;
}

export interface WorkerProcess {
  readonly host: WorkerHost;
  readonly process: Process;
  readonly core: Worker;
  /** Names the process towards the Finder, 128 random bits. */
  readonly boot: string;
  /** The one that its host had when it started. */
  readonly disk: SimDisk;
  readonly volume: VolumeKeeper;
  /** As its volume says; undefined before it is read, or if it is empty. */
  cluster: string | undefined;
  /** The largest version that a checkpoint of its volume has, as far as it knows. */
  newestVersion: number;
  /** Its clean-shutdown marker is durable. */
  marked: boolean;
  state: State;
  /** Which states its snapshots are of. */
  readonly snapshots: WeakMap<object, State>;
  /** Its entry in the cut when it began to read its volume. */
  exposedBefore: number;
  finderEnd: End | undefined;
  finderGreeted: boolean;
  readonly clients: Map<number, ClientConnection>;
  nextConnection: number;
  serving: boolean;
  wakeAt: number;
  clockSkewMs: number;
  /** Batches that execute in another process, in order. */
  readonly remote: { readonly batch: number; readonly ticket: number }[];
  readonly asyncState: boolean;
  diesAfter: number;
  shuttingDown: boolean;
}

const RECONNECT_MS = 30;
/** A worker that was asked to stop and has not is killed after this long. */
const STOP_GRACE_MS = 600;

export function createHost(id: number, random: Random): WorkerHost {
  return {
    id,
    disk: createDisk(random),
    processes: [],
    wanted: false,
    generation: 0,
    removing: 'no',
    starting: false,
    isLost: false,
    isDamaged: false,
    refusals: 0,
  };
}

/** Whoever is a member is wanted: a process that was paused during a removal may have added its id again. */
export function keepMember(world: World, host: WorkerHost): void {
  const generation = world.checker.generationOf(host.id);
  if (generation <= host.generation || host.removing !== 'no') return;
  host.generation = generation;
  host.wanted = true;
}

/** Start a process for the worker unless one is being started. */
export function startWorkerSoon(world: World, host: WorkerHost, delay: number): void {
  if (host.starting) return;
  host.starting = true;
  world.scheduler.after(delay, undefined, () => {
    host.starting = false;
    if (host.wanted) startWorker(world, host);
  });
}

export function startWorker(world: World, host: WorkerHost): WorkerProcess {
  const { options, random, scheduler } = world;
  const process = createProcess(`worker ${host.id}`, scheduler);
  const running: WorkerProcess = {
    host,
    process,
    core: undefined as unknown as Worker,
    disk: host.disk,
    volume: undefined as unknown as VolumeKeeper,
    boot: random.hex(16),
    cluster: undefined,
    newestVersion: 0,
    marked: false,
    state: EMPTY,
    snapshots: new WeakMap(),
    exposedBefore: world.checker.exposedOf(host.id),
    finderEnd: undefined,
    finderGreeted: false,
    clients: new Map(),
    nextConnection: 1,
    serving: false,
    wakeAt: Infinity,
    clockSkewMs: random.chance(0.3) ? random.int(-options.clockSkewMs, options.clockSkewMs) : 0,
    remote: [],
    asyncState: random.chance(options.asyncStateChance),
    diesAfter: -1,
    shuttingDown: false,
  };
  const state: WorkerState = {
    apply: (operations, count, ticket) => apply(world, running, operations, count, ticket),
    snapshot: () => snapshot(world, running),
  };
  const core = createWorker(
    {
      ...WORKER_DEFAULTS,
      id: host.id,
      type: 'counter',
      host: '',
      port: 6380 + host.id,
      checkpointIntervalMs: options.checkpointIntervalMs,
      believeRelays: options.believeRelays,
      maxUnwrittenVersions: options.maxUnwrittenVersions,
      maxUncommittedCheckpoints: options.maxUncommittedCheckpoints,
      maxWaitingBatches: options.maxWaitingBatches,
      maxWaitingBytes: options.maxWaitingBytes,
      maxUnacknowledgedBatches: options.maxUnacknowledgedBatches,
      maxSessions: options.maxSessions,
      sessionExpiryMs: options.sessionExpiryMs,
      maxDecisions: options.maxDecisions,
    },
    state,
  );
  const volume = keepVolume(world, running, {
    happen: (event) => volumeHappens(world, running, event),
    broken: (error) => broken(world, running, error),
  });
  Object.assign(running, { core, volume });
  host.processes.push(running);
  world.note(process.name, () => 'starts');
  world.hasPromises = true;
  volume.survey().then(
    (cluster) => {
      running.cluster = cluster;
      connectFinder(world, running, world.networkDelay());
    },
    (error: unknown) => broken(world, running, error),
  );
  return running;
}

/** The process dies. */
export function killWorker(world: World, running: WorkerProcess, how: string): void {
  const { host, process } = running;
  if (!process.alive) return;
  world.note(process.name, () => `incarnation ${running.core.incarnation} ${how}`);
  kill(process);
  host.processes = host.processes.filter((one) => one !== running);
}

/** A worker's process that new connections reach; with several, an old address may lead to any of them. */
export function reachWorker(world: World, from: Process, id: number): WorkerProcess | undefined {
  const host = world.hosts.get(id);
  if (host === undefined || isPartitioned(world, from.name) || isPartitioned(world, `worker ${id}`)) return undefined;
  const reachable = host.processes.filter(({ process }) => !process.paused);
  return reachable.length === 0 ? undefined : world.random.pick(reachable);
}

export function stepProcess(world: World, running: WorkerProcess, event: WorkerEvent): void {
  const { process, core } = running;
  const now = world.scheduler.now - process.bornAt;
  const effects = stepWorker(core, event, now, wall(world, running));
  world.checker.workerStepped(core);
  for (const effect of effects) {
    if (!process.alive) return;
    if (running.diesAfter >= 0 && running.diesAfter-- === 0) {
      world.reached('worker dies within a step');
      crashWorker(world, running);
      return;
    }
    perform(world, running, effect);
  }
  wakeLater(world, running);
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

// --- the state object -----------------------------------------------------------------------------------------------

/** Of a state in another process it comes later. */
function snapshot(world: World, running: WorkerProcess): Buffer | Promise<Buffer> {
  const { state, snapshots, process } = running;
  const bytes = world.states.encode(state);
  const taken = !running.asyncState
    ? bytes
    : new Promise<Buffer>((resolve) => {
        world.scheduler.after(world.random.exponential(1), process, () => {
          world.hasPromises = true;
          resolve(bytes);
        });
      });
  snapshots.set(taken, state);
  return taken;
}

function apply(
  world: World,
  running: WorkerProcess,
  operations: Uint8Array,
  count: number,
  ticket: number,
): Uint8Array | undefined {
  const batch = batchOf(operations);
  world.checker.executed(running.core, batch, count);
  if (!running.asyncState) {
    running.state = follow(running.state, batch);
    world.checker.applied(running.core, batch, running.state);
    return resultsOf(running.state);
  }
  running.remote.push({ batch, ticket });
  if (running.remote.length === 1) runRemote(world, running);
  return undefined;
}

function runRemote(world: World, running: WorkerProcess): void {
  const { scheduler, random, options } = world;
  scheduler.after(random.exponential(options.executionMs), running.process, () => {
    const next = running.remote.shift();
    if (next === undefined) throw new Error('nothing executes in the other process');
    running.state = follow(running.state, next.batch);
    world.checker.applied(running.core, next.batch, running.state);
    if (running.remote.length > 0) runRemote(world, running);
    const event = { kind: 'executed', ticket: next.ticket, results: resultsOf(running.state) } as const;
    if (random.chance(0.7)) return stepProcess(world, running, event);
    // The results of a later batch may come before.
    scheduler.after(random.exponential(options.executionMs), running.process, () => stepProcess(world, running, event));
  });
}

// --- the Finder -----------------------------------------------------------------------------------------------------

function connectFinder(world: World, running: WorkerProcess, delay: number): void {
  const { process, core } = running;
  world.scheduler.after(delay, process, () => {
    const finder = reachFinder(world, process, core.stamp?.counter);
    if (finder === undefined) return connectFinder(world, running, world.random.exponential(RECONNECT_MS));
    const end = connect(world, process, finder.process, (other) => acceptAtFinder(world, finder, other));
    running.finderEnd = end;
    running.finderGreeted = false;
    end.onMessage = (message) => {
      if (message.kind === 'welcome') {
        running.finderGreeted = true;
        return stepProcess(world, running, { kind: 'finderOpened' });
      }
      stepProcess(world, running, { kind: 'finderFrame', message });
    };
    end.onClosed = () => {
      if (running.finderGreeted) stepProcess(world, running, { kind: 'finderClosed' });
      connectFinder(world, running, world.random.exponential(RECONNECT_MS));
    };
    const known = core.cluster === '' ? running.cluster : core.cluster;
    sendOn(world, end, {
      kind: 'hello',
      protocol: PROTOCOL_VERSION,
      role: 'worker',
      cluster: known,
      stamp: core.stamp,
      token: '',
    });
  });
}

// --- clients --------------------------------------------------------------------------------------------------------

export function acceptAtWorker(world: World, running: WorkerProcess, end: End): void {
  const connection = running.nextConnection++;
  const client: ClientConnection = {
    end,
    greeted: false,
    lastReplied: 0,
    publishedOwn: -1,
    publishedWorldLine: 0,
  };
  end.onMessage = (message) => {
    if (client.greeted) return stepProcess(world, running, { kind: 'clientFrame', connection, message });
    greet(world, running, connection, client);
  };
  end.onClosed = () => {
    running.clients.delete(connection);
    if (client.greeted) stepProcess(world, running, { kind: 'clientClosed', connection });
  };
}

/** Nobody is welcomed before the worker serves. Whoever is, hears at once where the cluster stands. */
function greet(world: World, running: WorkerProcess, connection: number, client: ClientConnection): void {
  const { core } = running;
  if (!running.serving) return closeEnd(world, client.end);
  client.greeted = true;
  // It may wait for anything that executed so far, answered on an earlier connection.
  client.lastReplied = core.version;
  running.clients.set(connection, client);
  sendOn(world, client.end, {
    kind: 'welcome',
    protocol: PROTOCOL_VERSION,
    cluster: core.cluster,
    worldLine: core.worldLine,
    controlPort: 0,
    worker: { id: core.config.id, generation: core.generation, incarnation: core.incarnation, type: 'counter' },
  });
  stepProcess(world, running, {
    kind: 'clientFrame',
    connection,
    message: { kind: 'refresh', worldLine: core.worldLine },
  });
}

function tellClient(world: World, running: WorkerProcess, connection: number, message: Message): void {
  const client = running.clients.get(connection);
  if (client === undefined) return;
  if (message.kind === 'reply') client.lastReplied = Math.max(client.lastReplied, message.version);
  if (message.kind === 'cut') {
    client.publishedOwn = message.cut.get(running.core.config.id) ?? 0;
    client.publishedWorldLine = message.worldLine;
  }
  sendOn(world, client.end, message);
}

function publish(world: World, running: WorkerProcess, message: MessageOf<'cut'>): void {
  for (const [connection, client] of running.clients) {
    const wants = client.publishedWorldLine !== message.worldLine || client.lastReplied > client.publishedOwn;
    if (wants) tellClient(world, running, connection, message);
  }
}

// --- effects and the volume -----------------------------------------------------------------------------------------

function perform(world: World, running: WorkerProcess, effect: WorkerEffect): void {
  const { process, core } = running;
  switch (effect.kind) {
    case 'send':
      return tellClient(world, running, effect.connection, effect.message);
    case 'toFinder':
      if (running.finderEnd && running.finderGreeted) sendOn(world, running.finderEnd, effect.message);
      return;
    case 'publish':
      return publish(world, running, effect.message);
    case 'survey':
      running.exposedBefore = world.checker.exposedOf(running.host.id);
      return ask(world, running, effect);
    case 'checkpoint':
      world.checker.sealed(core, effect.info, running.snapshots.get(effect.snapshot as object));
      return ask(world, running, effect);
    case 'restore':
      running.marked = false;
      return ask(world, running, effect);
    case 'openVolume':
    case 'prune':
    case 'mark':
      return ask(world, running, effect);
    case 'serving':
      running.serving = true;
      // Whoever wakes up on a disk that was replaced may be let in, if nothing is committed yet: then that is the worker's disk.
      running.host.disk = running.disk;
      keepMember(world, running.host);
      world.note(process.name, () => `incarnation ${effect.incarnation} serves in world-line ${effect.worldLine}`);
      return;
    case 'stop':
      world.reached(`worker stops: ${effect.why}`);
      world.note(process.name, () => `incarnation ${core.incarnation} stops: ${effect.why}, ${effect.text}`);
      world.checker.stopped(running, effect.why);
      if (effect.why === 'refused') running.host.refusals++;
      killWorker(world, running, 'ends');
      if (effect.why === 'refused' && world.checker.hasNoRoomFor(core.config.id)) {
        world.reached('no room for another worker');
        running.host.wanted = false; // the administrator gives up
      }
      if (effect.why !== 'left' || core.generation < running.host.generation) restartAfterStop(world, running.host);
      return;
    case 'log':
      world.reached(`worker ${effect.event}`);
      world.note(process.name, () => `${effect.event}: ${inWords(effect.details)}`);
      return;
  }
}

/** Like an orchestrator: one that ended is started again, unless another process of the worker runs. */
function restartAfterStop(world: World, host: WorkerHost): void {
  if (host.processes.length === 0) startWorkerSoon(world, host, world.random.exponential(world.options.restartMs));
}

function ask(world: World, { volume }: WorkerProcess, effect: VolumeEffect): void {
  world.hasPromises = true;
  volume.perform(effect);
}

/** A part of what the volume was asked for is done, and the process is told. */
function volumeHappens(world: World, running: WorkerProcess, event: WorkerEvent): void {
  if (!running.process.alive) return;
  const { checker } = world;
  const { core } = running;
  switch (event.kind) {
    case 'surveyed':
      checker.surveyed(running, event.generation, event.checkpoints);
      break;
    case 'volumeOpened':
      for (const { version } of event.checkpoints) running.newestVersion = Math.max(running.newestVersion, version);
      for (const info of event.checkpoints) checker.durable(running, info.worldLine, info.version);
      break;
    case 'durable':
      running.newestVersion = Math.max(running.newestVersion, event.version);
      checker.durable(running, event.worldLine, event.version);
      world.note(running.process.name, () => `checkpoint ${event.version} is durable`);
      break;
    case 'restored':
      if (core.restoring === event.version) checker.restored(running, event.version);
      break;
    case 'marked':
      running.marked = true;
      break;
    default:
  }
  stepProcess(world, running, event);
}

/** As in production: it stops for a successor, or is started again after its disk failed; anything else is a defect. */
function broken(world: World, running: WorkerProcess, error: unknown): void {
  const { process, host } = running;
  if (!process.alive) return;
  if (error instanceof SupersededError) {
    world.reached('worker finds its volume taken over');
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
