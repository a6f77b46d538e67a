import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterStatus } from '@dpr/client';
import type { ClusterFile } from '@dpr/client/running-cluster';
import type { LocalCluster, View } from './supervised-cluster.ts';
import { writeClusterFile } from './write-cluster-file.ts';
import type { Show } from './view/show.ts';

const STATUS_MS = 500;
/** Until the Finder answers for the first time. */
const FIRST_STATUS_MS = 50;

export type PublisherOptions = {
  readonly cluster: LocalCluster;
  readonly show: Show;
  readonly dataDirectory: string;
  /** All of the file but its processes. */
  readonly header: () => Omit<ClusterFile, 'processes'>;
  /** How long workers have left that are to be removed, ms. */
  readonly removals: () => ReadonlyMap<number, number>;
  /** Called with what the Finder said, each time. */
  readonly observe: (status: ClusterStatus) => void;
};

/** Publishes what the cluster does: to people by the show, to programs by `cluster.json`. */
export interface StatusPublisher {
  /** Something changed: the show and the file have it soon. */
  changed(): void;
  /** Publishes how everything ended, and then no more. */
  stop(): void;
}

export function publishStatus({
  cluster,
  show,
  dataDirectory,
  header,
  removals,
  observe,
}: PublisherOptions): StatusPublisher {
  const stopped = new AbortController();
  let soon: NodeJS.Immediate | undefined;
  let status: ClusterStatus | undefined;
  let worldLine: number | undefined;
  let unwritten = false;

  function publish(): void {
    soon = undefined;
    const views = cluster.views();
    write(views);
    show.snapshot({ views, status, removals: removals() });
  }

  function write(views: readonly View[]): void {
    try {
      writeClusterFile(dataDirectory, { ...header(), processes: views.map(processEntry) });
      unwritten = false;
    } catch (error) {
      if (!unwritten)
        show.event({ event: 'warning', text: `what runs cannot be written down: ${(error as Error).message}` });
      unwritten = true;
    }
  }

  async function follow(): Promise<void> {
    for (;;) {
      status = await cluster.status();
      if (stopped.signal.aborted) return;
      if (status !== undefined) {
        if (worldLine !== undefined && status.worldLine > worldLine) {
          show.event({ event: 'worldLine', worldLine: status.worldLine });
        }
        worldLine = status.worldLine;
        observe(status);
      }
      show.snapshot({ views: cluster.views(), status, removals: removals() });
      await pause(worldLine === undefined ? FIRST_STATUS_MS : STATUS_MS, undefined, { signal: stopped.signal });
    }
  }

  follow().catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  return {
    changed() {
      // Not at once: a process is started anew before other programs hear that the one before it ended.
      if (!stopped.signal.aborted) soon ??= setImmediate(publish);
    },
    stop() {
      clearImmediate(soon);
      show.snapshot({ views: cluster.views(), status, removals: removals() });
      stopped.abort();
    },
  };
}

function processEntry({ spec, state, log }: View): ClusterFile['processes'][number] {
  const worker = 'id' in spec ? { id: spec.id, type: spec.type } : {};
  return {
    name: spec.name,
    role: 'id' in spec ? 'worker' : 'finder',
    ...worker,
    pid: state.pid ?? null,
    phase: state.phase,
    since: state.since,
    restarts: state.restarts,
    ports: spec.ports,
    dataDirectory: spec.dataDirectory,
    log,
  };
}
