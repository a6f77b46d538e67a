import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterStatus } from '@dpr/client';
import type { LocalFinder, LocalPlan, LocalProcess, LocalWorker } from '@dpr/infra/plan';
import { diffPlans } from './diff-plans.ts';
import type { Emit } from './events.ts';
import { leave } from './leave.ts';
import type { LogFile } from './log-file.ts';
import type { FinderControl } from './operator.ts';
import { type ProcessState, supervise, type Supervised } from './process.ts';

export type ClusterOptions = {
  readonly host: string;
  readonly emit: Emit;
  /** Called after every change of a process. */
  readonly changed: () => void;
  readonly openLog: (file: string, name: string) => LogFile;
  readonly logDirectory: string;
  /** The operator's connection to this Finder. */
  readonly connect: (finder: LocalFinder) => FinderControl;
};

/** A process of the cluster, as it is now. */
export type View = {
  readonly spec: LocalFinder | LocalWorker;
  readonly state: ProcessState;
  /** The file of its log. */
  readonly log: string;
  /** Of a worker that leaves: what it waits for. */
  readonly waitingFor: string;
};

/** The processes of one machine, kept as the last plan says. */
export interface LocalCluster {
  /**
   * Starts, stops, restarts and removes the processes that differ from the plan before; returns at once. A later plan takes over
   * where an earlier one is still being carried out.
   *
   * @param forced ids of workers that may leave although they are dead and work of theirs is lost by it
   */
  apply(plan: LocalPlan, forced: ReadonlySet<number>): void;
  /**
   * Makes a member leave that no plan has, or not with this type; its process runs for as long as that takes, and then the
   * one that is wanted.
   */
  dismiss(worker: LocalWorker): void;
  /** Starts again what had to wait for an administrator. */
  retry(): void;
  /** Ends everything, the workers first; whether all of it ended cleanly. */
  stop(): Promise<boolean>;
  /** Ends everything at once. */
  kill(): void;
  /** What the Finder says; undefined while it does not answer. */
  status(): Promise<ClusterStatus | undefined>;
  /** Whether a worker is on its way to what the plan says of it. */
  isSettling(worker: number): boolean;
  /** The Finder first, then the workers by id. */
  views(): readonly View[];
}

/** One place in the cluster: the Finder's, or that of a worker id. */
type Slot<Spec extends LocalProcess> = {
  /** What should run; undefined: nothing, and a worker has to leave the cluster first. */
  wanted: Spec | undefined;
  /** What does run, or did until it ended by itself. */
  current: { readonly spec: Spec; readonly process: Supervised } | undefined;
  settling: boolean;
  /** Another process is about to take the place of `current`. */
  replacing: boolean;
  waitingFor: string;
};

