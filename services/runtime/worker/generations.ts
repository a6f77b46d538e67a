/**
 * A worker's directory: each generation of its id has a volume of its own in it, so that none reads another's files. At any time
 * there is one, and while it begins the one before; what a removal left that was cut short goes when the worker starts again.
 */
import {
  claimVolume,
  SupersededError,
  surveyVolume,
  systemCode,
  type ClaimedVolume,
  type Disk,
  type Identity,
  type Survey,
} from '../storage/index.ts';

export interface Found extends Survey {
  /** 0: no generation was ever here. */
  readonly generation: number;
}

const VOLUME = /^generation-([1-9]\d*)$/;
const REMOVED = /^generation-[1-9]\d*\.removed$/;

const EMPTY: Found = {
  generation: 0,
  identity: undefined,
  incarnation: 0,
  checkpoints: [],
  clean: undefined,
  stamp: undefined,
  damage: [],
};

/** Look at the newest generation without changing anything. @throws StorageDamagedError, system errors */
export async function surveyNewest(disk: Disk): Promise<Found> {
  for (;;) {
    const generation = await newestOf(disk);
    if (generation === 0) return EMPTY;
    try {
      return { ...(await surveyVolume(disk.inside(nameOf(generation)))), generation };
    } catch (error) {
      // Another process may have begun the next one, and removed this one meanwhile.
      if ((await newestOf(disk)) === generation) throw error;
    }
  }
}

/**
 * Take a generation's volume over; the Finder has fenced whoever had it.
 * @throws WrongVolumeError, StorageDamagedError, SupersededError, system errors
 */
export async function claimGeneration(disk: Disk, identity: Identity, incarnation: number): Promise<ClaimedVolume> {
  const { generation } = identity;
  await disk.makeDirectory(nameOf(generation));
  // Also when it was there: whoever made it may have died before its name was durable.
  await disk.syncDirectory();
  const claimed = await claimVolume(volumeOf(disk, generation), { identity, incarnation });
  try {
    // Looked for last: this may be a zombie that made the directory anew, empty, after its successors removed it.
    await refuseIfReplaced(disk, generation);
  } catch (error) {
    await claimed.store.close();
    throw error;
  }
  return claimed;
}

/**
 * Remove the generations before this one, once it was claimed: then its volume is durable, and so is the Finder's record of it,
 * which is durable before the claim is answered. So every later survey finds this one, and the Finder refuses it rather than take
 * an earlier one in its place. What was committed there went with the worker that was removed, and no rollback leads back to it.
 *
 * Only zombies of those generations still use their files. The directory loses its name before it loses a file, so they find
 * all of it or nothing, never what looks like a volume that nobody wrote to; and where they find nothing, they see that
 * there is a later generation, and stop as superseded.
 *
 * May be cut short at any step, and done again, also by several processes at once.
 * @throws system errors
 */
export async function removeEarlier(disk: Disk, generation: number): Promise<void> {
  const names = await disk.list();
  for (const name of names.filter((one) => REMOVED.test(one))) await removeAll(disk, name);
  for (const name of names.filter((one) => generationOf(one) > 0 && generationOf(one) < generation)) {
    const removed = `${name}.removed`;
    await disk.rename(name, removed);
    // Or a loss of power brings back the name, and not all of the files.
    await disk.syncDirectory();
    await removeAll(disk, removed);
  }
}

async function removeAll(disk: Disk, name: string): Promise<void> {
  const inside = disk.inside(name);
  for (const file of await inside.list()) await inside.unlink(file);
  await disk.removeDirectory(name);
}

/** A generation's files. Whoever misses one may be superseded, and is told so then. */
function volumeOf(disk: Disk, generation: number): Disk {
  const inside = disk.inside(nameOf(generation));
  async function found<T>(operation: Promise<T>): Promise<T> {
    try {
      return await operation;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') await refuseIfReplaced(disk, generation);
      throw error;
    }
  }
  return {
    directory: inside.directory,
    list: () => found(inside.list()),
    open: (name, mode) => found(inside.open(name, mode)),
    rename: (from, to) => found(inside.rename(from, to)),
    unlink: (name) => found(inside.unlink(name)),
    syncDirectory: () => found(inside.syncDirectory()),
    makeDirectory: (name) => found(inside.makeDirectory(name)),
    removeDirectory: (name) => found(inside.removeDirectory(name)),
    inside: (name) => inside.inside(name),
  };
}

/** @throws SupersededError when there is a later generation, or what it has begun with */
async function refuseIfReplaced(disk: Disk, generation: number): Promise<void> {
  const newest = await newestOf(disk);
  if (newest <= generation) return;
  throw new SupersededError(
    `generation ${newest} has taken over ${disk.directory}, so generation ${generation} has to stop`,
  );
}

async function newestOf(disk: Disk): Promise<number> {
  return Math.max(0, ...(await disk.list()).map(generationOf));
}

/** 0: this is not the name of a generation's volume. */
function generationOf(name: string): number {
  return Number(VOLUME.exec(name)?.[1] ?? 0);
}

function nameOf(generation: number): string {
  return `generation-${generation}`;
}
