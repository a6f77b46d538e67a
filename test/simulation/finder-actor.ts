/** The Finder's process: the core, with the production code for its file on a simulated disk. */
import {
  createFinder,
  decodeRecord,
  FINDER_DEFAULTS,
  finderWakeAt,
  stepFinder,
  type Finder,
  type FinderEffect,
  type FinderEvent,
  type FinderRecord,
  type Role,
} from '../../services/core/index.ts';
import type { Message, MessageOf } from '../../services/protocol/index.ts';
import { createPeers, type Peers } from '../../services/runtime/finder/peers.ts';
import { recordWriter, type RecordWriter } from '../../services/runtime/finder/record-writer.ts';
import type { Owner } from '../../services/runtime/connection.ts';
import {
  openTwoSlotFile,
  StorageDamagedError,
  systemCode,
  VolumeLostError,
} from '../../services/runtime/storage/index.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import { createDisk, mountDisk } from './disk.ts';
import { createSimHost } from './host.ts';
import { reset } from './network.ts';
import { RECORD_FILE } from './on-disk.ts';
import type { Random } from './random.ts';
import { CLOCK_STEP_MS, createProcess, kill, type Process } from './scheduler.ts';
import { openPort, type Port } from './sockets.ts';
import { inWords, isPartitioned, type World } from './world.ts';

const POWER_FAILS_AFTER_ERROR_CHANCE = 0.2;

export interface FinderHost {
  disk: SimDisk;
  process: FinderProcess | undefined;
  /** Neither slot of its record is as it was written. */
  isDamaged: boolean;
  /** The disk that it gets back, while it has an old copy. */
  rightDisk: SimDisk | undefined;
  /** Its files were moved away, and it is not to be started before they are brought back. */
  isAway: boolean;
}

/** The incarnation of a worker that a connection speaks for. */
export type Speaker = Pick<MessageOf<'graph'>, 'worker' | 'generation' | 'incarnation'>;

export interface FinderProcess {
  readonly process: Process;
  readonly core: Finder;
  /** The name of its start, and the record that it began with. */
  start: string;
  found: FinderRecord | undefined;
  /** Workers that claimed, registered or listed their graphs since. */
  readonly heard: Set<number>;
  /** Connections of workers that know of a later record than it began with, by their stamp or their world-line. */
  readonly betterInformed: Set<number>;
  /** Once its file is open. */
  writer: RecordWriter | undefined;
  /** What it last began to write. */
  written: Buffer;
  readonly port: Port;
  readonly peers: Peers;
  /** By connection, who registered there or listed its graph. */
  readonly speakers: Map<number, Speaker>;
  wakeAt: number;
  /** Dies when this many more effects have been performed. */
  diesAfter: number;
  /** Dies while it writes the next decision. */
  diesDeciding: boolean;
  /** Its power fails while it writes the next record. */
  losesPowerWriting: boolean;
  /** It noticed that its record is not the newest. */
  refuses: boolean;
}

export function createFinderHost(random: Random): FinderHost {
  return { disk: createDisk(random), process: undefined, isDamaged: false, rightDisk: undefined, isAway: false };
}

export function startFinder(world: World): void {
  const { options, scheduler, finder: host } = world;
  if (host.isAway) return;
  const process = createProcess('finder', scheduler);
  const peers = createPeers((event) => step(world, running, event));
  const running: FinderProcess = {
    process,
    port: openPort(
      world,
      process,
      listening(peers.owner, () => running),
    ),
    peers,
    speakers: new Map(),
    start: '',
    found: undefined,
    heard: new Set(),
    betterInformed: new Set(),
    core: createFinder({
      ...FINDER_DEFAULTS,
      controlPort: 16379,
      decisionGraceMs: options.decisionGraceMs,
      // With an old record it would go on when it should not: nothing can prevent that, so here it waits.
      settleGraceMs: host.rightDisk === undefined ? options.settleGraceMs : Infinity,
      maxWorkers: options.maxWorkers,
      maxDecisions: options.maxDecisions,
      maxStarts: options.maxStarts,
    }),
    writer: undefined,
    written: Buffer.alloc(0),
    wakeAt: Infinity,
    diesAfter: -1,
    diesDeciding: false,
    losesPowerWriting: false,
    refuses: false,
  };
  host.process = running;
  world.note('finder', () => 'starts');
  world.hasPromises = true;
  load(world, running).catch((error: unknown) => broken(world, running, error));
}

