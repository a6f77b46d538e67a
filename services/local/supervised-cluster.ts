import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterStatus } from '@dpr/client';
import type { LocalFinder, LocalPlan, LocalProcess, LocalWorker } from '@dpr/infra/plan';
import { createConditions } from './condition-waits.ts';
import { diffPlans } from './diff-plans.ts';
import type { Emit } from './events.ts';
import type { LogFile } from './log-file.ts';
import type { FinderControl } from './finder-control.ts';
import { type ProcessState, supervise } from './supervised-process.ts';
import { createSettling } from './reconcile.ts';
import { createSlots, type Slot } from './process-slots.ts';

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

export function localCluster(options: ClusterOptions): LocalCluster {
  const conditions = createConditions();
  const slots = createSlots();
  let plan: LocalPlan | undefined;
  let forced: ReadonlySet<number> = new Set();
  let operator: FinderControl | undefined;
  let stopping = false;

  const logOf = ({ name }: LocalProcess): string => path.join(options.logDirectory, `${name}.log`);
  const settling = createSettling({
    slots,
    until: conditions.until,
    isOver: () => stopping,
    supervise(spec) {
      const { host, emit, openLog } = options;
      return supervise(spec, { host, log: openLog(logOf(spec), spec.name), emit, changed });
    },
    operator: () => operator,
    mayForce: (worker) => forced.has(worker),
    emit: options.emit,
    changed: options.changed,
  });

  function changed(): void {
    options.changed();
    conditions.changed();
  }

  return {
    apply(next, nextForced) {
      forced = nextForced;
      const actions = plan === undefined ? firstActions(next) : diffPlans(plan, next);
      plan = next;
      for (const action of actions) {
        if (action.kind === 'restartFinder') continue;
        slots.worker(action.worker.id).wanted = action.kind === 'remove' ? undefined : action.worker;
        void settling.worker(action.worker.id);
      }
      if (!isDeepStrictEqual(slots.finder.wanted, next.finder)) {
        slots.finder.wanted = next.finder; // after the workers, which may be stopping by now
        operator?.close();
        operator = options.connect(next.finder);
        void settling.finder();
      }
      changed();
    },
    dismiss: (worker) => void settling.dismiss(worker),
    retry() {
      for (const { current, replacing } of slots.all())
        if (!replacing && current?.process.state.phase === 'halted') current.process.start();
    },
    async stop() {
      stopping = true;
      changed();
      const stopOne = async ({ current }: Slot<LocalProcess>) => (await current?.process.stop()) ?? true;
      const clean = await Promise.all([...slots.workers.values()].map(stopOne));
      clean.push(await stopOne(slots.finder));
      operator?.close();
      return !clean.includes(false);
    },
    kill() {
      for (const { current } of slots.all()) current?.process.kill();
    },
    status: async () => operator?.status(),
    isSettling: (worker) => slots.workers.get(worker)?.settling ?? false,
    views() {
      return slots
        .all()
        .flatMap(({ current, waitingFor }) =>
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
