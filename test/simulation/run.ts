/** One seed: draw a world, let it run under faults, let it come to rest, and compare it with the truth. */
import { crc32 } from 'node:zlib';
import { CLOSE_TIMEOUT_MS } from '../../services/runtime/frame-socket.ts';
import { createChecker, type Figures } from './checker/index.ts';
import { checkDisks } from './checker/disks.ts';
import { isOpen, type SimSession } from './application.ts';
import { startClient } from './client-actor.ts';
import { add, calmDown, scheduleFaults } from './faults.ts';
import { createFinderHost, startFinder } from './finder-actor.ts';
import { startHostile } from './hostile-actor.ts';
import { startIntruder } from './intruder-actor.ts';
import { drawWorld, type Draw } from './draw.ts';
import { sessionsOfClient, type WorldOptions } from './options.ts';
import { createRandom } from './random.ts';
import { createScheduler, type Process } from './scheduler.ts';
import { createStates } from './state-object.ts';
import { startWorkerSoon } from './worker-actor.ts';
import { createHost, keepMember } from './worker-host.ts';
import { Violation, type World } from './world.ts';

/** Once faults have stopped, everything resolves within this much simulated time, and what the calls take one after another. */
const LIVENESS_LIMIT_MS = 60_000;
/** Where hardly anything may wait to be committed each call takes a commit of its own: this many delays of disk and network. */
const DELAYS_PER_COMMIT = 10;
/** Connections of a client that is closed end within the time that its peers have to agree. */
const CLOSED_WITHIN_MS = 2 * CLOSE_TIMEOUT_MS;
/** How often it is looked whether everything has resolved, ms. */
const LOOK_MS = 50;
/** A world in which this much happens does not come to rest. */
const MAX_STEPS = 3_000_000;

/** What a seed draws besides the rest. */
const FORK = 0x6b79;

export interface Outcome {
  readonly seed: number;
  readonly world: WorldOptions;
  /** What went wrong; undefined if nothing did. */
  readonly violation: string | undefined;
  /** The same for the same seed and code, and different for nearly everything else. */
  readonly hash: string;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly figures: Figures;
  readonly coverage: ReadonlyMap<string, number>;
}

/** Something that happened, for people. */
export interface Told {
  readonly atMs: number;
  readonly actor: string;
  /** The process in which it happens; undefined outside of all. */
  readonly process: string | undefined;
  readonly text: string;
  /** The receiver of a frame. */
  readonly to: string | undefined;
  /** How each actor is when it happens, in order: Finder, workers, clients. */
  readonly actors: readonly ActorState[];
}

export interface ActorState {
  readonly name: string;
  readonly state: 'runs' | 'runs twice' | 'is paused' | 'is down';
}

export interface RunOptions {
  /** The world to run in; otherwise the seed draws one, of this kind. */
  readonly world?: WorldOptions | undefined;
  readonly draw?: Draw | undefined;
  /** Is given the story, event by event. */
  readonly tell?: ((told: Told) => void) | undefined;
  /** Tell of every frame, too. */
  readonly withFrames?: boolean;
}

