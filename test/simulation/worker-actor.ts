/** Worker processes: several may exist for one id at a time, and share its volume, of which one incarnation has the say. */
import {
  createWorker,
  stepWorker,
  WORKER_DEFAULTS,
  workerWakeAt,
  type CleanMarker,
  type Worker,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
} from '../../services/core/index.ts';
import { PROTOCOL_VERSION, type Message, type MessageOf } from '../../services/protocol/index.ts';
import { acceptAtFinder, reachFinder } from './finder-actor.ts';
import { closeEnd, connect, sendOn, type End } from './network.ts';
import { CLOCK_STEP_MS, createProcess, kill, type Process } from './scheduler.ts';
import { batchOf, EMPTY, follow, resultsOf, type State } from './state-object.ts';
import { dropAbove, find, pruneBelow, takeOver, type Manifest, type Volume } from './volume.ts';
import { inWords, isPartitioned, type World } from './world.ts';

/** What stays of a worker when its processes die: its volume, and whether somebody starts it again. */
export interface WorkerHost {
  readonly id: number;
  readonly volume: Volume;
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
}

interface ClientConnection {
  readonly end: End;
  greeted: boolean;
  lastReplied: number;
  publishedOwn: number;
  publishedWorldLine: number;
}

type CheckpointEffect = Extract<WorkerEffect, { kind: 'checkpoint' }>;
type DiskJob = { readonly label: string; readonly run: () => void };

export interface WorkerProcess {
  readonly host: WorkerHost;
  readonly process: Process;
  readonly core: Worker;
  /** Names the process towards the Finder, 128 random bits. */
  readonly boot: string;
  manifest: Manifest | undefined;
  state: State;
  finderEnd: End | undefined;
  finderGreeted: boolean;
  readonly clients: Map<number, ClientConnection>;
  nextConnection: number;
  serving: boolean;
  wakeAt: number;
  clockSkewMs: number;
  /** What the disk has still to do, in order; the first one is being done. */
  readonly disk: DiskJob[];
  /** Batches that execute in another process, in order. */
  readonly remote: { readonly batch: number; readonly ticket: number }[];
  readonly asyncState: boolean;
  diesAfter: number;
  shuttingDown: boolean;
}

const RECONNECT_MS = 30;
/** A worker that was asked to stop and has not is killed after this long. */
const STOP_GRACE_MS = 600;

export function createHost(id: number): WorkerHost {
  return {
    id,
    volume: { newest: undefined },
    processes: [],
    wanted: false,
    generation: 0,
    removing: 'no',
    starting: false,
    isLost: false,
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
    boot: random.hex(16),
    manifest: undefined,
    state: EMPTY,
    finderEnd: undefined,
    finderGreeted: false,
    clients: new Map(),
    nextConnection: 1,
    serving: false,
    wakeAt: Infinity,
    clockSkewMs: random.chance(0.3) ? random.int(-2000, 2000) : 0,
    disk: [],
    remote: [],
    asyncState: random.chance(options.asyncStateChance),
    diesAfter: -1,
    shuttingDown: false,
  };
  const state: WorkerState = {
    apply: (operations, count, ticket) => apply(world, running, operations, count, ticket),
    snapshot: () => running.state,
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
    },
    state,
  );
  Object.assign(running, { core });
  host.processes.push(running);
  world.note(process.name, () => 'starts');
  survey(world, running, world.diskDelay());
  connectFinder(world, running, world.networkDelay());
  return running;
}

/** The process dies. The write in flight becomes durable or not. */
export function killWorker(world: World, running: WorkerProcess, how: string): void {
  const { host, process, disk } = running;
  if (!process.alive) return;
  world.note(process.name, () => `incarnation ${running.core.incarnation} ${how}`);
  const [job] = disk;
  if (job?.label === 'checkpoint' && world.random.chance(0.5)) {
    world.reached('checkpoint durable at a crash, and nobody told');
    disk.length = 1;
    process.alive = false; // so that the job makes things durable and tells nobody
    job.run();
  }
  process.alive = true;
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
  world.scheduler.after(world.random.exponential(1), running.process, () => {
    const next = running.remote.shift();
    if (next === undefined) throw new Error('nothing executes in the other process');
    running.state = follow(running.state, next.batch);
    world.checker.applied(running.core, next.batch, running.state);
    if (running.remote.length > 0) runRemote(world, running);
    stepProcess(world, running, { kind: 'executed', ticket: next.ticket, results: resultsOf(running.state) });
  });
}

// --- the Finder -----------------------------------------------------------------------------------------------------

