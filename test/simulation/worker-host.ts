/** What stays of a worker when its processes die: its disk, and whether it is started again. */
import type { WorkerConfig } from '../../services/core/index.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import { createDisk } from './disk.ts';
import type { WorldOptions } from './options.ts';
import type { Random } from './random.ts';
import type { WorkerProcess } from './worker-actor.ts';
import type { World } from './world.ts';

/** As a whole, as incremental records, or, as they are in production, in a store. */
export type StateKind = 'whole' | 'records' | 'store';

export interface WorkerHost {
  readonly id: number;
  /** How its state is kept, in all its processes. */
  readonly stateKind: StateKind;
  disk: SimDisk;
  /** Alive ones, oldest first. */
  processes: WorkerProcess[];
  /** Is it to run at all? Not before it is added, and not after it was removed. */
  wanted: boolean;
  /** The one that last served since it was added, 0 before. */
  generation: number;
  /** A removal was asked for, and has not been answered with `left`. */
  removing: 'no' | 'graceful' | 'force';
  starting: boolean;
  /** What its next process is told to begin with, where its volume keeps earlier generations. */
  state: WorkerConfig['state'];
  /** Its volume is gone, so that it can only be removed by force. */
  isLost: boolean;
  /** What is on its disk is not what was written there. */
  isDamaged: boolean;
  /** How often a process was refused because of that. */
  refusals: number;
}

function drawStateKind(random: Random, { incrementalChance, storeShare }: WorldOptions): StateKind {
  const drawn = random.next();
  if (drawn >= incrementalChance) return 'whole';
  return drawn < incrementalChance * storeShare ? 'store' : 'records';
}

export function createHost(id: number, random: Random, options: WorldOptions): WorkerHost {
  return {
    id,
    stateKind: drawStateKind(random, options),
    disk: createDisk(random),
    processes: [],
    wanted: false,
    generation: 0,
    removing: 'no',
    starting: false,
    state: 'unsaid',
    isLost: false,
    isDamaged: false,
    refusals: 0,
  };
}

/** A worker that is a member is wanted: a process that was paused during a removal may have added its id again. */
export function keepMember(world: World, host: WorkerHost): void {
  const generation = world.checker.generationOf(host.id);
  if (generation <= host.generation || host.removing !== 'no') return;
  host.generation = generation;
  host.wanted = true;
}
