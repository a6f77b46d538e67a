/** What goes wrong, when, and how it is put right once faults are to stop. */
import { remove, removeAny } from './administrator.ts';
import { DISK_STRIKES, repairDisks } from './disk-faults.ts';
import { createDisk } from './disk.ts';
import { crashClient, repeatReply, resumeClient } from './client-actor.ts';
import { crashFinder, startFinder } from './finder-actor.ts';
import { clog, cut, isTold, reset, type Link } from './network.ts';
import { FAULTS, type FaultName } from './options.ts';
import { resume } from './scheduler.ts';
import {
  crashWorker,
  killWorker,
  pauseWorker,
  shutDownWorker,
  startWorker,
  startWorkerSoon,
  type WorkerProcess,
} from './worker-actor.ts';
import { createHost, type WorkerHost } from './worker-host.ts';
import type { World } from './world.ts';

const MAX_WORKER_IDS = 12;

/** Let every fault strike at its rate until it is calm. */
export function scheduleFaults(world: World): void {
  for (const fault of FAULTS) {
    const rate = world.options.rates[fault];
    if (rate > 0) scheduleFault(world, fault, 1000 / rate);
  }
}

function scheduleFault(world: World, fault: FaultName, meanMs: number): void {
  world.scheduler.after(world.random.exponential(meanMs), undefined, () => {
    if (world.calm) return;
    strike(world, fault);
    scheduleFault(world, fault, meanMs);
  });
}

function strike(world: World, fault: FaultName): void {
  if (!STRIKES[fault](world)) return;
  world.reached(`fault ${fault}`);
  if (!TELL_OF_THEMSELVES.includes(fault)) world.note('fault', () => fault);
}

/** What they do shows in the story by itself. */
const TELL_OF_THEMSELVES: readonly FaultName[] = [
  ...([
    'crashWorker',
    'pauseWorker',
    'stopWorker',
    'crashFinder',
    'pauseFinder',
    'pauseClient',
    'crashClient',
  ] as const),
  ...(['partition', 'partitionOneWay', 'addWorker', 'removeWorker', 'forceRemoveWorker'] as const),
];

/** For how long a connection that is going to be given up is told things that it holds back. */
const MAX_SAYING_MS = 10;

