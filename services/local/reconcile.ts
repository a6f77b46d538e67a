/** Brings each place of the cluster, one step after another, from what runs there to what is wanted there by then. */
import { isDeepStrictEqual } from 'node:util';
import type { LocalProcess, LocalWorker } from '@dpr/infra/plan';
import type { Conditions } from './condition-waits.ts';
import type { Emit } from './events.ts';
import { leave } from './leave.ts';
import type { FinderControl } from './finder-control.ts';
import type { Supervised } from './supervised-process.ts';
import { isBlocked, isStopping, type Slot, type Slots } from './process-slots.ts';

export type SettlingOptions = {
  readonly slots: Slots;
  readonly until: Conditions['until'];
  /** The whole cluster stops: nothing more is begun. */
  readonly isOver: () => boolean;
  readonly supervise: (spec: LocalProcess) => Supervised;
  /** Undefined while there is no Finder to ask. */
  readonly operator: () => FinderControl | undefined;
  /** Whether a worker may leave although it is dead and work of it is lost by that. */
  readonly mayForce: (worker: number) => boolean;
  readonly emit: Emit;
  /** What a worker waits for, or what is wanted of it, changed. */
  readonly changed: () => void;
};

export interface Settling {
  readonly finder: () => Promise<void>;
  readonly worker: (id: number) => Promise<void>;
  /** Has a member leave that is not wanted; its process runs for as long as that takes. */
  readonly dismiss: (worker: LocalWorker) => Promise<void>;
}

export function createSettling(options: SettlingOptions): Settling {
  const { slots, until, isOver } = options;
  const { finder } = slots;

  /** Until what runs is what is wanted. */
  async function settle<Spec extends LocalProcess>(
    slot: Slot<Spec>,
    step: (wanted: Spec | undefined) => Promise<void> | undefined,
  ): Promise<void> {
    if (slot.settling) return;
    slot.settling = true;
    while (!isOver() && !isDeepStrictEqual(slot.wanted, slot.current?.spec)) await step(slot.wanted);
    slot.settling = false;
  }

  async function start<Spec extends LocalProcess>(slot: Slot<Spec>, spec: Spec): Promise<void> {
    await until(() => !isBlocked(slots, spec) || isOver() || slot.wanted !== spec);
    if (isOver() || slot.wanted !== spec) return;
    slot.current = { spec, process: options.supervise(spec) };
    slot.current.process.start();
  }

  async function stopCurrent<Spec extends LocalProcess>(slot: Slot<Spec>): Promise<void> {
    slot.replacing = true;
    await slot.current?.process.stop();
    slot.replacing = false;
    if (!isOver()) slot.current = undefined;
  }

  async function stepFinder(wanted: Slots['finder']['wanted']): Promise<void> {
    if (finder.current === undefined) return wanted && start(finder, wanted);
    finder.replacing = true;
    await until(() => isOver() || ![...slots.workers.values()].some(isStopping)); // they report to it what they finish
    if (!isOver()) await stopCurrent(finder);
  }

  async function stepWorker(id: number, slot: Slot<LocalWorker>, wanted: LocalWorker | undefined): Promise<void> {
    const { current } = slot;
    if (current === undefined) return wanted && start(slot, wanted);
    if (wanted?.type === current.spec.type) return stopCurrent(slot);
    const left = await leave(id, current.process, {
      operator: options.operator,
      mayForce: () => options.mayForce(id),
      // What was asked of the Finder cannot be taken back, but a wish that it never heard of can.
      givenUp: (asked) => isOver() || (!asked && slot.wanted?.type === current.spec.type),
      waitsFor: (reason) => {
        slot.waitingFor = reason;
        options.changed();
      },
      emit: options.emit,
    });
    slot.waitingFor = '';
    if (left) slot.current = undefined;
  }

  async function settleWorker(id: number, slot: Slot<LocalWorker>): Promise<void> {
    await settle(slot, (wanted) => stepWorker(id, slot, wanted));
    if (!isOver() && slot.wanted === undefined && slot.current === undefined) slots.workers.delete(id);
    options.changed();
  }

  return {
    finder: () => settle(finder, stepFinder),
    worker: (id) => settleWorker(id, slots.worker(id)),
    async dismiss(worker) {
      const slot = slots.worker(worker.id);
      if (slot.settling) return;
      slot.settling = true;
      await stopCurrent(slot);
      if (isOver()) return;
      slot.current = { spec: worker, process: options.supervise(worker) };
      slot.settling = false;
      await settleWorker(worker.id, slot);
    },
  };
}
