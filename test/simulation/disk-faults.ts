/** What disks do besides failing single steps: they are full or slow for a while, rot, and say that they wrote what they did not. */
import { remove } from './administrator.ts';
import { createDisk } from './disk.ts';
import { crashFinder, startFinder } from './finder-actor.ts';
import { counterOf, newestOn, newestSlot, SLOTS } from './on-disk.ts';
import type { DiskFaultName } from './options.ts';
import { killWorker, startWorkerSoon } from './worker-actor.ts';
import type { WorkerHost } from './worker-host.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import type { World } from './world.ts';

/** How often the administrator looks after a worker whose disk is damaged. */
const LOOK_AFTER_MS = 200;
/** Mean. */
const BACKUP_AGE_MS = 200;

/** Each returns whether there was anything to strike. */
export const DISK_STRIKES: Readonly<Record<DiskFaultName, (world: World) => boolean>> = {
  fillDisk(world) {
    const disk = anyDisk(world);
    disk.capacityBytes = disk.usedBytes() + world.random.int(0, 2000);
    after(world, () => {
      disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    });
    return true;
  },
  slowDisk(world) {
    const disk = anyDisk(world);
    world.slowDisks.add(disk);
    after(world, () => world.slowDisks.delete(disk));
    return true;
  },
  /** The slot that the next write goes to: the Finder may not notice. */
  rotOldSlot({ finder: { disk, process: running }, random }) {
    if (running !== undefined && (running.ports === undefined || running.core.writing !== undefined)) return false;
    const newest = newestSlot(disk);
    const other = SLOTS.find((slot) => slot !== newest);
    if (newest === undefined || other === undefined || !disk.names().includes(other)) return false;
    disk.corrupt(other, random.int(0, disk.size(other) - 1));
    return true;
  },
  /** Both slots: the Finder must not start, until the administrator brings the files back. */
  rotRecord(world) {
    const { scheduler } = world;
    if (!hasItsRecord(world)) return false;
    crashFinder(world, false);
    // What it had asked for may still be done.
    scheduler.after(0, undefined, () => {
      const bringBack = rotSlots(world);
      after(world, () => {
        crashFinder(world, false);
        bringBack();
        startFinder(world);
      });
    });
    return true;
  },
  /** One byte of one file, its end, or the file, perhaps while the worker runs: it is refused, or nothing that counts is missing. */
  rotVolume(world) {
    const host = anyHost(world);
    if (host === undefined) return false;
    const volume = host.disk.inside(`generation-${newestOn(host.disk).generation}`);
    const files = volume?.names().filter((name) => volume.size(name) > 0) ?? [];
    if (volume === undefined || files.length === 0) return false;
    if (world.random.chance(0.5)) {
      for (const running of [...host.processes]) killWorker(world, running, 'dies, and its disk rots');
    }
    rotFile(world, volume, world.random.pick(files));
    damaged(world, host);
    startWorkerSoon(world, host, 0);
    return true;
  },
  /** What it takes for durable is gone with the power: the worker is refused, or nothing that counts is missing. */
  lieAboutSync(world) {
    const host = anyHost(world);
    if (host === undefined) return false;
    host.disk.lies = true;
    damaged(world, host);
    after(world, () => {
      for (const running of [...host.processes]) killWorker(world, running, 'dies, and its disk had lied');
      host.disk.cutPower();
      host.disk.lies = false;
      startWorkerSoon(world, host, 0);
    });
    return true;
  },
  /** What is in a worker's directory is moved away while it runs, and brought back: it reports nothing in between. */
  takeVolume(world) {
    const host = anyHost(world);
    // One with nothing committed would be let in with the empty directory.
    if (host === undefined || world.checker.exposedOf(host.id) <= baseOf(world, host)) return false;
    world.note(`worker ${host.id}`, () => 'its files are moved away');
    const bringBack = host.disk.takeAway();
    const { disk } = host;
    host.isLost = true;
    after(world, () => {
      // In the meantime the worker may have been removed, and its id added again.
      if (host.disk === disk) host.isLost = false;
      for (const running of [...host.processes]) killWorker(world, running, 'ends before its files are brought back');
      bringBack();
      world.note(`worker ${host.id}`, () => 'its files are brought back');
      if (host.wanted) startWorkerSoon(world, host, 0);
    });
    return true;
  },
  /** The Finder's files are moved away while it runs, and brought back: it tells nothing in between. */
  takeRecord(world) {
    const { finder } = world;
    if (!hasItsRecord(world) || finder.isAway || finder.process?.ports === undefined) return false;
    world.note('finder', () => 'its files are moved away');
    const bringBack = finder.disk.takeAway();
    const { disk } = finder;
    finder.isAway = true;
    after(world, () => {
      if (finder.disk === disk) crashFinder(world, false);
      bringBack();
      finder.isAway = false;
      world.note('finder', () => 'its files are brought back');
      if (finder.process === undefined) startFinder(world);
    });
    return true;
  },
  /** A backup is put back, or the newest slot is lost: the Finder must refuse to serve once a worker greets that saw more. */
  staleFinder(world) {
    const { finder, random, scheduler } = world;
    if (!hasItsRecord(world)) return false;
    const backup = random.chance(0.5) ? slotsOf(finder.disk) : undefined;
    scheduler.after(random.exponential(BACKUP_AGE_MS), undefined, () => {
      if (world.calm || !hasItsRecord(world)) return;
      const newest = newestSlot(finder.disk);
      startFromOldCopy(world, backup ?? slotsOf(finder.disk).filter(([slot]) => slot !== newest));
    });
    return true;
  },
};