async function load(world: World, running: FinderProcess): Promise<void> {
  const { random, checker, finder } = world;
  const { process } = running;
  const host = createSimHost(world, process, { wall: () => world.scheduler.now, dial: () => raise() });
  const file = await openTwoSlotFile(mountDisk(world, process, finder.disk), RECORD_FILE);
  if (file.distrusted !== undefined) world.reached('a slot of the record was torn');
  if (finder.isDamaged) checker.violated(2, 'the Finder starts from a record that is not as it was written');
  const record = file.recovered && decodeRecord(file.recovered.record);
  checker.finderLoaded(record);
  running.found = record;
  running.start = random.hex(8);
  running.writer = recordWriter({
    file: {
      ...file,
      write(bytes) {
        running.written = Buffer.from(bytes);
        return file.write(bytes);
      },
    },
    lock: { stillHeld: () => Promise.resolve(true) },
    log: { error: () => writeFailed(world) },
    written(counter) {
      if (!process.alive) return;
      checker.recordWritten(counter, running.written);
      step(world, running, { kind: 'written', counter });
    },
    failed: () => undefined,
    broken: (error) => broken(world, running, error),
    host,
  });
  step(world, running, { kind: 'loaded', record, start: running.start, cluster: random.hex(16) });
}

function raise(): never {
  throw new Error('the Finder calls no peer');
}

/** A disk that refuses a write is often about to lose its power. */
function writeFailed(world: World): void {
  const { random, options, scheduler } = world;
  world.reached('record write failed and retried');
  if (world.calm || !random.chance(POWER_FAILS_AFTER_ERROR_CHANCE)) return;
  scheduler.after(random.real(0, 10 + 4 * options.diskDelayMs), undefined, () => {
    if (world.calm) return;
    world.reached('no power after a failed write of the record');
    crashFinder(world, true);
    startFinderSoon(world);
  });
}

function startFinderSoon(world: World): void {
  world.scheduler.after(world.random.exponential(world.options.restartMs), undefined, () => {
    if (world.finder.process === undefined) startFinder(world);
  });
}

/** What the disk refuses ends the process, and it is started again; anything else is a defect. */
function broken(world: World, running: FinderProcess, error: unknown): void {
  if (!running.process.alive) return;
  if (error instanceof StorageDamagedError && world.finder.isDamaged) {
    world.reached('Finder does not start from a damaged record');
    return crashFinder(world, false);
  }
  if (error instanceof VolumeLostError && world.finder.isAway) {
    world.reached('Finder notices that its record is lost');
    return crashFinder(world, false);
  }
  if (systemCode(error) === undefined) return world.fail(error);
  world.reached('Finder ends because of its disk');
  crashFinder(world, false);
  startFinderSoon(world);
}

/** The process dies. With a loss of power, what was not synced is gone or torn; otherwise the system still has it. */
export function crashFinder(world: World, powerLoss: boolean): void {
  const { finder: host } = world;
  world.note('finder', () => (powerLoss ? 'crashes, without power' : 'crashes'));
  if (host.process !== undefined) kill(host.process.process);
  host.process = undefined;
  if (powerLoss) host.disk.cutPower();
}

/**
 * Connect to the Finder; undefined when no process listens. Clients do not meet one with an old record before it knows that: it would tell
 * them of an old membership.
 */
export function reachFinder(world: World, from: Process, role: Role): FinderProcess | undefined {
  const { process: running, rightDisk } = world.finder;
  if (running === undefined || running.process.paused) return undefined;
  if (rightDisk !== undefined && !running.refuses && role === 'client') return undefined;
  if (isPartitioned(world, from.name) || isPartitioned(world, 'finder')) return undefined;
  return running;
}

/** Notes for which worker a connection speaks, and what that worker knows, too. */
function listening(owner: Owner, running: () => FinderProcess): Owner {
  return {
    ...owner,
    opened(connection, hello) {
      const { core, found, betterInformed } = running();
      // While it starts it sends every peer away without a look.
      const isHeard = core.exposed !== undefined;
      if (isHeard && (hello.stamp?.counter ?? 0) > (found?.counter ?? 0)) betterInformed.add(connection.number);
      owner.opened(connection, hello);
    },
    frames(connection, messages) {
      const { speakers, heard, betterInformed, found } = running();
      for (const message of messages) {
        if (message.kind === 'graph' && message.worldLine > (found?.worldLine ?? 0)) {
          betterInformed.add(connection.number);
        }
        if (message.kind === 'register' || message.kind === 'graph') speakers.set(connection.number, message);
        if (message.kind === 'claim' || message.kind === 'register' || message.kind === 'graph')
          heard.add(message.worker);
      }
      owner.frames(connection, messages);
    },
    closed(connection) {
      running().speakers.delete(connection.number);
      owner.closed(connection);
    },
  };
}

