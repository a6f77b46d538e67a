/**
 * A worker's volume at the level of the core's effects: manifests of durable checkpoints, one for each incarnation that opened
 * the volume, of which only the highest incarnation's counts. What is done here is durable; what takes time is the actor's part.
 */
import type { CleanMarker } from '../../services/core/index.ts';
import type { CheckpointInfo, Stamp } from '../../services/protocol/index.ts';
import type { State } from './state-object.ts';

export interface StoredCheckpoint {
  readonly info: CheckpointInfo;
  readonly state: State;
  /** The session table's sections that lead to this checkpoint: a full one, then deltas. */
  readonly sections: readonly Uint8Array[];
}

export interface Manifest {
  readonly cluster: string;
  readonly generation: number;
  readonly incarnation: number;
  checkpoints: StoredCheckpoint[];
  clean: CleanMarker | undefined;
  stamp: Stamp | undefined;
}

export interface Volume {
  /** The manifest of the highest incarnation. */
  newest: Manifest | undefined;
}

/** The manifest of an incarnation that takes the volume over; it counts from now on, unless a later one has taken over. */
export function takeOver(volume: Volume, cluster: string, generation: number, incarnation: number): Manifest {
  const found = volume.newest;
  const own = found?.generation === generation ? found : undefined;
  const manifest: Manifest = {
    cluster,
    generation,
    incarnation,
    checkpoints: [...(own?.checkpoints ?? [])],
    clean: own?.clean,
    stamp: own?.stamp,
  };
  if (found === undefined || found.incarnation < incarnation) volume.newest = manifest;
  return manifest;
}

export function find(manifest: Manifest, version: number): StoredCheckpoint | undefined {
  return manifest.checkpoints.find(({ info }) => info.version === version);
}

/** Drop what is above the version, and the clean marker. */
export function dropAbove(manifest: Manifest, version: number): void {
  manifest.checkpoints = manifest.checkpoints.filter(({ info }) => info.version <= version);
  manifest.clean = undefined;
}

export function pruneBelow(manifest: Manifest, version: number): void {
  manifest.checkpoints = manifest.checkpoints.filter(({ info }) => info.version >= version);
}