/** Each returns whether there was anything to strike. */
const STRIKES: Readonly<Record<FaultName, (world: World) => boolean>> = {
  crashWorker(world) {
    const running = anyWorker(world);
    if (running === undefined) return false;
    if (world.random.chance(world.options.midStepChance)) running.diesAfter = world.random.int(0, 6);
    else crashWorker(world, running);
    return true;
  },
  pauseWorker(world) {
    const running = anyWorker(world);
    if (running === undefined || running.process.paused) return false;
    pauseWorker(world, running);
    return true;
  },
  /** The orchestrator takes a silent process for dead and starts another; the silent one goes on later, or never stopped. */
  replacePausedWorker(world) {
    const running = anyWorker(world);
    if (running === undefined || running.host.processes.length > 1) return false;
    if (running.process.paused || world.random.chance(0.7)) pauseWorker(world, running);
    else world.reached('two processes of a worker at once');
    startWorkerSoon(world, running.host, world.random.exponential(world.options.restartMs));
    return true;
  },
  stopWorker(world) {
    const running = anyWorker(world);
    if (running === undefined || running.process.paused) return false;
    shutDownWorker(world, running);
    if (world.random.chance(0.5)) {
      world.reached('replaced while it stops');
      world.scheduler.after(world.random.exponential(5), undefined, () => pauseWorker(world, running));
      startWorkerSoon(world, running.host, world.random.exponential(world.options.restartMs));
    }
    return true;
  },
  cutPower(world) {
    const running = anyWorker(world);
    if (running === undefined) return false;
    losePower(world, running.host);
    return true;
  },
  /** What was written before the crash, and is read after it, never reached the disk. */
  crashThenCutPower(world) {
    const { random, scheduler, options, finder } = world;
    const host = anyWorker(world)?.host;
    const delay = random.real(0, 4 * options.diskDelayMs);
    if (random.chance(0.5) && host !== undefined) {
      for (const running of [...host.processes]) killWorker(world, running, 'crashes');
      startWorkerSoon(world, host, 0);
      scheduler.after(delay, undefined, () => losePower(world, host));
      return true;
    }
    if (finder.process?.core.writing === undefined) return false;
    crashFinder(world, false);
    startFinder(world);
    if (finder.process && random.chance(0.5)) {
      finder.process.losesPowerWriting = true;
      return true;
    }
    scheduler.after(delay, undefined, () => {
      crashFinder(world, true);
      watchFinder(world);
    });
    return true;
  },
  crashFinder(world) {
    const running = world.finder.process;
    if (running === undefined) return false;
    if (world.random.chance(world.options.midStepChance)) {
      running.diesAfter = world.random.int(0, 6);
      watchFinder(world);
      return true;
    }
    crashFinder(world, world.random.chance(0.3));
    watchFinder(world);
    return true;
  },
  pauseFinder(world) {
    const process = world.finder.process?.process;
    if (process === undefined || process.paused) return false;
    process.paused = true;
    world.note('finder', () => 'is paused');
    world.scheduler.after(world.random.exponential(world.options.pauseMs), undefined, () =>
      resume(process, world.scheduler),
    );
    return true;
  },
  cutConnection(world) {
    if (world.links.size === 0) return false;
    cut(world, world.random.pick([...world.links]));
    return true;
  },
  clogConnection(world) {
    if (world.links.size === 0) return false;
    const { random, options } = world;
    clog(world, random.pick([...world.links]), random.int(0, 1) as 0 | 1, random.exponential(options.pauseMs));
    return true;
  },
  resetConnection(world) {
    if (world.links.size === 0) return false;
    const { random, scheduler, options } = world;
    const links = [...world.links];
    const calling = links.filter(
      ({ ends }) => ends[0].process.name.startsWith('client') && ends[1].process.name !== 'finder',
    );
    if (calling.length === 0 || random.chance(0.5)) {
      reset(world, random.pick(links));
      return true;
    }
    // What a client says now arrives about when it has said it again on its next connection.
    const link = random.pick(calling);
    const heldMs = random.real(0, options.heldMs);
    clog(world, link, 1, heldMs);
    resetOnceTold(world, link, scheduler.now + heldMs);
    return true;
  },
  partition(world) {
    const { name } = cutOff(world);
    world.note(name, () => 'is cut off');
    for (const link of [...world.links]) if (link.ends.some(({ process }) => process.name === name)) cut(world, link);
    return true;
  },
  /** What it sends arrives, and nothing arrives at it, or the other way around; TCP delivers the rest when that is over. */
  partitionOneWay(world) {
    const { name, ms } = cutOff(world);
    const hears = world.random.chance(0.5);
    world.note(name, () => `is cut off ${hears ? 'in what it sends' : 'from what is sent to it'}`);
    for (const link of world.links) {
      const side = link.ends[0].process.name === name ? 0 : 1;
      if (link.ends[side].process.name === name) clog(world, link, hears ? (side === 0 ? 1 : 0) : side, ms);
    }
    return true;
  },
  staleReply(world) {
    return world.clients.length > 0 && repeatReply(world, world.random.pick(world.clients));
  },
  /** A worker reads nothing of what a client sends, or the client nothing of what the worker does, or both, for a while. */
  stallSocket(world) {
    const { random, options } = world;
    const links = world.clients.flatMap(({ host }) => host.toWorkers().flatMap(({ socket }) => socket().link ?? []));
    if (links.length === 0) return false;
    const [client, worker] = random.pick(links).ends;
    const sides = random.pick([[worker], [worker], [client], [client, worker]]);
    for (const side of sides) side.stall(random.exponential(options.pauseMs));
    return true;
  },
  pauseClient(world) {
    const client = world.random.pick(world.clients);
    const { process } = client;
    if (process.paused) return false;
    process.paused = true;
    world.note(process.name, () => 'is paused');
    world.scheduler.after(world.random.exponential(world.options.pauseMs), undefined, () => {
      if (process.paused && process.alive) resumeClient(world, client);
    });
    return true;
  },
  crashClient(world) {
    crashClient(world, world.random.pick(world.clients));
    return true;
  },
  /** A worker's wall clock goes anywhere; the monotonic one of any process only forward, as after a suspension. */
  jumpClock(world) {
    const { random, finder, clients } = world;
    const others = [...(finder.process === undefined ? [] : [finder.process]), ...clients];
    if (random.chance(0.5)) {
      const { process } = random.pick(others);
      process.bornAt -= random.int(0, 5000);
      world.reached(`clock of ${process === finder.process?.process ? 'the Finder' : 'a client'} jumped`);
      return true;
    }
    const running = anyWorker(world);
    if (running === undefined) return false;
    running.clockSkewMs += world.random.int(-5000, 5000);
    return true;
  },
  addWorker(world) {
    const idle = [...world.hosts.values()].filter(
      ({ wanted, starting, removing }) => !wanted && !starting && removing === 'no',
    );
    const id = Math.max(...world.hosts.keys()) + 1;
    if (world.random.chance(0.5) && idle.length > 0) {
      const host = world.random.pick(idle);
      if (host.processes.some(({ process }) => !process.paused)) return false;
      // A process that woke up late may have added the id again by itself: then its volume is a member's.
      const mayReplace = world.checker.generationOf(host.id) === 0;
      if (host.isDamaged && !mayReplace) return false;
      if (host.isDamaged || (mayReplace && world.random.chance(0.5))) {
        world.reached('id added again with an empty volume');
        replaceDisk(world, host);
      } else world.reached('id added again with its old volume');
      add(world, host);
    } else {
      if (id >= MAX_WORKER_IDS) return false;
      const host = createHost(id, world.random, world.options);
      world.hosts.set(id, host);
      add(world, host);
    }
    return true;
  },
  removeWorker(world) {
    return removeAny(world, 'graceful');
  },
  forceRemoveWorker(world) {
    return removeAny(world, 'force');
  },
  /** The volume comes back empty. Its worker must be refused, until it is removed by force. */
  loseVolume(world) {
    const hosts = losable(world);
    const host = hosts.length < 2 ? undefined : world.random.pick(hosts);
    if (host === undefined || host.generation === 0) return false;
    loseVolume(world, host);
    return true;
  },
  /** The same for one that has told the Finder of checkpoints, none of which is committed: it is let in with the empty volume. */
  loseYoungVolume(world) {
    const core = world.finder.process?.core;
    const hosts = losable(world);
    const young = hosts.filter(({ id }) => {
      const base = core?.record.members.get(id)?.base ?? 0;
      return (core?.graph.get(id)?.length ?? 0) > 0 && (core?.record.cut.get(id) ?? 0) <= base;
    });
    if (hosts.length < 2 || young.length === 0) return false;
    loseVolume(world, world.random.pick(young));
    return true;
  },
  /** A successor is started beside a process that the Finder's word does not reach for a while: it goes on, and is heard. */
  replaceUnheard(world) {
    const { random, options } = world;
    const running = anyWorker(world);
    const link = running && linkToFinder(world, running);
    if (running === undefined || link === undefined) return false;
    if (running.process.paused || running.host.processes.length > 2) return false;
    clog(world, link, 0, random.exponential(2 * (options.decisionGraceMs + options.pauseMs)));
    startWorkerSoon(world, running.host, 0);
    return true;
  },
  /** A successor is started beside a process that waits to be let in; best one that waits for others to come back. */
  replaceJoiningWorker(world) {
    const joining = [...world.hosts.values()].filter(
      ({ processes }) => processes.length === 1 && processes[0]?.core.phase === 'registering',
    );
    const pending = world.finder.process?.core.pending.map(({ message }) => message.worker) ?? [];
    const held = joining.filter(({ id }) => pending.includes(id));
    if (joining.length === 0) return false;
    if (held.length > 0) world.reached('replaced while its registration waits for others');
    startWorkerSoon(world, world.random.pick(held.length > 0 ? held : joining), 0);
    return true;
  },
  /** A worker hears nothing from the Finder for a while, or the Finder nothing from it. */
  clogFinder(world) {
    const { random, options } = world;
    const running = anyWorker(world);
    const link = running && linkToFinder(world, running);
    if (link === undefined) return false;
    clog(world, link, random.int(0, 1) as 0 | 1, random.exponential(2 * options.pauseMs));
    return true;
  },
  /** While it writes the next world-line. */
  crashDecidingFinder({ finder }) {
    if (finder.process === undefined || finder.process.diesDeciding) return false;
    finder.process.diesDeciding = true;
    return true;
  },
  ...DISK_STRIKES,
  crashAll(world) {
    crashFinder(world, true);
    watchFinder(world);
    for (const host of world.hosts.values()) losePower(world, host);
    return true;
  },
};

