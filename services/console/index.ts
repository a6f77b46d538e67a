/** The console: a page in the browser that shows a cluster, served by this process. */
import { createHash, randomBytes } from 'node:crypto';
import type { ClusterStatus, OperatorOptions } from '@dpr/client';
import { isLoopback } from '@dpr/runtime/loopback';
import { actionsOf, type InjectFault } from './actions.ts';
import { observeCluster, type Observed } from './cluster-observer.ts';
import { serveHttp, type ConsoleServer } from './console-server.ts';
import { createConsoleState, type Surroundings } from './console-state.ts';
import type { MakeUpdate } from './event-streams.ts';
import { PATHS, type ConsoleEvent, type Hello, type ProcessView } from './messages.ts';
import { pageAssets, type PageAssets } from './page-assets.ts';
import type { ProcessKey } from './process-metrics.ts';
import { scrape, type MetricsAddresses } from './scraper.ts';

export type { InjectFault } from './actions.ts';
export type { ProcessKey } from './process-metrics.ts';

export interface ConsoleOptions {
  /** How to connect to the Finder now. The control token lets those who show it remove workers. */
  readonly operator: () => OperatorOptions;
  /** What people call the cluster. */
  readonly title: string;
  /** The address to bind. Where it is not loopback, a page has to be given the control token to change something. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Where metrics of processes are read. Without it rates and sizes are not shown. */
  readonly metrics?: (status: ClusterStatus | undefined) => MetricsAddresses<ProcessKey>;
  /** Of this machine. */
  readonly processes?: () => ReadonlyMap<ProcessKey, ProcessView>;
  /** Does something bad to a process of this machine. Without it the page offers none. */
  readonly injectFault?: InjectFault;
}

export interface Console {
  /** To open in a browser. On loopback it has a key that lets the page change something, made for this console alone. */
  readonly address: string;
  /** Something happened that the Finder does not tell. */
  readonly tell: (event: Pick<ConsoleEvent, 'level' | 'text'>) => void;
  /** @param why in a sentence, which open pages show then */
  readonly close: (why?: string) => Promise<void>;
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
  const { operator: connection, title, host, port, injectFault } = options;
  const assets = await pageAssets();
  const key = isLoopback(host) ? randomBytes(KEY_BYTES).toString('hex') : undefined;
  const can = { remove: (connection().controlToken ?? '') !== '', injectFaults: injectFault !== undefined };
  const first = { build: buildOf(assets), title, can };

  let server: ConsoleServer | undefined;
  const watch = watchCluster(options, (make) => server?.streams.update(make));
  try {
    server = await serveHttp({
      host,
      port,
      assets,
      secrets: () => [key ?? '', connection().controlToken ?? ''],
      hello: () => ({
        content: JSON.stringify({ ...first, ...watch.everything() } satisfies Hello),
        newest: watch.newestEvent(),
      }),
      actions: actionsOf({ operator: watch.operator, can, injectFault }),
    });
  } catch (error) {
    await watch.stop();
    throw error;
  }
  const http = server;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const fragment = key !== undefined && (can.remove || can.injectFaults) ? `#key=${key}` : '';
  return {
    address: `http://${shownHost}:${http.port}${PATHS.page}${fragment}`,
    tell: (event) => watch.tell(event),
    close: async (why) => {
      await Promise.all([http.close(why), watch.stop()]);
    },
  };
}

/** @param send tells all open pages, if there are any */
function watchCluster(options: ConsoleOptions, send: (make: MakeUpdate) => void) {
  const state = createConsoleState();
  let toldState = '';
  const observer = observeCluster(options.operator, {
    looked: () => {
      state.note(observer.seen(), Date.now());
      // What changed is told at once: a verdict that is old is wrong.
      if (stateOf(observer.seen()) !== toldState) publish();
    },
    happened: (events) => state.happened(events, Date.now()),
  });
  const scraper = scrape(() => options.metrics?.(observer.seen().status) ?? new Map<ProcessKey, string>());

  function around(): Surroundings {
    const [observed, processes] = [observer.seen(), options.processes?.() ?? new Map<ProcessKey, ProcessView>()];
    return { observed, now: performance.now(), at: Date.now(), rates: scraper.rates(), processes };
  }

  function publish(): void {
    send((after) => ({ content: JSON.stringify(state.update(around(), after)), newest: state.newestEvent() }));
    toldState = stateOf(observer.seen());
  }

  const timer = setInterval(() => {
    state.sample(around());
    publish();
  }, UPDATE_EVERY_MS);
  return {
    operator: observer.operator,
    newestEvent: state.newestEvent,
    tell(event: Pick<ConsoleEvent, 'level' | 'text'>) {
      state.tell({ ...event, at: Date.now() });
      publish();
    },
    everything: () => ({
      history: state.history(),
      events: state.eventsAfter(0),
      now: state.update(around(), state.newestEvent()),
    }),
    async stop() {
      clearInterval(timer);
      scraper.stop();
      await observer.stop();
    },
  };
}

/** Equal while the Finder and every worker are as they were. */
function stateOf({ finder, status }: Observed): string {
  const workers = status?.workers.map(({ id, state }) => `${id} ${state}`) ?? [];
  return [finder.state, status?.worldLine, ...workers].join();
}

function buildOf(assets: PageAssets): string {
  return createHash('sha256').update(JSON.stringify(assets)).digest('hex').slice(0, BUILD_DIGITS);
}