function step(world: World, running: FinderProcess, event: FinderEvent): void {
  const { process, core } = running;
  const effects = stepFinder(core, event, world.scheduler.now - process.bornAt);
  for (const effect of effects) {
    if (!process.alive) return;
    if (running.diesAfter >= 0 && running.diesAfter-- === 0) {
      world.reached('Finder dies within a step');
      return crashFinder(world, false);
    }
    perform(world, running, effect);
  }
  wakeLater(world, running);
}

function wakeLater(world: World, running: FinderProcess): void {
  const { process, core } = running;
  const at = finderWakeAt(core);
  if (at === Infinity || at === running.wakeAt) return;
  running.wakeAt = at;
  world.scheduler.after(Math.max(CLOCK_STEP_MS, at + process.bornAt - world.scheduler.now), process, () => {
    if (running.wakeAt !== at) return;
    running.wakeAt = Infinity;
    step(world, running, { kind: 'wake' });
  });
}

function perform(world: World, running: FinderProcess, effect: FinderEffect): void {
  const { core } = running;
  switch (effect.kind) {
    case 'send':
      says(world, running, [effect.connection], effect.message);
      return running.peers.perform(effect);
    case 'broadcast':
      says(world, running, effect.connections, effect.message);
      return running.peers.perform(effect);
    case 'close':
      return running.peers.perform(effect);
    case 'write':
      if (world.finder.rightDisk !== undefined && effect.record.starts.at(-1)?.start === running.start)
        return goesOn(world, running);
      world.checker.recordIssued(effect.record);
      world.hasPromises = true;
      mayDieWhileItWrites(world, running, effect.record.worldLine > (core.exposed?.record.worldLine ?? Infinity));
      return running.writer?.write(effect.record);
    case 'serving':
      return world.note(
        'finder',
        () => `serves cluster ${effect.cluster.slice(0, 4)} in world-line ${effect.worldLine}`,
      );
    case 'refusing':
      running.refuses = true;
      world.note('finder', () => `refuses to serve: ${effect.reason}`);
      return world.checker.finderRefuses(effect.reason);
    case 'log':
      world.reached(`finder ${effect.event}`);
      if (effect.event === 'left') cutWhileItLeaves(world, Number(effect.details.worker));
      world.note('finder', () => `${effect.event}: ${inWords(effect.details)}`);
      return world.checker.finderLog(effect.event, effect.details);
  }
}

/**
 * It takes its old record for the newest. It may once no process is left that could know better, such as one that crashed and has on its disk
 * no newer stamp. Then it stays down until it has the right disk back.
 */
function goesOn(world: World, { found, heard, betterInformed }: FinderProcess): void {
  if (betterInformed.size > 0) world.checker.violated(2, 'the Finder goes on from a record that it can tell is old');
  for (const [id, { registered }] of found?.members ?? []) {
    if (registered > 0 && !heard.has(id)) {
      world.checker.violated(2, `the Finder goes on from an old record, and has not heard of worker ${id}`);
    }
  }
  world.reached('no worker knows that the record is old');
  crashFinder(world, false);
}

/** At any step of the disk, or right after the last one. */
function mayDieWhileItWrites(world: World, running: FinderProcess, isDecision: boolean): void {
  const { random, scheduler, options } = world;
  const dies = running.losesPowerWriting || (running.diesDeciding && isDecision);
  if (!dies) return;
  const losesPower = running.losesPowerWriting || random.chance(0.5);
  running.losesPowerWriting = false;
  running.diesDeciding = false;
  scheduler.after(random.real(0, 3 * options.diskDelayMs), running.process, () => {
    if (world.calm) return;
    if (isDecision) world.reached('Finder dies while it writes a decision');
    crashFinder(world, losesPower);
    startFinderSoon(world);
  });
}

/** A worker that is removed comes again before its removal is durable. */
function cutWhileItLeaves(world: World, worker: number): void {
  const { calm, random, scheduler, links } = world;
  if (calm || !random.chance(0.5)) return;
  scheduler.after(0, undefined, () => {
    for (const link of [...links]) {
      const names = link.ends.map(({ process }) => process.name);
      if (names.includes('finder') && names.includes(`worker ${worker}`)) reset(world, link);
    }
  });
}

function says({ checker }: World, running: FinderProcess, to: readonly number[], message: Message): void {
  const { speakers, betterInformed, refuses } = running;
  for (const connection of to) {
    checker.finderSays(message, speakers.get(connection), refuses || betterInformed.has(connection));
  }
}
