/** A worker's volume: the production code that keeps it, on a simulated disk; and what it tells, for the checker. */
import type { WorkerEvent } from '../../services/core/index.ts';
import { volumeKeeper, type VolumeKeeper } from '../../services/runtime/worker/volume-keeper.ts';
import { mountDisk, outsideOf } from './disk.ts';
import { checkpointIn } from './on-disk.ts';
import type { Process } from './scheduler.ts';
import type { WorkerProcess } from './worker-actor.ts';
import type { WorkerHost } from './worker-host.ts';
import type { WorkerObject } from './worker-object.ts';
import type { World } from './world.ts';

export interface VolumeOptions {
  readonly process: Process;
  readonly host: WorkerHost;
  /** Names the process towards the Finder, 128 random bits. */
  readonly boot: string;
  readonly object: WorkerObject;
  readonly dispatch: (event: WorkerEvent) => void;
  readonly broken: (error: unknown) => void;
}

export function keepVolume(world: World, { process, host, ...options }: VolumeOptions): VolumeKeeper {
  const { disk } = host;
  const mayRot = (): boolean => host.isDamaged || disk !== host.disk;
  const log = (fields: unknown): void => told(world, process, host, fields, mayRot);
  return volumeKeeper({
    ...options,
    disk: mountDisk(world, process, disk),
    worker: host.id,
    looksAtKept: host.state !== 'unsaid',
    log: { error: log, warn: log },
    maxStateBytes: Infinity,
    written: () => undefined,
    failed: () => undefined,
    outside: outsideOf(world, process),
  });
}

/** @param mayRot whether the disk rotted; one that was replaced may have, before */
function told(world: World, process: Process, { id }: WorkerHost, fields: unknown, mayRot: () => boolean): void {
  const { event, what, reason } = fields as Readonly<Record<string, string | undefined>>;
  world.note(process.name, () => `${event ?? ''} ${what ?? ''} ${reason ?? ''}`);
  if (event === 'writeFailed') return world.reached(`${what ?? ''} failed and was retried`);
  world.reached(`volume ${event ?? ''}`);
  if (event !== 'damaged' || mayRot()) return;
  // A predecessor that was about to tidy up takes files away below the cut; whether the cut's own checkpoint is whole shows elsewhere.
  if (checkpointIn(reason ?? '').version >= world.checker.exposedOf(id))
    world.checker.violated(10, `${process.name}: ${reason ?? ''}`);
}

/** A part of what the volume was asked for is done, and the process is about to hear of it. */
export function checkVolume(world: World, running: WorkerProcess, event: WorkerEvent): void {
  const { checker } = world;
  switch (event.kind) {
    case 'surveyed':
      return checker.surveyed(running, event.generation, event.checkpoints);
    case 'volumeOpened':
      for (const { worldLine, version } of event.checkpoints) {
        running.newestVersion = Math.max(running.newestVersion, version);
        checker.durable(running, worldLine, version);
      }
      return;
    case 'durable':
      if (event.worldLine < running.core.worldLine) {
        world.reached('a checkpoint was written before its rollback was over');
      }
      running.newestVersion = Math.max(running.newestVersion, event.version);
      checker.durable(running, event.worldLine, event.version);
      return world.note(running.process.name, () => `checkpoint ${event.version} is durable`);
    case 'restored':
      if (running.core.restoring === event.version) checker.restored(running, event.version);
      return;
    case 'marked':
      running.marked = true;
      return;
    default:
  }
}
