/**
 * A client that is broken or hostile: it greets as any other, and then sends all that the codec can carry, with numbers near every bound
 * and near those that it was told. The session ids of others are secrets, and its own the only ones that it knows.
 */
import { MAX_EXACT_U64, MAX_VERSION, MAX_WORKER_ID, type Batch, type Message } from '../../services/protocol/index.ts';
import { backOff } from '../../services/runtime/back-off.ts';
import { call, type Call } from './dialing.ts';
import { reachFinder } from './finder-actor.ts';
import { createProcess, type Process } from './scheduler.ts';
import { HOSTILE_OPERATIONS } from './operations.ts';
import { QUIET_WORLD } from './options.ts';
import { reachWorker } from './worker-actor.ts';
import type { World } from './world.ts';

/** What it knows of a worker, by what that told it. */
interface Victim {
  readonly id: number;
  call: Call | undefined;
  session: string;
  next: number;
  generation: number;
  worldLine: number;
  /** The largest version that it was told of, in a reply or a refusal. */
  version: number;
}

/** Of these clients, those that only leap. */
const LEAP_CHANCE = 0.3;
/** Where workers have room for few sessions, of batches those that begin one more, which is never closed. */
const FLOOD_CHANCE = 0.5;
/** Mean time between two messages, ms. */
const PACE_MS = 4;
/** Frames that it sends together, at most. */
const MAX_FRAMES = 8;

/** Between its attempts to connect to the Finder, ms. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.25;

export function startHostile(world: World, index: number): void {
  const process = createProcess(`hostile ${index}`, world.scheduler);
  const victims = new Map<number, Victim>();
  act(world, process, victims, world.random.chance(LEAP_CHANCE));
  pesterFinder(world, process);
}

function act(world: World, process: Process, victims: Map<number, Victim>, leaps: boolean): void {
  const { scheduler, random, hosts } = world;
  scheduler.after(random.exponential(PACE_MS), process, () => {
    if (world.calm) return; // it has done what lasts
    act(world, process, victims, leaps);
    const id = random.pick([...hosts.keys()]);
    const victim = victims.get(id) ?? newVictim(id);
    victims.set(id, victim);
    if (victim.call === undefined) return connect(world, process, victim);
    if (leaps) return victim.call.send(leapFor(world, victim, victims));
    const frames = random.chance(0.3) ? random.int(2, MAX_FRAMES) : 1;
    for (let nth = 0; nth < frames; nth++) victim.call?.send(frameFor(world, victim));
  });
}

function newVictim(id: number): Victim {
  return { id, call: undefined, session: '', next: 1, generation: 0, worldLine: 0, version: 0 };
}

function beginAnew({ random }: World, victim: Victim, worldLine: number): void {
  Object.assign(victim, { session: random.hex(16), next: 1, worldLine });
}

function connect(world: World, process: Process, victim: Victim): void {
  victim.call = call(world, process, () => reachWorker(world, process, victim.id), 'client', {
    opened({ worker, worldLine }) {
      victim.generation = worker?.generation ?? 0;
      beginAnew(world, victim, worldLine);
    },
    frames(messages) {
      for (const message of messages) learn(world, victim, message);
    },
    ended: () => (victim.call = undefined),
  });
}

function learn(world: World, victim: Victim, message: Message): void {
  if (message.kind === 'reply' && message.session === victim.session) {
    world.reached('a hostile batch executed');
    victim.next = Math.max(victim.next, message.sequence + 1);
    victim.version = message.version;
  }
  if (message.kind === 'error' && message.code === 'absurdVersion') victim.version = message.detail;
  if (message.kind === 'cut' && message.worldLine > victim.worldLine) beginAnew(world, victim, message.worldLine);
}

function frameFor(world: World, victim: Victim): Message {
  const { random } = world;
  if (random.chance(0.85)) return batchFor(world, victim);
  const { session, generation, worldLine } = victim;
  const version = versionNear(world, victim);
  return random.pick<Message>([
    { kind: 'commit', worldLine, version },
    { kind: 'table', session, worldLine: near(world, worldLine), generation: near(world, generation) },
    { kind: 'refresh', worldLine: near(world, worldLine) },
    { kind: 'sessionEnded', session: random.hex(16) },
    { kind: 'checkpoint', worldLine, version, predecessor: 0, dependencies: new Map(), urgent: true },
    { kind: 'seal', worldLine, version, urgent: true },
    { kind: 'reached', version },
    { kind: 'left' },
  ]);
}

/** Mostly one that executes, since that is what lasts. */
function batchFor(world: World, victim: Victim): Batch {
  const { random, options } = world;
  const isFlood = options.maxSessions < QUIET_WORLD.maxSessions && random.chance(FLOOD_CHANCE);
  if (isFlood) beginAnew(world, victim, victim.worldLine);
  const { session, generation, worldLine, next } = victim;
  const isWild = random.chance(0.2);
  const version = versionNear(world, victim);
  const sequence = isWild ? Math.max(1, near(world, next)) : next;
  const acknowledged = random.pick([0, Math.max(0, sequence - 1), Math.floor(sequence / 2)]);
  return {
    kind: 'batch',
    urgent: random.chance(0.1),
    count: random.int(1, 3),
    session,
    worldLine: isWild ? near(world, worldLine) : worldLine,
    generation: isWild ? near(world, generation) : generation,
    sequence,
    acknowledged: acknowledged < sequence ? acknowledged : 0,
    version,
    dependencies: dependenciesFor(world, version),
    operations: HOSTILE_OPERATIONS,
  };
}

