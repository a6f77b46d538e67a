/** `dpr console`: a page in the browser, for any cluster. */
import { serveConsole, type ProcessKey } from '@dpr/console';
import { unlessAborted } from '../abort.ts';
import type { ClusterProcess } from '../operator/running-cluster.ts';
import { clustersHere, hereAt, type PlaceWords } from './local-clusters.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

export interface ConsoleWords {
  /** Any free one unless given. */
  readonly port?: number;
  readonly json: boolean;
}

const HOST = '127.0.0.1';
/** Where processes of a cluster of this machine run is read again this often: they are moved with the config. */
const PROCESSES_EVERY_MS = 2_000;

/** Runs until Ctrl-C. @throws ProcessError when the port cannot be bound */
export async function showConsole(
  settings: Settings,
  terminal: Terminal,
  { place, directory }: { readonly place: PlaceWords; readonly directory: string },
  { port = 0, json }: ConsoleWords,
): Promise<void> {
  const { cluster, control, token, controlToken, ca } = settings;
  const local = followProcesses(
    async () => hereAt(await clustersHere(place, directory), 'cluster', cluster)?.processes ?? [],
  );
  try {
    const own = await serveConsole({
      operator: () => ({ cluster, control, token, controlToken, ca }),
      title: cluster,
      host: HOST,
      port,
      metrics: () => new Map(local.processes().map((process) => [keyOf(process), metricsOf(process)])),
    });
    terminal.print(json ? JSON.stringify({ address: own.address }) : own.address);
    terminal.say(
      'Open it in a browser; the address has the key that lets the page remove workers. Ctrl-C ends the console.',
    );
    await unlessAborted(new Promise<never>(() => undefined), terminal.signal)
      .catch(() => undefined)
      .finally(own.close);
  } finally {
    local.stop();
  }
}

function keyOf({ id }: ClusterProcess): ProcessKey {
  return id ?? 'finder';
}

function metricsOf({ ports }: ClusterProcess): string {
  return `http://${HOST}:${ports.admin}/metrics`;
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