function connectFinder(world: World, running: WorkerProcess, delay: number): void {
  const { process, core } = running;
  world.scheduler.after(delay, process, () => {
    const finder = reachFinder(world, process);
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
    const known = core.cluster === '' ? running.host.volume.newest?.cluster : core.cluster;
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

// --- effects and the disk -------------------------------------------------------------------------------------------

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
      return survey(world, running, effect.afterMs + world.diskDelay());
    case 'openVolume':
      return openVolume(world, running, effect.cluster, effect.generation, effect.incarnation);
    case 'restore':
      return restore(world, running, effect.version, effect.empty);
    case 'checkpoint':
      world.checker.sealed(core, effect.info, effect.snapshot as State);
      return writeCheckpoint(world, running, effect);
    case 'prune':
      return prune(world, running, effect.keep);
    case 'mark':
      return mark(world, running, effect.clean);
    case 'serving':
      running.serving = true;
      keepMember(world, running.host);
      world.note(process.name, () => `incarnation ${effect.incarnation} serves in world-line ${effect.worldLine}`);
      return;
    case 'stop':
      world.reached(`worker stops: ${effect.why}`);
      world.note(process.name, () => `incarnation ${core.incarnation} stops: ${effect.why}, ${effect.text}`);
      world.checker.stopped(core, effect.why);
      killWorker(world, running, 'ends');
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

function survey(world: World, running: WorkerProcess, delay: number): void {
  const { process, host, boot } = running;
  world.scheduler.after(delay, process, () => {
    const found = host.volume.newest;
    const checkpoints = (found?.checkpoints ?? []).map(({ info: { worldLine, version } }) => ({ worldLine, version }));
    stepProcess(world, running, {
      kind: 'surveyed',
      boot,
      generation: found?.generation ?? 0,
      checkpoints,
      stamp: found?.stamp,
    });
  });
}

function openVolume(
  world: World,
  running: WorkerProcess,
  cluster: string,
  generation: number,
  incarnation: number,
): void {
  enqueue(world, running, 'open', () => {
    const { volume } = running.host;
    if (volume.newest !== undefined && volume.newest.incarnation > incarnation)
      world.reached('zombie opens the volume');
    if (volume.newest?.generation !== generation) world.checker.volumeBegins(running.core.config.id);
    const manifest = takeOver(volume, cluster, generation, incarnation);
    running.manifest = manifest;
    world.checker.volumeChanged(running.host);
    return () =>
      stepProcess(world, running, {
        kind: 'volumeOpened',
        checkpoints: manifest.checkpoints.map(({ info }) => info),
        clean: manifest.clean,
      });
  });
}

function writeCheckpoint(world: World, running: WorkerProcess, effect: CheckpointEffect): void {
  const { info, snapshot, sessions, stamp } = effect;
  enqueue(world, running, 'checkpoint', () => {
    const manifest = opened(running);
    let { bytes: section } = sessions;
    section = Uint8Array.from(section);
    const before = sessions.base === 'full' ? [] : find(manifest, info.predecessor)?.sections;
    if (before === undefined) world.checker.violated(10, `checkpoint ${info.version} is a delta on a missing one`);
    const stored = { info, state: snapshot as State, sections: [...(before ?? []), section] };
    manifest.checkpoints.push(stored);
    manifest.stamp = stamp ?? manifest.stamp;
    world.checker.durable(running.host, manifest, info.version);
    world.note(running.process.name, () => `checkpoint ${info.version} is durable`);
    return () => stepProcess(world, running, { kind: 'durable', worldLine: info.worldLine, version: info.version });
  });
}

/** The write in flight ends first, the others are forgotten. */
function restore(world: World, running: WorkerProcess, version: number, empty: boolean): void {
  const { disk } = running;
  for (let at = disk.length - 1; at > 0; at--) {
    if (disk[at]?.label !== 'checkpoint') continue;
    world.reached('queued checkpoint dropped by a rollback');
    disk.splice(at, 1);
  }
  enqueue(world, running, 'restore', () => {
    const manifest = opened(running);
    dropAbove(manifest, version);
    const stored = empty ? undefined : find(manifest, version);
    if (!empty && stored === undefined) {
      world.checker.violated(10, `worker ${running.host.id} is to restore ${version}, which its volume lacks`);
    }
    running.state = stored?.state ?? EMPTY;
    world.checker.restored(running.core, version, running.state);
    world.checker.volumeChanged(running.host);
    return () => stepProcess(world, running, { kind: 'restored', version, sections: stored?.sections ?? [] });
  });
}

function prune(world: World, running: WorkerProcess, keep: number): void {
  world.scheduler.after(world.diskDelay(), running.process, () => {
    if (running.manifest) pruneBelow(running.manifest, keep);
    world.checker.volumeChanged(running.host);
  });
}

function mark(world: World, running: WorkerProcess, clean: CleanMarker): void {
  enqueue(world, running, 'mark', () => {
    opened(running).clean = clean;
    return () => stepProcess(world, running, { kind: 'marked' });
  });
}

function opened(running: WorkerProcess): Manifest {
  if (running.manifest === undefined) throw new Error('the volume is not open');
  return running.manifest;
}

/**
 * The disk does one thing after another. `work` makes its effect durable and returns what the process is told then, if it is
 * still there to hear it.
 */
function enqueue(world: World, running: WorkerProcess, label: string, work: () => () => void): void {
  const job: DiskJob = {
    label,
    run: () => {
      const tell = work();
      running.disk.shift();
      if (!running.process.alive) return;
      const [next] = running.disk;
      if (next) schedule(world, running, next);
      tell();
    },
  };
  running.disk.push(job);
  if (running.disk.length === 1) schedule(world, running, job);
}

function schedule(world: World, running: WorkerProcess, job: DiskJob): void {
  const failed = !world.calm && world.random.chance(0.02);
  if (failed) world.reached(`${job.label} failed and was retried`);
  world.scheduler.after(world.diskDelay() * (failed ? 8 : 1), running.process, job.run);
}
