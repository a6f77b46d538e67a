/** The places of a cluster on one machine: the Finder's, and one for each worker id. */
import type { LocalFinder, LocalProcess, LocalWorker } from '@dpr/infra/plan';
import type { Supervised } from './supervised-process.ts';

export type Slot<Spec extends LocalProcess> = {
  /** What should run; undefined: nothing, and a worker has to leave the cluster first. */
  wanted: Spec | undefined;
  /** What does run, or did until it ended by itself. */
  current: { readonly spec: Spec; readonly process: Supervised } | undefined;
  settling: boolean;
  /** Another process is about to take the place of `current`. */
  replacing: boolean;
  waitingFor: string;
};

export interface Slots {
  readonly finder: Slot<LocalFinder>;
  readonly workers: Map<number, Slot<LocalWorker>>;
  /** The place of this id, which there is from then on. */
  readonly worker: (id: number) => Slot<LocalWorker>;
  /** The Finder's first, then the workers' by id. */
  readonly all: () => Slot<LocalFinder | LocalWorker>[];
}

export function createSlots(): Slots {
  const finder: Slot<LocalFinder> = emptySlot();
  const workers = new Map<number, Slot<LocalWorker>>();
  return {
    finder,
    workers,
    worker(id) {
      const slot = workers.get(id) ?? emptySlot<LocalWorker>();
      workers.set(id, slot);
      return slot;
    },
    all: () => [finder, ...[...workers].sort(([a], [b]) => a - b).map(([, slot]) => slot)],
  };
}

function emptySlot<Spec extends LocalProcess>(): Slot<Spec> {
  return { wanted: undefined, current: undefined, settling: false, replacing: false, waitingFor: '' };
}

/** A process of another place still has a port of this one. */
export function isBlocked(slots: Slots, spec: LocalProcess): boolean {
  const ports = new Set(Object.values(spec.ports));
  return slots
    .all()
    .some(
      ({ current }) =>
        current?.process.state.pid !== undefined && Object.values(current.spec.ports).some((port) => ports.has(port)),
    );
}

/** Something is being stopped there. */
export function isStopping({ current }: Slot<LocalProcess>): boolean {
  return current?.process.state.phase === 'stopping';
}
