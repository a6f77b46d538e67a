/** The Finder's process, of which there is one at a time. */
import {
  FINDER_DEFAULTS,
  stepFinder,
  type Finder,
  type FinderConfig,
  type FinderEffect,
  type FinderEvent,
  type FinderRecord,
  type Role,
} from '../../services/core/index.ts';
import type { Message, MessageOf } from '../../services/protocol/index.ts';
import { CLIENTS_SHARE } from '../../services/runtime/connection-places.ts';
import type { Owner } from '../../services/runtime/connection.ts';
import { ProcessError } from '../../services/runtime/exit-codes.ts';
import { runFinder, type FinderKernel } from '../../services/runtime/finder/finder.ts';
import { openRecordFile } from '../../services/runtime/finder/record-file.ts';
import { StorageDamagedError, systemCode, VolumeLostError } from '../../services/runtime/storage/index.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import { createDisk, mountDisk } from './disk.ts';
import { createSimHost, type SimHost } from './host.ts';
import { reset } from './network.ts';
import { openPort, sharePlaces, type Port } from './ports.ts';
import type { Random } from './random.ts';
import { createProcess, kill, type Process } from './scheduler.ts';
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
  readonly kernel: FinderKernel;
  readonly core: Finder;
  /** The name of its start, and the record that it began with. */
  start: string;
  found: FinderRecord | undefined;
  /** Workers that claimed, registered or listed their graphs since. */
  readonly heard: Set<number>;
  /** Connections of workers that know of a later record than it began with, by their stamp or their world-line. */
  readonly betterInformed: Set<number>;
  /** What it last began to write. */
  written: Buffer;
  /** Where clients and other peers reach it; undefined before its file is open, and once it ends. */
  ports: { readonly clients: Port; readonly others: Port } | undefined;
  /** By connection, who registered there or listed its graph. */
  readonly speakers: Map<number, Speaker>;
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
  const { scheduler, finder: host } = world;
  if (host.isAway) return;
  const process = createProcess('finder', scheduler);
  const simHost = createSimHost(world, process, { wall: () => scheduler.now, dial: callsNoPeer });
  const kernel = runFinder(simHost, {
    config: configOf(world),
    log: { error: () => writeFailed(world) },
    note: nothing,
    counts: { record: nothing, failedWrite: nothing, cut: nothing },
    step: (_, event, now) => step(world, running, event, now),
  });
  const running: FinderProcess = {
    ...{ process, kernel, core: kernel.finder },
    ports: undefined,
    speakers: new Map(),
    start: '',
    found: undefined,
    heard: new Set(),
    betterInformed: new Set(),
    written: Buffer.alloc(0),
    diesAfter: -1,
    diesDeciding: false,
    losesPowerWriting: false,
    refuses: false,
  };
  host.process = running;
  world.note('finder', () => 'starts');
  const isBroken = (error: unknown): void => broken(world, running, error);
  kernel.ended.catch(isBroken);
  simHost.enter(() => void load(world, simHost, running).catch(isBroken));
}

function configOf({ options, finder }: World): FinderConfig {
  return {
    ...FINDER_DEFAULTS,
    controlPort: 16379,
    decisionGraceMs: options.decisionGraceMs,
    // With an old record it would go on when it should not: nothing can prevent that, so here it waits.
    settleGraceMs: finder.rightDisk === undefined ? options.settleGraceMs : Infinity,
    maxWorkers: options.maxWorkers,
    maxDecisions: options.maxDecisions,
    maxStarts: options.maxStarts,
  };
}

function nothing(): void {
  // Not counted or logged here.
}

function callsNoPeer(): never {
  throw new Error('the Finder calls no peer');
}

