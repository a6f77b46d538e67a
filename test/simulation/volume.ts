/** A worker's volume: the production code that keeps it, on a simulated disk; and what is really on it, for the checker. */
import { decodeFrame } from '../../services/runtime/storage/frame.ts';
import { FRAME_ALIGNMENT_BYTES } from '../../services/runtime/storage/index.ts';
import { manifestIncarnations, manifestName, partName } from '../../services/runtime/storage/names.ts';
import { volumeKeeper, type VolumeKeeper } from '../../services/runtime/worker/volume-keeper.ts';
import type { WorkerEvent } from '../../services/core/index.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import { mountDisk, outsideOf } from './disk.ts';
import type { WorkerProcess } from './worker-actor.ts';
import type { World } from './world.ts';

export interface VolumeEvents {
  readonly happen: (event: WorkerEvent) => void;
  readonly broken: (error: unknown) => void;
}

export function keepVolume(world: World, running: WorkerProcess, { happen, broken }: VolumeEvents): VolumeKeeper {
  const { process, host, boot } = running;
  return volumeKeeper({
    disk: mountDisk(world, process, host.disk),
    worker: host.id,
    boot,
    object: {
      restore(snapshot) {
        if (snapshot !== undefined && !(snapshot instanceof Uint8Array)) throw new Error('no store wrote a file');
        running.state = world.states.decode(snapshot);
      },
    },
    log: {
      error: (fields: unknown) => told(world, running, fields),
      warn: (fields: unknown) => told(world, running, fields),
    },
    happen,
    written: () => undefined,
    failed: () => undefined,
    broken,
    outside: outsideOf(world, process),
  });
}

function told(world: World, { process, host }: WorkerProcess, fields: unknown): void {
  const { event, what, reason } = fields as Readonly<Record<string, string | undefined>>;
  world.note(process.name, () => `${event ?? ''} ${what ?? ''} ${reason ?? ''}`);
  if (event === 'writeFailed') return world.reached(`${what ?? ''} failed and was retried`);
  world.reached(`volume ${event ?? ''}`);
  if (event === 'damaged' && !host.isDamaged) world.checker.violated(10, `worker ${host.id}: ${reason ?? ''}`);
}

/** The newest generation on a volume and its newest incarnation, 0 for none; as every process sees them. */
export function newestOn(disk: SimDisk): { readonly generation: number; readonly incarnation: number } {
  const generation = Math.max(0, ...disk.names().map((name) => Number(/^generation-(\d+)$/.exec(name)?.[1] ?? 0)));
  const names = disk.inside(`generation-${generation}`)?.names() ?? [];
  return { generation, incarnation: manifestIncarnations(names).at(-1) ?? 0 };
}

/** Would the manifest of this incarnation list the checkpoint after any loss of power now? */
export function isOnPlatter(
  disk: SimDisk,
  generation: number,
  incarnation: number,
  worldLine: number,
  version: number,
): boolean {
  const name = `generation-${generation}`;
  const volume = disk.inside(name);
  const bytes = disk.durable(name) && volume?.durable(manifestName(incarnation));
  if (bytes === undefined) return false;
  // Frames are aligned, and it is among the last ones.
  for (let at = bytes.length - (bytes.length % FRAME_ALIGNMENT_BYTES); at >= 0; at -= FRAME_ALIGNMENT_BYTES) {
    const frame = decodeFrame(bytes, at);
    if (frame?.kind !== 'checkpoint') continue;
    const meta = frame.meta as {
      incarnation: number;
      worldLine: number;
      version: number;
      state: { place: string } | null;
    };
    if (meta.version !== version || meta.worldLine !== worldLine) continue;
    return (
      meta.state !== null && (meta.state.place === 'inline' || volume?.durable(partName(meta, 'state')) !== undefined)
    );
  }
  return false;
}
