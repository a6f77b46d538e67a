/** The Finder's process and its disk: two slots of which a crash may leave the write in flight written, torn or merely cached. */
import {
  createFinder,
  decodeRecord,
  encodeRecord,
  finderWakeAt,
  stepFinder,
  type Finder,
  type FinderEffect,
  type FinderEvent,
} from '../../services/core/index.ts';
import type { Message } from '../../services/protocol/index.ts';
import { closeEnd, sendOn, type End } from './network.ts';
import { CLOCK_STEP_MS, createProcess, kill, type Process } from './scheduler.ts';
import { isPartitioned, type World } from './world.ts';

/** What the record's file holds. */
export interface RecordDisk {
  durable: Buffer | undefined;
  /** Readable, but gone if the power fails before the next sync. */
  cached: Buffer | undefined;
  writing: Buffer | undefined;
}

export interface FinderHost {
  readonly disk: RecordDisk;
  process: FinderProcess | undefined;
}

export interface FinderProcess {
  readonly process: Process;
  readonly core: Finder;
  readonly ends: Map<number, End>;
  nextConnection: number;
  wakeAt: number;
  /** Dies when this many more effects have been performed. */
  diesAfter: number;
}

export function createFinderHost(): FinderHost {
  return { disk: { durable: undefined, cached: undefined, writing: undefined }, process: undefined };
}

export function startFinder(world: World): void {
  const { options, random, scheduler, finder: host } = world;
  const process = createProcess('finder', scheduler);
  const core = createFinder({ controlPort: 16379, writeSpacingMs: 5, decisionGraceMs: options.decisionGraceMs });
  const running: FinderProcess = { process, core, ends: new Map(), nextConnection: 1, wakeAt: Infinity, diesAfter: -1 };
  host.process = running;
  world.note('finder', () => 'starts');
  scheduler.after(world.diskDelay(), process, () => {
    const { disk } = host;
    const bytes = disk.cached ?? disk.durable;
    const record = bytes === undefined ? undefined : decodeRecord(bytes);
    world.checker.finderLoaded(record);
    step(world, running, { kind: 'loaded', record, start: random.hex(8), cluster: random.hex(16) });
  });
}

/** The process dies. With a loss of power, what was not synced is gone; otherwise the system may still have it. */
export function crashFinder(world: World, powerLoss: boolean): void {
  const { finder: host, random } = world;
  if (host.process === undefined) return;
  world.note('finder', () => (powerLoss ? 'crashes, without power' : 'crashes'));
  const { disk } = host;
  if (disk.writing !== undefined) {
    const fate = random.pick(['lost', 'lost', 'durable', 'cached']);
    world.reached(`record write ${fate} at a crash`);
    if (fate === 'durable') disk.durable = disk.writing;
    if (fate !== 'lost') disk.cached = fate === 'cached' ? disk.writing : undefined;
    disk.writing = undefined;
  }
  if (powerLoss) {
    if (disk.cached !== undefined) world.reached('cached record lost with the power');
    disk.cached = undefined;
  }
  kill(host.process.process);
  host.process = undefined;
}

/** Connect to the Finder; undefined when nobody listens. */
export function reachFinder(world: World, from: Process): FinderProcess | undefined {
  const running = world.finder.process;
  if (running === undefined || running.process.paused) return undefined;
  if (isPartitioned(world, from.name) || isPartitioned(world, 'finder')) return undefined;
  return running;
}

export function acceptAtFinder(world: World, running: FinderProcess, end: End): void {
  const connection = running.nextConnection++;
  let greeted = false;
  running.ends.set(connection, end);
  end.onMessage = (message) => {
    if (greeted) return step(world, running, { kind: 'frame', connection, message });
    if (message.kind !== 'hello') throw new Error('a peer did not greet');
    greeted = true;
    const { role, cluster, stamp } = message;
    step(world, running, { kind: 'opened', connection, role, cluster, stamp });
  };
  end.onClosed = () => {
    running.ends.delete(connection);
    if (greeted) step(world, running, { kind: 'closed', connection });
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
  switch (effect.kind) {
    case 'send':
      return tell(world, running, effect.connection, effect.message);
    case 'broadcast':
      for (const connection of effect.connections) tell(world, running, connection, effect.message);
      return;
    case 'close': {
      const end = running.ends.get(effect.connection);
      running.ends.delete(effect.connection);
      if (end) closeEnd(world, end);
      return;
    }
    case 'write': {
      const { disk } = world.finder;
      const bytes = encodeRecord(effect.record);
      world.mixBytes(bytes);
      disk.writing = bytes;
      const failed = !world.calm && world.random.chance(0.02);
      if (failed) world.reached('record write failed and retried');
      world.scheduler.after(world.diskDelay() * (failed ? 5 : 1), running.process, () => {
        disk.durable = bytes;
        disk.cached = undefined;
        disk.writing = undefined;
        world.checker.recordDurable(effect.record);
        step(world, running, { kind: 'written', counter: effect.counter });
      });
      return;
    }
    case 'serving':
      return world.note(
        'finder',
        () => `serves cluster ${effect.cluster.slice(0, 4)} in world-line ${effect.worldLine}`,
      );
    case 'refusing':
      return world.checker.violated(12, `the Finder refuses to serve: ${effect.reason}`);
    case 'log':
      world.reached(`finder ${effect.event}`);
      world.note('finder', () => `${effect.event} ${JSON.stringify(effect.details)}`);
      return world.checker.finderLog(effect.event, effect.details);
  }
}

function tell(world: World, running: FinderProcess, connection: number, message: Message): void {
  world.checker.finderSays(message);
  const end = running.ends.get(connection);
  if (end) sendOn(world, end, message);
}
