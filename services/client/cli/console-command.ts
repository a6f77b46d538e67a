/** `dpr console`: a page in the browser, for any cluster. */
import { serveConsole, type Console, type ConsoleOptions, type ProcessKey } from '@dpr/console';
import { ProcessError } from '@dpr/runtime/exit-codes';
import { unlessAborted } from '../abort.ts';
import type { ClusterStatus, WorkerStatus } from '../operator/operator.ts';
import { UsageError } from './error-report.ts';
import { clustersHere, hereAt, type Here, type PlaceWords } from './local-clusters.ts';
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
/** How often it is looked where processes of a cluster of this machine are: they are moved with the config. */
const LOOK_EVERY_MS = 2_000;

/** Runs until Ctrl-C. @throws UsageError when the port cannot be bound */
export async function showConsole(
  settings: Settings,
  terminal: Terminal,
  { place, directory }: { readonly place: PlaceWords; readonly directory: string },
  { port = 0, host = LOOPBACK, metrics, json }: ConsoleWords,
): Promise<void> {
  const { cluster, control, token, controlToken, ca } = settings;
  const here = await followCluster(async () => hereAt(await clustersHere(place, directory), 'cluster', cluster));
  const isFound = here.now()?.controlToken === controlToken;
  try {
    const own = await serve({
      // One that was found may be another one by now, as when the cluster was started anew elsewhere.
      operator: () => ({
        ...{ cluster, control, token, ca },
        controlToken: isFound ? (here.now()?.controlToken ?? controlToken) : controlToken,
      }),
      title: cluster,
      host,
      port,
      metrics: (status) => (metrics === undefined ? metricsHere(here.now()) : named(metrics, status)),
    });
    terminal.print(json ? JSON.stringify({ address: own.address }) : own.address);
    const key = own.address.includes('#') ? '; the address has the key that lets the page remove workers' : '';
    terminal.say(`Open it in a browser${key}. Ctrl-C ends the console.`);
    await unlessAborted(new Promise<never>(() => undefined), terminal.signal)
      .catch(() => undefined)
      .finally(() => own.close());
  } finally {
    here.stop();
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

/** The metrics of one that is gone would be believed until it is looked at again. */
function answers({ state }: WorkerStatus): boolean {
  return state !== 'away' && state !== 'silent';
}

function metricsHere(here: Here | undefined): Map<ProcessKey, string> {
  const serving = (here?.processes ?? []).filter(({ phase }) => phase === 'serving');
  return new Map(serving.map(({ id, ports }) => [id ?? 'finder', `http://${LOOPBACK}:${ports.admin}/metrics`]));
}

/** The Finder's name is the same everywhere; a worker's is made of its type and its id. */
function named(pattern: string, status: ClusterStatus | undefined): Map<ProcessKey, string> {
  const workers = (status?.workers ?? []).filter(answers);
  const found = new Map<ProcessKey, string>([['finder', pattern.replaceAll(NAME, FINDER_NAME)]]);
  for (const { id, type } of workers) found.set(id, pattern.replaceAll(NAME, `${type}-${id}`));
  return found;
}

/** @returns once it was looked for the cluster for the first time */
async function followCluster(find: () => Promise<Here | undefined>) {
  let here: Here | undefined;
  const look = (): Promise<void> =>
    find().then(
      (found) => void (here = found),
      () => void (here = undefined), // it does not run here, or no more
    );
  await look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return { now: () => here, stop: () => clearInterval(timer) };
}
