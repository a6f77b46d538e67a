/**
 * A process's view of a simulated disk: what it asks for takes time, may fail, and may or may not have happened when it dies. A dead
 * process is never answered, so nothing of it runs on.
 */
import type { Disk } from '../../services/runtime/storage/index.ts';
import { simDisk, type Fate, type SimDisk, type Step } from '../runtime/storage/sim-disk.ts';
import type { Random } from './random.ts';
import type { Process } from './scheduler.ts';
import type { World } from './world.ts';

/** What only looks at a disk, or changes its cache, takes this much of the time that making something durable takes. */
const LIGHT_STEP_SHARE = 0.1;
/** How many times longer a slow disk takes. */
const SLOWNESS = 20;
/** However slow a disk is: a step that takes longer would keep a world from coming to rest. */
const LONGEST_STEP_MS = 3_000;
const HEAVY: readonly Step['operation'][] = ['datasync', 'syncDirectory'];

export function createDisk(random: Random): SimDisk {
  return simDisk(() => random.next());
}

export function mountDisk(world: World, process: Process, disk: SimDisk): Disk {
  const { random, scheduler } = world;
  /** Steps that the disk is at. */
  const running = new Set<(fate: Fate) => void>();

  process.onDeath.add(() => {
    for (const end of running) {
      if (random.chance(0.3)) continue;
      world.reached('disk at work when the process died');
      end(random.pick(['dies', 'diesAfter']));
    }
    running.clear();
    world.hasPromises = true;
  });

  return disk.mount(({ operation }) => {
    if (!process.alive) return new Promise<never>(() => undefined);
    const fate = fateOf(world, operation);
    const share = (HEAVY.includes(operation) ? 1 : LIGHT_STEP_SHARE) * (world.slowDisks.has(disk) ? SLOWNESS : 1);
    const delay = Math.min(world.diskDelay() * share, LONGEST_STEP_MS);
    return new Promise((resolve) => {
      running.add(resolve);
      scheduler.after(delay, process, () => {
        running.delete(resolve);
        world.hasPromises = true;
        resolve(fate);
      });
    });
  });
}

function fateOf(world: World, operation: Step['operation']): Fate {
  const { random, options } = world;
  if (world.calm || !random.chance(options.diskErrorChance)) return 'done';
  world.reached(`disk error: ${operation}`);
  return 'EIO';
}