/** Run one seed to its end. It neither waits nor looks at the outside world, so it can be repeated exactly. */
export async function runSeed(
  seed: number,
  { world: given, draw, tell, withFrames = false }: RunOptions = {},
): Promise<Outcome> {
  const random = createRandom(seed);
  const scheduler = createScheduler();
  const drawn = drawWorld(random, createRandom(seed ^ FORK), draw);
  const options = given ?? drawn;
  const coverage = new Map<string, number>();
  let hash = 0x811c9dc5;
  const world: World = {
    options,
    random,
    scheduler,
    links: new Set(),
    checker: createChecker((): World => world),
    states: createStates(options.stateBytes, options.resultBytes),
    finder: createFinderHost(random),
    hosts: new Map(),
    clients: [],
    sessions: 0,
    calm: false,
    hasPromises: false,
    partitions: [],
    slowDisks: new Set(),
    diskFaultEnds: new Set(),
    networkDelay: () => delay(options.networkDelayMs),
    diskDelay: () => delay(options.diskDelayMs),
    fail: (error) => void (failure ??= { error }),
    reached: (what) => void coverage.set(what, (coverage.get(what) ?? 0) + 1),
    mixBytes(bytes) {
      hash = crc32(bytes, hash);
      hash = Math.imul(hash ^ Math.trunc(scheduler.now * 1000), 0x01000193) >>> 0;
    },
    note(actor, text, to) {
      if (tell === undefined) return;
      const actors = actorsOf(world);
      tell({ atMs: scheduler.now, actor, process: processOf(world, actors, actor), text: text(), to, actors });
    },
    frame(actor, to, text) {
      if (withFrames) world.note(actor, text, to);
    },
  };
  function delay(meanMs: number): number {
    return random.exponential(meanMs) * (!world.calm && random.chance(0.01) ? 20 : 1);
  }

  let failure: { readonly error: unknown } | undefined;
  let violation: string | undefined;
  /** After every promise that could go on has. */
  function settled(): void {
    world.hasPromises = false;
    if (failure !== undefined) throw failure.error;
  }
  try {
    begin(world, options);
    await live(world, settled);
    world.checker.finish();
    closeClients(world);
    await runOn(world, settled, CLOSED_WITHIN_MS, () => world.clients.every(({ host }) => host.socketsOpen() === 0));
    checkClosed(world);
    await checkDisks(world);
  } catch (error) {
    if (error instanceof Violation) violation = error.message;
    else violation = `an assertion failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    world.note('truth', () => `VIOLATION ${violation ?? ''}`);
  }
  return {
    seed,
    world: options,
    violation,
    hash: (hash >>> 0).toString(16).padStart(8, '0'),
    steps: scheduler.steps,
    simulatedMs: scheduler.now,
    figures: world.checker.figures,
    coverage,
  };
}

function processOf({ clients }: World, actors: readonly ActorState[], actor: string): string | undefined {
  if (actors.some(({ name }) => name === actor)) return actor;
  return clients.find(({ sessions }) => sessions.some(({ name }) => name === actor))?.name;
}

function actorsOf({ finder, hosts, clients }: World): ActorState[] {
  const one = (name: string, processes: readonly Process[]): ActorState => {
    const [first, second] = processes;
    if (first === undefined) return { name, state: 'is down' };
    if (second !== undefined) return { name, state: 'runs twice' };
    return { name, state: first.paused ? 'is paused' : 'runs' };
  };
  return [
    one('finder', finder.process === undefined ? [] : [finder.process.process]),
    ...[...hosts.values()].map(({ id, processes }) =>
      one(
        `worker ${id}`,
        processes.map(({ process }) => process),
      ),
    ),
    ...clients.map(({ name, process }) => one(name, [process])),
  ];
}

function begin(world: World, options: WorldOptions): void {
  startFinder(world);
  for (let id = 0; id < options.workers; id++) {
    const host = createHost(id, world.random, world.options);
    world.hosts.set(id, host);
    add(world, host);
  }
  for (let index = 0; index < options.clients; index++) startClient(world, index, world.networkDelay());
  for (let index = 0; index < options.hostileClients; index++) startHostile(world, index);
  for (let index = 0; index < options.intruders; index++) startIntruder(world, index);
  scheduleFaults(world);
  world.scheduler.after(options.faultsForMs, undefined, () => calmDown(world));
}

/** Resolves once every promise that can go on has. */
function letPromisesRun(resolve: () => void): void {
  process.nextTick(resolve);
}

/** Let time go on for so long, or until something is true. */
async function runOn(world: World, settled: () => void, forMs: number, isDone: () => boolean): Promise<void> {
  const { scheduler } = world;
  const until = scheduler.now + forMs;
  do {
    await letPromises(world, settled);
  } while (!isDone() && scheduler.now < until && scheduler.step());
}

/** Resolves once every promise that can go on has, and what they asked for at the end of the tick has happened. */
async function letPromises(world: World, settled: () => void): Promise<void> {
  while (world.hasPromises) {
    await new Promise<void>(letPromisesRun);
    settled();
    world.hasPromises = world.scheduler.endTick();
  }
}

/** After an event that may have resolved a promise, time stands still until every promise that can go on has. */
async function live(world: World, settled: () => void): Promise<void> {
  const { scheduler, options } = world;
  const limitMs = livenessLimitMs(options);
  let lookAt = options.faultsForMs;
  do {
    if (world.hasPromises) await letPromises(world, settled);
    if (!world.calm || scheduler.now < lookAt) continue;
    lookAt = scheduler.now + LOOK_MS;
    for (const host of world.hosts.values()) {
      keepMember(world, host);
      if (host.wanted && host.processes.length === 0) startWorkerSoon(world, host, 0);
    }
    const waiting = unresolved(world);
    if (waiting === undefined) return;
    if (scheduler.now > options.faultsForMs + limitMs) {
      world.checker.violated(12, `after ${limitMs.toFixed(0)} ms without faults ${waiting}`);
    }
  } while (scheduler.steps < MAX_STEPS && scheduler.step());
  world.checker.violated(
    12,
    `at ${scheduler.now.toFixed(3)} ms, after ${scheduler.steps} steps, ${unresolved(world) ?? 'nothing happens any more'}`,
  );
}

function closeClients({ clients }: World): void {
  for (const { host, connected } of clients) host.enter(() => void connected().close());
}

/** A client that was closed leaves nothing behind: no timer, no connection, no promise that is not settled. */
function checkClosed({ clients, checker }: World): void {
  for (const { name, host, sessions } of clients) {
    if (host.timersSet() > 0) checker.violated(12, `${name} is closed, and has ${host.timersSet()} timers`);
    if (host.socketsOpen() > 0) checker.violated(12, `${name} is closed, and has ${host.socketsOpen()} connections`);
    for (const { pending, commits, isHeld, name: session } of sessions) {
      if (pending > 0) checker.violated(12, `${session} is closed, and ${pending} promises of it are not settled`);
      if (commits > 0 || isHeld) checker.violated(12, `${session} is closed, and its application waits for it`);
    }
  }
}

function livenessLimitMs(options: WorldOptions): number {
  const { clients, callsPerSession, diskDelayMs, networkDelayMs } = options;
  const commitMs = DELAYS_PER_COMMIT * (diskDelayMs + networkDelayMs);
  return LIVENESS_LIMIT_MS + clients * sessionsOfClient(options) * callsPerSession * commitMs;
}

/** What a session waits for, in words. */
function explain({ api, client, isHeld, commits, left, pending }: SimSession): string {
  const members = client
    .connected()
    .workers()
    .map(({ id }) => id);
  const { operations } = api.uncommitted;
  const state = api.broken === undefined ? 'open' : 'broken';
  return `members ${members.join(' ')}; ${state} in world-line ${api.worldLine}, ${operations} operations under way, ${pending} promises not settled, ${left} calls left, ${commits} commits asked for${isHeld ? ', waits for room' : ''}`;
}

/** What has not come to rest yet, in words. */
function unresolved(world: World): string | undefined {
  const isEmpty = [...world.hosts.values()].every(({ wanted }) => !wanted); // every worker was removed
  for (const { sessions, name } of world.clients) {
    if (sessions.length === 0) return `${name} has no sessions yet`;
    for (const session of sessions) {
      if (session.ended) continue;
      if (session.left > 0 && !isEmpty)
        return `${session.name} has ${session.left} calls to submit: ${explain(session)}`;
      for (const call of session.calls) {
        if (call !== undefined && isOpen(call))
          return `call ${call.number} of ${session.name} is ${call.state}: ${explain(session)}`;
      }
      const { operations, bytes } = session.api.uncommitted;
      if (session.pending > 0 || session.commits > 0 || session.isHeld || operations > 0 || bytes > 0)
        return `${session.name} waits: ${explain(session)}`;
    }
  }
  for (const host of world.hosts.values()) {
    if (host.removing !== 'no') return `worker ${host.id} is still being removed`;
    if (host.wanted && host.processes.length !== 1)
      return `worker ${host.id} has processes ${host.processes.map(({ core, process }) => `${core.incarnation} ${core.phase} ${core.finderOpen ? 'greeted' : 'alone'} ${process.paused ? 'paused' : ''} of world-line ${core.worldLine}`).join(', ')}`;
    const [running] = host.processes;
    if (running === undefined) continue;
    const { core } = running;
    if (core.phase !== 'serving' || !core.finderOpen || !world.checker.isRegistered(core)) {
      return `worker ${host.id} is ${core.phase} as incarnation ${core.incarnation}`;
    }
    if (core.worldLine !== world.finder.process?.core.record.worldLine || core.inFlight.size > 0) {
      return `worker ${host.id} is in world-line ${core.worldLine}, with ${core.inFlight.size} batches under way`;
    }
  }
  return world.checker.uncovered();
}
