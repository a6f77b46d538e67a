/** A worker's directory: each generation of its id has a volume of its own in it, so that none reads another's files. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  claimVolume,
  nodeDisk,
  prepareDirectory,
  surveyVolume,
  type ClaimedVolume,
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
export async function surveyNewest(directory: string): Promise<Found> {
  const names = await readdir(directory);
  const generation = Math.max(0, ...names.map((name) => Number(VOLUME.exec(name)?.[1] ?? 0)));
  if (generation === 0) return EMPTY;
  return { ...(await surveyVolume(nodeDisk(volumeOf(directory, generation)))), generation };
}

/** Take a generation's volume over; the Finder has fenced whoever had it. @throws WrongVolumeError, StorageDamagedError, … */
export async function claimGeneration(
  directory: string,
  identity: { readonly cluster: string; readonly worker: number; readonly generation: number },
  incarnation: number,
): Promise<ClaimedVolume> {
  const volume = volumeOf(directory, identity.generation);
  await prepareDirectory(volume);
  return claimVolume(nodeDisk(volume), { identity, incarnation });
}

function volumeOf(directory: string, generation: number): string {
  return path.join(directory, `generation-${generation}`);
}