export function localCluster(options: ClusterOptions): LocalCluster {
  const finder: Slot<LocalFinder> = emptySlot();
  const workers = new Map<number, Slot<LocalWorker>>();
  const watchers = new Set<() => void>();
  let plan: LocalPlan | undefined;
  let forced: ReadonlySet<number> = new Set();
  let operator: FinderControl | undefined;
  let stopping = false;

  function changed(): void {
    options.changed();
    for (const watcher of [...watchers]) watcher();
  }

  /** Waits until something holds, which is looked at after every change of a process. */
  function until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const watcher = () => {
        if (!holds()) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
    });
  }

  function slots(): Slot<LocalFinder | LocalWorker>[] {
    return [finder, ...[...workers].sort(([a], [b]) => a - b).map(([, slot]) => slot)];
  }

  function supervised<Spec extends LocalProcess>(spec: Spec): { spec: Spec; process: Supervised } {
    const { host, emit, openLog } = options;
    return { spec, process: supervise(spec, { host, log: openLog(logOf(spec), spec.name), emit, changed }) };
  }

  function logOf({ name }: LocalProcess): string {
    return path.join(options.logDirectory, `${name}.log`);
  }

  /** Another process of ours still has a port of this one. */
  function isBlocked(spec: LocalProcess): boolean {
    const ports = new Set(Object.values(spec.ports));
    const others = slots().flatMap(({ current }) => (current === undefined ? [] : [current]));
    return others.some(
      (other) =>
        other.process.state.pid !== undefined && Object.values(other.spec.ports).some((port) => ports.has(port)),
    );
  }

  async function start<Spec extends LocalProcess>(slot: Slot<Spec>, spec: Spec): Promise<void> {
    await until(() => !isBlocked(spec) || stopping || slot.wanted !== spec);
    if (stopping || slot.wanted !== spec) return;
    slot.current = supervised(spec);
    slot.current.process.start();
  }

  async function stopCurrent<Spec extends LocalProcess>(slot: Slot<Spec>): Promise<void> {
    slot.replacing = true;
    await slot.current?.process.stop();
    slot.replacing = false;
    if (!stopping) slot.current = undefined;
  }

  async function settleFinder(): Promise<void> {
    await settle(finder, async (wanted) => {
      if (finder.current === undefined) return wanted && start(finder, wanted);
      finder.replacing = true;
      const stopsNow = ({ current }: Slot<LocalProcess>) => current?.process.state.phase === 'stopping';
      await until(() => stopping || ![...workers.values()].some(stopsNow)); // they report to it what they finish
      if (!stopping) await stopCurrent(finder);
    });
  }

  async function settleWorker(id: number, slot: Slot<LocalWorker>): Promise<void> {
    await settle(slot, async (wanted) => {
      const { current } = slot;
      if (current === undefined) return wanted && start(slot, wanted);
      if (wanted?.type === current.spec.type) return stopCurrent(slot);
      const left = await leave(id, current.process, {
        operator: () => operator,
        mayForce: () => forced.has(id),
        // What was asked of the Finder cannot be taken back, but a wish that it never heard of can.
        givenUp: (asked) => stopping || (!asked && slot.wanted?.type === current.spec.type),
        waitsFor: (reason) => {
          slot.waitingFor = reason;
          options.changed();
        },
        emit: options.emit,
      });
      slot.waitingFor = '';
      if (left) slot.current = undefined;
    });
    if (!stopping && slot.wanted === undefined && slot.current === undefined) workers.delete(id);
    options.changed();
  }

  async function dismiss(worker: LocalWorker, slot: Slot<LocalWorker>): Promise<void> {
    slot.settling = true;
    await stopCurrent(slot);
    if (stopping) return;
    slot.current = supervised(worker);
    slot.settling = false;
    await settleWorker(worker.id, slot);
  }

  /** Goes on, one step after another, until what runs is what is wanted by then. */
  async function settle<Spec extends LocalProcess>(
    slot: Slot<Spec>,
    step: (wanted: Spec | undefined) => Promise<void> | undefined,
  ): Promise<void> {
    if (slot.settling) return;
    slot.settling = true;
    while (!stopping && !isDeepStrictEqual(slot.wanted, slot.current?.spec)) await step(slot.wanted);
    slot.settling = false;
  }

  function workerSlot(id: number): Slot<LocalWorker> {
    const slot = workers.get(id) ?? emptySlot<LocalWorker>();
    workers.set(id, slot);
    return slot;
  }

  return {
    apply(next, nextForced) {
      forced = nextForced;
      const actions = plan === undefined ? firstActions(next) : diffPlans(plan, next);
      plan = next;
      for (const action of actions) {
        if (action.kind === 'restartFinder') continue;
        const slot = workerSlot(action.worker.id);
        slot.wanted = action.kind === 'remove' ? undefined : action.worker;
        void settleWorker(action.worker.id, slot);
      }
      if (!isDeepStrictEqual(finder.wanted, next.finder)) {
        finder.wanted = next.finder; // after the workers, which may be stopping by now
        operator?.close();
        operator = options.connect(next.finder);
        void settleFinder();
      }
      changed();
    },
    dismiss(worker) {
      const slot = workerSlot(worker.id);
      if (!slot.settling) void dismiss(worker, slot);
    },
    retry() {
      for (const { current, replacing } of slots())
        if (!replacing && current?.process.state.phase === 'halted') current.process.start();
    },
    async stop() {
      stopping = true;
      changed();
      const stopOne = async ({ current }: Slot<LocalProcess>) => (await current?.process.stop()) ?? true;
      const clean = await Promise.all([...workers.values()].map(stopOne));
      clean.push(await stopOne(finder));
      operator?.close();
      return !clean.includes(false);
    },
    kill() {
      for (const { current } of slots()) current?.process.kill();
    },
    status: async () => operator?.status(),
    isSettling: (worker) => workers.get(worker)?.settling ?? false,
    views() {
      return slots().flatMap(({ current, waitingFor }) =>
        current === undefined
          ? []
          : [{ spec: current.spec, state: current.process.state, log: logOf(current.spec), waitingFor }],
      );
    },
  };
}

function firstActions(plan: LocalPlan) {
  return plan.workers.map((worker) => ({ kind: 'add', worker }) as const);
}

function emptySlot<Spec extends LocalProcess>(): Slot<Spec> {
  return { wanted: undefined, current: undefined, settling: false, replacing: false, waitingFor: '' };
}
