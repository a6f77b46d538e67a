/** The console: a page in the browser that shows a cluster, served by this process. */
import { createHash, randomBytes } from 'node:crypto';
import type { OperatorOptions } from '@dpr/client';
import { actionsOf, type InjectFault } from './actions.ts';
import { observeCluster, type Observed } from './cluster-observer.ts';
import { serveHttp } from './console-server.ts';
import { createConsoleState, type ProcessKey, type Surroundings } from './console-state.ts';
import { noteEvents } from './finder-events.ts';
import { PATHS, type ConsoleEvent, type Hello, type ProcessView } from './messages.ts';
import { pageAssets } from './page-assets.ts';
import { scrape, type MetricsAddresses } from './scraper.ts';

export type { InjectFault } from './actions.ts';
export type { ProcessKey } from './console-state.ts';

export interface ConsoleOptions {
  /** How to connect to the Finder now. The control token lets those who show it remove workers. */
  readonly operator: () => OperatorOptions;
  /** What people call the cluster. */
  readonly title: string;
  /** The address to bind. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** By which the console may be reached, besides addresses and localhost. */
  readonly hostNames?: readonly string[];
  /** Where metrics of processes are read. Without it rates and sizes are not shown. */
  readonly metrics?: () => MetricsAddresses<ProcessKey>;
  /** Of this machine. */
  readonly processes?: () => ReadonlyMap<ProcessKey, ProcessView>;
  /** Does something bad to a process of this machine. Without it the page offers none. */
  readonly injectFault?: InjectFault;
}

export interface Console {
  /** To open in a browser: with the key that lets the page change something, which was made for this console alone. */
  readonly address: string;
  /** Something happened that the Finder does not tell. */
  readonly tell: (event: Pick<ConsoleEvent, 'level' | 'text'>) => void;
  readonly close: () => Promise<void>;
}

const UPDATE_EVERY_MS = 1_000;
const KEY_BYTES = 16;
/** Enough to tell two pages apart. */
const BUILD_DIGITS = 12;

/**
 * Serve the console until it is closed. It goes on while the Finder is away, and tells so.
 *
 * @throws ProcessError when the port cannot be bound
 */
export async function serveConsole(options: ConsoleOptions): Promise<Console> {
  const { operator: connection, title, host, port, hostNames = [], injectFault } = options;
  const { metrics = () => new Map(), processes = () => new Map() } = options;
  const assets = await pageAssets();
  const build = createHash('sha256').update(JSON.stringify(assets)).digest('hex').slice(0, BUILD_DIGITS);
  const key = randomBytes(KEY_BYTES).toString('hex');

  const state = createConsoleState();
  let told = 0;
  let toldState = '';
  const scraper = scrape(metrics, ({ lostOperations }) => state.tookBack(lostOperations));
  const observer = observeCluster(connection, {
    // What changed is told at once: a verdict that is old is wrong.
    looked: () => {
      state.note(observer.seen(), Date.now());
      if (stateOf(observer.seen()) !== toldState) publish();
    },
    connected: (operator) => noteEvents(operator, state.tell),
  });
  const around = (): Surroundings => ({
    observed: observer.seen(),
    now: performance.now(),
    at: Date.now(),
    rates: scraper.rates(),
    processes: processes(),
  });
  const can = { remove: (connection().controlToken ?? '') !== '', injectFaults: injectFault !== undefined };
  const hello = (): string =>
    JSON.stringify({
      build,
      title,
      can,
      history: state.history(),
      events: state.eventsAfter(0),
      now: state.update(around(), state.newestEvent()),
    } satisfies Hello);

  const server = await serveHttp({
    host,
    port,
    hostNames,
    assets,
    secrets: () => [key, connection().controlToken ?? ''],
    hello,
    actions: actionsOf({ operator: observer.operator, can, injectFault }),
  }).catch(async (error: unknown) => {
    scraper.stop();
    await observer.stop();
    throw error;
  });

  function publish(): void {
    if (server.streams.count() > 0) server.streams.send('update', JSON.stringify(state.update(around(), told)));
    told = state.newestEvent();
    toldState = stateOf(observer.seen());
  }

  const timer = setInterval(() => {
    state.sample(around());
    publish();
  }, UPDATE_EVERY_MS);

  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    address: `http://${shownHost}:${server.port}${PATHS.page}${canChange(can) ? `#key=${key}` : ''}`,
    tell: (event) => state.tell({ ...event, at: Date.now(), isRollback: false }),
    async close() {
      clearInterval(timer);
      scraper.stop();
      await Promise.all([server.close(), observer.stop()]);
    },
  };
}

/** Equal while the Finder and every worker are as they were. */
function stateOf({ finder, status }: Observed): string {
  const workers = status?.workers.map(({ id, state }) => `${id} ${state}`) ?? [];
  return [finder.state, status?.worldLine, ...workers].join();
}

function canChange({ remove, injectFaults }: Hello['can']): boolean {
  return remove || injectFaults;
}
