/** A worker's directory: each generation of its id has a volume of its own in it, so that none reads another's files. */
import {
  claimVolume,
  surveyVolume,
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
  const names = await disk.list();
  const generation = Math.max(0, ...names.map((name) => Number(VOLUME.exec(name)?.[1] ?? 0)));
  if (generation === 0) return EMPTY;
  return { ...(await surveyVolume(disk.inside(nameOf(generation)))), generation };
}

/** Take a generation's volume over; the Finder has fenced whoever had it. @throws WrongVolumeError, StorageDamagedError, … */
export async function claimGeneration(disk: Disk, identity: Identity, incarnation: number): Promise<ClaimedVolume> {
  const name = nameOf(identity.generation);
  await disk.makeDirectory(name);
  // Also when it was there: whoever made it may have died before its name was durable.
  await disk.syncDirectory();
  return claimVolume(disk.inside(name), { identity, incarnation });
}

function nameOf(generation: number): string {
  return `generation-${generation}`;
}
