/** What a worker's volume tells, for the checker. */
import type { WorkerEvent } from '../../services/core/index.ts';
import type { WorkerParts } from '../../services/runtime/worker/worker.ts';
import { checkpointIn } from './on-disk.ts';
import type { Process } from './scheduler.ts';
import type { WorkerProcess } from './worker-actor.ts';
import type { WorkerHost } from './worker-host.ts';
import type { World } from './world.ts';

/** What a worker logs of its volume. */
const TOLD = ['damaged', 'writeFailed', 'notRenamed', 'pruneFailed'];

/** A worker's log. @param mayRot whether the disk rotted; one that was replaced may have, before */
export function volumeLog(
  world: World,
  process: Process,
  { id }: WorkerHost,
  mayRot: () => boolean,
): WorkerParts['log'] {
  const warn = (fields: unknown): void => {
    const { event = '', what = '', reason = '' } = fields as Readonly<Record<string, string | undefined>>;
    if (!process.alive || !TOLD.includes(event)) return;
    world.note(process.name, () => `${event} ${what} ${reason}`);
    if (event === 'writeFailed') return world.reached(`${what} failed and was retried`);
    world.reached(`volume ${event}`);
    if (event !== 'damaged' || mayRot()) return;
    // A predecessor that was about to tidy up takes files away below the cut; whether the cut's own checkpoint is whole shows elsewhere.
    if (checkpointIn(reason).version >= world.checker.exposedOf(id))
      world.checker.violated(10, `${process.name}: ${reason}`);
  };
  const nothing = (): void => undefined;
  return { info: nothing, warn, error: warn, fatal: nothing, setBindings: nothing };
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
