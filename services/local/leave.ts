import { setTimeout as pause } from 'node:timers/promises';
import type { Emit } from './events.ts';
import type { FinderControl } from './finder-control.ts';
import type { Phase } from './events.ts';
import type { Supervised } from './supervised-process.ts';

const ASK_AGAIN_MS = 50;
/** Leaving that takes longer than this is explained. */
const EXPLAIN_AFTER_MS = 2_000;

export type Leaving = {
  /** Undefined while there is no Finder to ask. */
  readonly operator: () => FinderControl | undefined;
  /** Whether it may go by force, should it be dead. */
  readonly mayForce: () => boolean;
  /** Whether to leave it at that; `asked` tells whether the Finder was. */
  readonly givenUp: (asked: boolean) => boolean;
  readonly waitsFor: (reason: string) => void;
  readonly emit: Emit;
};

/**
 * Takes a worker out of the cluster and then stops its process, which serves until it has left. It has left for good when
 * the Finder says so while no process of it is there: one that is started again at the wrong moment joins anew.
 *
 * @returns whether it left; false when it was given up
 */
export async function leave(id: number, process: Supervised, leaving: Leaving): Promise<boolean> {
  const { operator, mayForce, givenUp, emit } = leaving;
  const explain = explainer(id, leaving);
  let asked = false;
  let forced = false;
  for (;;) {
    if (givenUp(asked)) return false;
    const force = mayForce() && !ALIVE.includes(process.state.phase);
    if (force) await process.stop();
    const removal = await operator()?.remove(id, force);
    asked ||= removal !== undefined;
    forced ||= force && removal !== undefined;
    if (givenUp(asked)) return false;
    if (removal?.state !== 'left') {
      // Without a process it could not finish and leave.
      if (removal !== undefined && process.state.phase === 'idle') process.start();
      explain(removal?.waitingFor ?? 'the Finder, which does not answer');
      await pause(ASK_AGAIN_MS);
    } else if (isDown(process)) {
      emit({ event: 'workerLeft', worker: id, forced });
      return true;
    } else {
      await process.stop();
    }
  }
}

/** Says once what a worker waits for, when that takes long. */
function explainer(id: number, { waitsFor, emit }: Leaving): (reason: string) => void {
  const began = performance.now();
  let told = '';
  return (reason) => {
    waitsFor(reason);
    if (reason === told || performance.now() - began < EXPLAIN_AFTER_MS) return;
    told = reason;
    emit({ event: 'workerLeaving', worker: id, waitingFor: reason });
  };
}

/** One that is silent goes on, or is soon started again: it may leave without a loss. */
const ALIVE: readonly Phase[] = ['serving', 'silent'];

/** Nothing of it runs, or will again by itself. */
function isDown({ state }: Supervised): boolean {
  return state.phase === 'idle' || state.phase === 'left' || state.phase === 'halted';
}