/** As production's process does: its ports are open once its volume is. */
async function load(world: World, host: SimHost, running: FinderProcess): Promise<void> {
  const { checker, finder } = world;
  const { process, kernel } = running;
  const log = { warn: () => world.reached('a slot of the record was torn') };
  const { file, record } = await openRecordFile(mountDisk(world, process, finder.disk), log);
  if (finder.isDamaged) checker.violated(2, 'the Finder starts from a record that is not as it was written');
  checker.finderLoaded(record);
  running.found = record;
  const sharing = sharePlaces(world, process, host, CLIENTS_SHARE);
  const owner = listening(kernel.owner, running);
  const ports = {
    others: openPort(sharing, ['client', 'worker', 'operator'], owner),
    clients: openPort(sharing, ['client'], owner),
  };
  running.ports = ports;
  const watched: typeof file = {
    ...file,
    write(bytes) {
      running.written = Buffer.from(bytes);
      return file.write(bytes);
    },
  };
  const lock = { stillHeld: () => Promise.resolve(true), release: () => Promise.resolve() };
  const opened = {
    async close() {
      running.ports = undefined;
      await Promise.all([ports.clients.close(), ports.others.close()]);
    },
  };
  kernel.start({ file: watched, record, lock }, [opened]);
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
function broken(world: World, running: FinderProcess, reason: unknown): void {
  if (!running.process.alive) return;
  const error = reason instanceof ProcessError ? reason.cause : reason;
  if (error instanceof StorageDamagedError && world.finder.isDamaged) {
    world.reached('Finder does not start from a damaged record');
    return crashFinder(world, false);
  }
  if (error instanceof VolumeLostError && world.finder.isAway) {
    world.reached('Finder notices that its record is lost');
    return crashFinder(world, false);
  }
  if (systemCode(error) === undefined) return world.fail(reason);
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
export function reachFinder(world: World, from: Process, role: Role): Port | undefined {
  const { process: running, rightDisk } = world.finder;
  if (running === undefined || running.process.paused) return undefined;
  if (rightDisk !== undefined && !running.refuses && role === 'client') return undefined;
  if (isPartitioned(world, from.name) || isPartitioned(world, 'finder')) return undefined;
  return role === 'client' ? running.ports?.clients : running.ports?.others;
}

/** Notes for which worker a connection speaks, and what that worker knows, too. */
function listening(owner: Owner, running: FinderProcess): Owner {
  return {
    ...owner,
    opened(connection, hello) {
      const { core, found, betterInformed } = running;
      // While it starts it sends every peer away without a look.
      const isHeard = core.exposed !== undefined;
      if (isHeard && (hello.stamp?.counter ?? 0) > (found?.counter ?? 0)) betterInformed.add(connection.number);
      owner.opened(connection, hello);
    },
    frames(connection, messages) {
      const { speakers, heard, betterInformed, found } = running;
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
      running.speakers.delete(connection.number);
      owner.closed(connection);
    },
  };
}

/** A step of the state machine, as production makes it; what is wrong about what it does shows at once. */
function* step(world: World, running: FinderProcess, event: FinderEvent, now: number): Generator<FinderEffect, void> {
  const { process, core } = running;
  if (!process.alive) return;
  try {
    if (event.kind === 'loaded') running.start = event.start;
    if (event.kind === 'written') world.checker.recordWritten(event.counter, running.written);
    for (const effect of stepFinder(core, event, now)) {
      if (running.diesAfter >= 0 && running.diesAfter-- === 0) {
        world.reached('Finder dies within a step');
        crashFinder(world, false);
      }
      if (process.alive) watch(world, running, effect);
      if (!process.alive) return;
      yield effect;
    }
  } catch (error) {
    world.fail(error); // where a promise rejects with it, the Finder ends, and the run would go on
    throw error;
  }
}

/** The effect is about to be performed. */
function watch(world: World, running: FinderProcess, effect: FinderEffect): void {
  switch (effect.kind) {
    case 'send':
      return says(world, running, [effect.connection], effect.message);
    case 'broadcast':
      return says(world, running, effect.connections, effect.message);
    case 'write':
      if (world.finder.rightDisk !== undefined && effect.record.starts.at(-1)?.start === running.start)
        return goesOn(world, running);
      world.checker.recordIssued(effect.record);
      world.hasPromises = true;
      return mayDieWhileItWrites(
        world,
        running,
        effect.record.worldLine > (running.core.exposed?.record.worldLine ?? Infinity),
      );
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
    case 'close':
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