/**
 * One that executes in a version above all others, and claims to depend on another worker there, which then skips that version: so every
 * checkpoint would wait for a later one of another worker.
 */
function leapFor(world: World, victim: Victim, victims: ReadonlyMap<number, Victim>): Batch {
  const known = [...victims.values()];
  const version = Math.max(...known.map((one) => one.version)) + 1;
  const others = known.filter(({ id }) => id !== victim.id);
  victim.version = version;
  const { session, generation, worldLine, next } = victim;
  return {
    kind: 'batch',
    urgent: false,
    count: 1,
    session,
    worldLine,
    generation,
    sequence: next,
    acknowledged: next - 1,
    version,
    dependencies: new Map(others.length === 0 ? [] : [[world.random.pick(others).id, version]]),
    operations: HOSTILE_OPERATIONS,
  };
}

/** Around what it was told, what is believed, and where numbers end. */
function versionNear({ random, options }: World, { version }: Victim): number {
  const jump = options.maxVersionJump;
  const offset = random.pick([-1, 0, 0, 0, 1, jump - 1, jump, jump + 1, 2 * jump, 2 ** 42]);
  if (random.chance(0.05)) return random.pick([MAX_VERSION - 1, MAX_VERSION, MAX_VERSION + 1, 2 ** 53, MAX_EXACT_U64]);
  return Math.max(0, version + offset);
}

function dependenciesFor({ random, hosts }: World, version: number): ReadonlyMap<number, number> {
  const ids = [...hosts.keys(), hosts.size, hosts.size + 1, 999, MAX_WORKER_ID];
  const versions = [0, 1, 3, Math.floor(version / 2), Math.max(0, version - 1), version, version];
  const count = random.chance(0.5) ? random.int(1, 3) : 0;
  const beyond = random.chance(0.02) ? 1 : 0;
  return new Map(Array.from({ length: count }, () => [random.pick(ids), random.pick(versions) + beyond]));
}

function near({ random }: World, number: number): number {
  return random.pick([0, number, Math.max(0, number - 1), number + 1, 2 ** 32 - 1]);
}

/** What a client may ask of the Finder, and what it may not: that costs it its connection. */
function pesterFinder(world: World, process: Process): void {
  const { scheduler, random } = world;
  const pauses = backOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, PAUSE_GROWTH, () => random.next());
  let finder: Call | undefined;
  const pester = (): void =>
    scheduler.after(random.exponential(10 * PACE_MS), process, () => {
      if (world.calm) return;
      pester();
      finder?.send(
        random.pick<Message>([
          { kind: 'refresh', worldLine: random.pick([0, 1, 2, 2 ** 32 - 1]) },
          { kind: 'fetchCluster', known: random.pick([0, 1, MAX_EXACT_U64]) },
          { kind: 'fetchReached' },
          { kind: 'drained', version: MAX_EXACT_U64 },
          { kind: 'progress', version: MAX_EXACT_U64, operations: 0, committedOperations: 0, lagMs: 0 },
        ]),
      );
    });
  const reach = (): void =>
    scheduler.after(pauses.next(), process, () => {
      if (world.calm) return;
      finder = call(world, process, () => reachFinder(world, process, 'client'), 'client', {
        ended() {
          finder = undefined;
          reach();
        },
      });
    });
  pester();
  reach();
}