/** Best when there is something that it holds back. */
function resetOnceTold(world: World, link: Link, until: number): void {
  const { random, scheduler } = world;
  const leftMs = until - scheduler.now;
  scheduler.after(random.real(0, Math.min(leftMs, MAX_SAYING_MS)), undefined, () => {
    if (isTold(link, 1) || leftMs < MAX_SAYING_MS) reset(world, link, 'nothing');
    else resetOnceTold(world, link, until);
  });
}

/** Members that are not being removed. */
function losable({ hosts }: World): WorkerHost[] {
  return [...hosts.values()].filter(({ wanted, removing }) => wanted && removing === 'no');
}

/** Its worker's processes die, and the next one finds nothing, until the administrator removes it. */
function loseVolume(world: World, host: WorkerHost): void {
  for (const running of [...host.processes]) killWorker(world, running, 'dies with its volume');
  replaceDisk(world, host);
  host.isLost = true;
  startWorkerSoon(world, host, 0);
  world.scheduler.after(world.random.exponential(world.options.pauseMs), undefined, () => {
    if (host.removing === 'no') remove(world, host, 'force');
  });
}

/** By an empty one. */
function replaceDisk(world: World, host: WorkerHost): void {
  host.disk = createDisk(world.random);
  host.isDamaged = false;
  host.refusals = 0;
  world.checker.volumeLost(host.id);
}

