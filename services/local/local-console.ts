/** The console of a cluster of this machine, beside its processes: it can also do bad things to them, to show what happens then. */
import { type Console, type InjectFault, type ProcessKey, serveConsole } from '@dpr/console';
import { type LocalEvent, textOf } from './events.ts';
import type { FinderAddress } from './finder-control.ts';
import { reachable } from '@dpr/infra/plan';
import type { LocalCluster, View } from './supervised-cluster.ts';

export interface LocalConsoleOptions {
  readonly cluster: Pick<LocalCluster, 'views'>;
  readonly finder: () => FinderAddress;
  readonly title: string;
  /** Where processes bind. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface LocalConsole {
  readonly address: string;
  readonly event: (event: LocalEvent) => void;
  readonly close: Console['close'];
}

/** Programs of this machine alone reach it, wherever the cluster's processes bind. */
const CONSOLE_HOST = '127.0.0.1';

/** @throws ProcessError when the port cannot be bound */
export async function openLocalConsole({
  cluster,
  finder,
  title,
  host,
  port,
}: LocalConsoleOptions): Promise<LocalConsole> {
  const own = await serveConsole({
    operator: finder,
    title,
    host: CONSOLE_HOST,
    port,
    metrics: () => {
      const serving = cluster.views().filter(({ state }) => state.phase === 'serving');
      return new Map(serving.map((view) => [keyOf(view), metricsOf(view, host)]));
    },
    processes: () =>
      new Map(cluster.views().map((view) => [keyOf(view), { name: view.spec.name, phase: view.state.phase }] as const)),
    injectFault: faultsOf(() => cluster.views()),
  });
  return {
    address: own.address,
    event(event) {
      const level = levelOf(event);
      if (level !== undefined) own.tell({ level, text: textOf(event) });
    },
    close: own.close,
  };
}

type Level = 'well' | 'warning' | 'critical';
/** What the Finder does not tell, and people want to see beside it. */
const LEVELS: Partial<Record<LocalEvent['event'], Level>> = {
  processEnded: 'critical',
  processStarted: 'well',
  configChanged: 'well',
  configInvalid: 'warning',
  removalPending: 'warning',
  removalCancelled: 'well',
  stopping: 'warning',
};

/** One that left did as it was told. */
function levelOf(event: LocalEvent): Level | undefined {
  return event.event === 'processEnded' && event.phase === 'left' ? 'well' : LEVELS[event.event];
}

function keyOf({ spec }: View): ProcessKey {
  return 'id' in spec ? spec.id : 'finder';
}

function metricsOf({ spec }: View, host: string): string {
  return `http://${reachable(host)}:${spec.ports.admin}/metrics`;
}

const SIGNALS = { kill: 'SIGKILL', pause: 'SIGSTOP', resume: 'SIGCONT' } as const;

function faultsOf(views: () => readonly View[]): InjectFault {
  return ({ process: name, fault }) => {
    const view = views().find(({ spec }) => spec.name === name);
    const pid = view?.state.pid;
    if (pid === undefined) return undefined;
    try {
      process.kill(pid, SIGNALS[fault]);
    } catch {
      return undefined; // it ended just now
    }
    return FAULT_TEXTS[fault](name);
  };
}

const FAULT_TEXTS = {
  kill: (name: string) => `${name} is killed, and started again.`,
  pause: (name: string) => `${name} stands still; one that stays so is killed and started again.`,
  resume: (name: string) => `${name} goes on.`,
} as const;
