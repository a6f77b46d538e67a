/** `dpr console`: a page in the browser, for any cluster. */
import { serveConsole, type Console, type ConsoleOptions, type ProcessKey } from '@dpr/console';
import { ProcessError } from '@dpr/runtime/exit-codes';
import { unlessAborted } from '../abort.ts';
import type { ClusterStatus } from '../operator/operator.ts';
import type { ClusterProcess } from '../operator/running-cluster.ts';
import { UsageError } from './error-report.ts';
import { clustersHere, hereAt, type PlaceWords } from './local-clusters.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** Where it is served, and where it looks. */
export interface ConsolePlace {
  /** Any free one unless given. */
  readonly port?: number;
  /** Loopback unless given. */
  readonly host?: string;
  /** Where the metrics of a process are, with NAME for its name. */
  readonly metrics?: string;
}

export type ConsoleWords = ConsolePlace & { readonly json: boolean };

const LOOPBACK = '127.0.0.1';
/** The Finder's name, as everywhere. */
const FINDER_NAME = 'dpr-finder';
/** In the words of `--metrics`. */
const NAME = 'NAME';
/** Where processes of a cluster of this machine run is read again this often: they are moved with the config. */
const PROCESSES_EVERY_MS = 2_000;

/** Runs until Ctrl-C. @throws UsageError when the port cannot be bound */
export async function showConsole(
  settings: Settings,
  terminal: Terminal,
  { place, directory }: { readonly place: PlaceWords; readonly directory: string },
  { port = 0, host = LOOPBACK, metrics, json }: ConsoleWords,
): Promise<void> {
  const { cluster, control, token, controlToken, ca } = settings;
  const local = followProcesses(
    async () => hereAt(await clustersHere(place, directory), 'cluster', cluster)?.processes ?? [],
  );
  try {
    const own = await serve({
      operator: () => ({ cluster, control, token, controlToken, ca }),
      title: cluster,
      host,
      port,
      metrics: (status) =>
        metrics === undefined
          ? new Map(local.processes().map((process) => [keyOf(process), metricsOf(process)]))
          : named(metrics, status),
    });
    terminal.print(json ? JSON.stringify({ address: own.address }) : own.address);
    const key = own.address.includes('#') ? '; the address has the key that lets the page remove workers' : '';
    terminal.say(`Open it in a browser${key}. Ctrl-C ends the console.`);
    await unlessAborted(new Promise<never>(() => undefined), terminal.signal)
      .catch(() => undefined)
      .finally(own.close);
  } finally {
    local.stop();
  }
}

/** @throws UsageError when the port cannot be bound */
async function serve(options: ConsoleOptions): Promise<Console> {
  try {
    return await serveConsole(options);
  } catch (error) {
    throw error instanceof ProcessError ? new UsageError(error.message) : error;
  }
}

function keyOf({ id }: ClusterProcess): ProcessKey {
  return id ?? 'finder';
}

function metricsOf({ ports }: ClusterProcess): string {
  return `http://${LOOPBACK}:${ports.admin}/metrics`;
}

/** The Finder's name is the same everywhere; a worker's is made of its type and its id. */
function named(pattern: string, status: ClusterStatus | undefined): Map<ProcessKey, string> {
  const workers = status?.workers ?? [];
  const found = new Map<ProcessKey, string>([['finder', pattern.replaceAll(NAME, FINDER_NAME)]]);
  for (const { id, type } of workers) found.set(id, pattern.replaceAll(NAME, `${type}-${id}`));
  return found;
}

function followProcesses(read: () => Promise<readonly ClusterProcess[]>) {
  let processes: readonly ClusterProcess[] = [];
  const look = (): void =>
    void read().then(
      (found) => (processes = found),
      () => (processes = []), // the cluster does not run here, or no more
    );
  look();
  const timer = setInterval(look, PROCESSES_EVERY_MS);
  return { processes: () => processes, stop: () => clearInterval(timer) };
}