/** All processes die, and what was not synced is gone or torn. */
function losePower(world: World, host: WorkerHost): void {
  for (const running of [...host.processes]) crashWorker(world, running);
  host.disk.cutPower();
}

/** A process that no other can connect to for a while, and that cannot connect to any. */
function cutOff({ random, scheduler, hosts, clients, options, partitions }: World): { name: string; ms: number } {
  const names = ['finder', ...[...hosts.keys()].map((id) => `worker ${id}`), ...clients.map((client) => client.name)];
  const name = random.pick(names);
  const ms = random.exponential(2 * options.pauseMs);
  partitions.push({ name, until: scheduler.now + ms });
  return { name, ms };
}

function anyWorker(world: World): WorkerProcess | undefined {
  const all = [...world.hosts.values()].flatMap(({ processes }) => processes);
  return all.length === 0 ? undefined : world.random.pick(all);
}

/** Its side is 0: it made the connection. */
function linkToFinder({ links, finder }: World, { process }: WorkerProcess): Link | undefined {
  return [...links].find(({ ends }) => ends[0].process === process && ends[1].process === finder.process?.process);
}

/** Start the Finder again once it has died. */
function watchFinder(world: World): void {
  const delay = world.random.exponential(world.options.restartMs);
  world.scheduler.after(delay, undefined, () => {
    if (world.finder.process === undefined) startFinder(world);
  });
}

export function add(world: World, host: WorkerHost): void {
  host.wanted = true;
  host.generation = 0;
  host.isLost = false;
  host.state = world.random.pick(['unsaid', 'kept', 'kept', 'empty']);
  world.note(`worker ${host.id}`, () => `is added, its state ${host.state}`);
  startWorker(world, host);
}

// --- the end of faults ----------------------------------------------------------------------------------------------

/** Nothing goes wrong any more: every process runs, reaches all others, and may be waited for. */
export function calmDown(world: World): void {
  world.calm = true;
  world.note('truth', () => 'faults stop');
  world.partitions.splice(0);
  for (const client of world.clients) if (client.process.paused) resumeClient(world, client);
  repairDisks(world);
  const { finder } = world;
  if (finder.process === undefined) startFinder(world);
  else {
    finder.process.diesAfter = -1;
    finder.process.diesDeciding = false;
    finder.process.losesPowerWriting = false;
    if (finder.process.process.paused) resume(finder.process.process, world.scheduler);
  }
  for (const host of world.hosts.values()) {
    for (const running of host.processes) {
      running.diesAfter = -1;
      if (running.process.paused) resume(running.process, world.scheduler);
    }
    if (host.wanted && host.processes.length === 0) startWorkerSoon(world, host, 0);
  }
}
