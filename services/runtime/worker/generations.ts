/**
 * A worker's directory: each generation of its id has a volume of its own in it, so that none reads another's files. The newest one is
 * in use, or was when the worker was removed; those before it are kept, under names that tell so, until an administrator deletes them.
 */
import { largest, type KeptGeneration } from '@dpr/core';
import { MAX_KEPT_GENERATIONS } from '@dpr/protocol';
import {
  claimVolume,
  findState,
  StorageDamagedError,
  SupersededError,
  surveyVolume,
  systemCode,
  type ClaimedVolume,
  type Disk,
  type Identity,
  type StateSource,
  type Survey,
} from '../storage/index.ts';

export interface Found extends Survey {
  /** 0: no generation was ever here. */
  readonly generation: number;
}

const VOLUME = /^generation-([1-9]\d*)$/;
const KEPT = /^generation-([1-9]\d*)\.kept$/;
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
 * Take a generation's volume over; the Finder has fenced the process that had it.
 * @throws WrongVolumeError, StorageDamagedError, SupersededError, system errors
 */
export async function claimGeneration(disk: Disk, identity: Identity, incarnation: number): Promise<ClaimedVolume> {
  const { generation } = identity;
  await disk.makeDirectory(nameOf(generation));
  // Also when it was there: the process that made it may have died before its name was durable.
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
 * The generations before the newest one, latest first.
 * @param look whether to look at what they hold; what cannot be read counts as nothing
 */
export async function surveyKept(disk: Disk, newest: number, look: boolean): Promise<KeptGeneration[]> {
  const names = new Map<number, string>();
  for (const name of await disk.list()) {
    const generation = Number((KEPT.exec(name) ?? VOLUME.exec(name))?.[1] ?? 0);
    // One that has both names was renamed, and begun anew by a process that did not know it.
    if (generation > 0 && generation !== newest && !names.get(generation)?.endsWith('.kept'))
      names.set(generation, name);
  }
  const latest = [...names].sort(([a], [b]) => b - a).slice(0, MAX_KEPT_GENERATIONS);
  return Promise.all(
    latest.map(async ([generation, name]) => ({
      generation,
      checkpoints: look ? await heldBy(disk.inside(name)) : [],
    })),
  );
}

async function heldBy(volume: Disk): Promise<KeptGeneration['checkpoints']> {
  try {
    return (await surveyVolume(volume)).checkpoints.map(({ worldLine, version }) => ({ worldLine, version }));
  } catch (error) {
    if (error instanceof StorageDamagedError || error instanceof SupersededError) return [];
    throw error;
  }
}

/**
 * Looks for the state that an earlier generation had at a version.
 * @param maxStateBytes a state that is larger is not read, unless it is a store's own file
 * @throws StorageDamagedError when it is not there or not as it was written, also while it is read; StateTooLargeError, system errors
 */
export async function findEarlier(
  disk: Disk,
  identity: Identity,
  version: number,
  maxStateBytes: number,
): Promise<StateSource> {
  const name = nameOf(identity.generation);
  const names = await disk.list();
  const found = [keptName(name), name].find((one) => names.includes(one));
  if (found !== undefined) return findState(disk.inside(found), identity, version, maxStateBytes);
  throw new StorageDamagedError(`${disk.directory} has no generation ${identity.generation} any more`);
}

/**
 * Give the generations before this one the names of those that are kept, once it was claimed: then its volume is durable, and so is
 * the Finder's record of it, which is durable before the claim is answered. So every later survey finds this one, and the Finder
 * refuses it rather than take an earlier one in its place.
 *
 * Only zombies of those generations still use their files. A directory gets its name as a whole, so they find all of it or nothing, never
 * what looks like a volume that no process wrote to; and where they find nothing, they see that there is a later generation, and stop as
 * superseded. What such a zombie begins anew, under the name that is free again, holds nothing and goes.
 *
 * May be cut short at any step, and done again, also by several processes at once.
 * @throws system errors
 */
export async function keepEarlier(disk: Disk, generation: number): Promise<void> {
  const names = await disk.list();
  for (const name of names.filter((one) => REMOVED.test(one))) await removeAll(disk, name);
  for (const name of names.filter((one) => generationOf(one) > 0 && generationOf(one) < generation)) {
    const isAnew = names.includes(keptName(name));
    if (isAnew && (await heldBy(disk.inside(name))).length > 0) continue; // this is not ours to decide
    const next = isAnew ? removedName(name) : keptName(name);
    await disk.rename(name, next);
    // Or a loss of power brings back the name, and not all of the files.
    await disk.syncDirectory();
    if (isAnew) await removeAll(disk, next);
  }
}

/**
 * Delete a generation that no process uses: as a whole or, where that is cut short, with the next one that begins.
 * @throws system errors; ENOENT where it is not
 */
export async function deleteGeneration(disk: Disk, generation: number): Promise<void> {
  const name = nameOf(generation);
  const isKept = (await disk.list()).includes(keptName(name));
  await disk.rename(isKept ? keptName(name) : name, removedName(name));
  await disk.syncDirectory();
  await removeAll(disk, removedName(name));
}

async function removeAll(disk: Disk, name: string): Promise<void> {
  const inside = disk.inside(name);
  for (const file of await inside.list()) await inside.unlink(file);
  await disk.removeDirectory(name);
}

/** A generation's files. A process that misses one may be superseded, and is told so then. */
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
  return largest((await disk.list()).map(generationOf), 0);
}

/** 0: this is not the name of a generation's volume. */
function generationOf(name: string): number {
  return Number(VOLUME.exec(name)?.[1] ?? 0);
}

function nameOf(generation: number): string {
  return `generation-${generation}`;
}

function keptName(name: string): string {
  return `${name}.kept`;
}

function removedName(name: string): string {
  return `${name}.removed`;
}