const HEAD_BYTES = 256;

function rotFile({ random }: World, disk: SimDisk, file: string): void {
  const bytes = disk.durable(file) ?? Buffer.alloc(0);
  const what = random.pick(['byte', 'byte', 'end', 'name'] as const);
  // What a file says of itself is at its beginning.
  const upTo = random.chance(0.5) ? Math.min(disk.size(file), HEAD_BYTES) : disk.size(file);
  if (what === 'byte') return disk.corrupt(file, random.int(0, upTo - 1));
  disk.remove(file);
  if (what === 'end') disk.put(file, bytes.subarray(0, random.int(0, bytes.length)));
}

type Slots = readonly (readonly [slot: string, bytes: Buffer | undefined])[];

function slotsOf(disk: SimDisk): Slots {
  return SLOTS.map((slot) => [slot, copyOf(disk.durable(slot))] as const);
}

function baseOf({ finder }: World, { id }: WorkerHost): number {
  return finder.process?.core.record.members.get(id)?.base ?? Infinity;
}

function hasItsRecord({ finder }: World): boolean {
  return !finder.isAway && !finder.isDamaged && finder.rightDisk === undefined && newestSlot(finder.disk) !== undefined;
}

/** The Finder runs on a disk with an old copy of its record, until the administrator brings the right one back. */
function startFromOldCopy(world: World, copy: Slots): void {
  const { finder, random } = world;
  const { disk } = finder;
  const counter = Math.max(...copy.map(([, bytes]) => counterOf(bytes)));
  if (counter === 0 || SLOTS.every((slot) => counterOf(disk.durable(slot)) <= counter)) return;
  crashFinder(world, false);
  finder.disk = createDisk(random);
  finder.rightDisk = disk;
  for (const [slot, bytes] of copy) if (bytes) finder.disk.put(slot, bytes);
  world.note('administrator', () => `puts the Finder's disk back to record ${counter}`);
  startFinder(world);
  after(world, () => {
    crashFinder(world, false);
    finder.disk = disk;
    finder.rightDisk = undefined;
    world.note('administrator', () => "brings the Finder's right disk back");
    startFinder(world);
  });
}

/** Before this many bytes of a slot its record has not ended. */
const RECORD_BYTES_AT_LEAST = 50;

/** @returns what brings them back as they were */
function rotSlots(world: World): () => void {
  const { finder, random } = world;
  const { disk } = finder;
  crashFinder(world, false);
  finder.isDamaged = true;
  const backup = slotsOf(disk);
  for (const slot of SLOTS) {
    if (!disk.names().includes(slot)) continue;
    // Two bytes: one alone may be the one that rotted before, and would be right again.
    const at = random.int(0, RECORD_BYTES_AT_LEAST - 2);
    disk.corrupt(slot, at);
    disk.corrupt(slot, at + 1);
  }
  startFinder(world);
  return () => {
    for (const [slot, bytes] of backup) {
      disk.remove(slot);
      if (bytes) disk.put(slot, bytes);
    }
    finder.isDamaged = false;
  };
}

function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes);
}

/** When faults are to end, too. */
function after(world: World, end: () => void): void {
  let isOver = false;
  const once = (): void => {
    if (isOver) return;
    isOver = true;
    world.diskFaultEnds.delete(once);
    end();
  };
  world.diskFaultEnds.add(once);
  world.scheduler.after(world.random.exponential(world.options.pauseMs), undefined, once);
}

/** All disks have room, are fast and truthful, and the Finder's record is back. */
export function repairDisks(world: World): void {
  for (const end of [...world.diskFaultEnds]) end();
}

function anyDisk({ hosts, finder, random }: World): SimDisk {
  return random.pick([finder.disk, ...[...hosts.values()].map(({ disk }) => disk)]);
}

/** A member whose loss leaves others. */
function anyHost({ hosts, random }: World): WorkerHost | undefined {
  const whole = [...hosts.values()].filter(
    ({ wanted, removing, generation, isLost, isDamaged }) =>
      wanted && removing === 'no' && generation > 0 && !isLost && !isDamaged,
  );
  return whole.length < 2 ? undefined : random.pick(whole);
}

function damaged(world: World, host: WorkerHost): void {
  host.isDamaged = true;
  world.checker.volumeLost(host.id);
  lookAfter(world, host, host.disk, LOOK_AFTER_MS + world.random.exponential(world.options.pauseMs));
}

/** Remove the worker by force once it is down and cannot come back. */
function lookAfter(world: World, host: WorkerHost, disk: SimDisk, ms: number): void {
  world.scheduler.after(ms, undefined, () => {
    if (!host.isDamaged || host.disk !== disk) return;
    if (host.refusals > 0 && host.wanted && host.removing !== 'force') {
      world.reached('a worker whose disk is damaged is removed');
      if (host.removing === 'no') remove(world, host, 'force');
      else host.removing = 'force'; // it will not drain any more
    }
    lookAfter(world, host, disk, ms);
  });
}
