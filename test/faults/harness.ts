/** A cluster under faults: its processes, clients that notice quickly, and the cleaning up after a test however it ended. */
import assert from 'node:assert/strict';
import { connect, connectOperator, type Cluster as Client, type ConnectOptions, type Operator } from '@dpr/client';
import { createCluster, type Child, type Cluster, type LogLine, type Variables } from '../runtime/cluster.ts';
import { PATIENCE_MS, until } from '../cluster/harness.ts';

export { until };

/** How long clients and processes wait for a silent peer: long enough for a busy machine, short enough for a test. */
export const RECEIVE_TIMEOUT_MS = 600;

export interface Site extends Cluster {
  finder: Child;
  readonly workers: Child[];
  /** Start a worker's process anew, and wait until it serves. */
  restartWorker(id: number, variables?: Variables): Promise<Child>;
  restartFinder(variables?: Variables): Promise<Child>;
  /** A client that reaches the Finder at its own port, or another one. */
  client(options?: Partial<ConnectOptions>): Promise<Client>;
  operator(): Promise<Operator>;
  /** What a new session reads, once everything before is committed. */
  counters(): Promise<number[]>;
}

const cleanUps: (() => Promise<unknown>)[] = [];

/** To be run after each test, in the reverse order. */
export function onCleanUp(work: () => Promise<unknown>): void {
  cleanUps.push(work);
}

const SHOWN_LINES = 15;
const shown: Child[] = [];

/** For `afterEach`. */
export async function cleanUp(this: Mocha.Context): Promise<void> {
  if (this.currentTest?.state === 'failed') {
    for (const { lines } of shown) for (const line of lines.slice(-SHOWN_LINES)) console.error(JSON.stringify(line));
  }
  shown.length = 0;
  for (const work of cleanUps.splice(0).reverse()) await work();
}

export interface SiteOptions {
  readonly workers?: number;
  /** For all processes. */
  readonly variables?: Variables;
  /** For one worker. */
  readonly worker?: (id: number) => Variables;
  readonly finder?: Variables;
  /** Told of the cluster before its first process starts. */
  readonly made?: (cluster: Cluster) => void;
}

/** Make a cluster without starting it. */
export async function makeSite(workers: number, variables: Variables = {}): Promise<Cluster> {
  const cluster = await createCluster(workers, {
    DPR_CHECKPOINT_INTERVAL_MS: '20',
    DPR_RECEIVE_TIMEOUT_MS: String(RECEIVE_TIMEOUT_MS),
    ...variables,
  });
  onCleanUp(() => cluster.close());
  const follow = (child: Child): Child => {
    shown.push(child);
    return child;
  };
  return {
    ...cluster,
    startFinder: (...given) => follow(cluster.startFinder(...given)),
    startWorker: (...given) => follow(cluster.startWorker(...given)),
  };
}

/** Make a cluster, start it, and wait until it serves. */
export async function startSite({ workers = 2, variables, worker, finder, made }: SiteOptions = {}): Promise<Site> {
  const cluster = await makeSite(workers, variables);
  made?.(cluster);
  const ids = Array.from({ length: workers }, (_, id) => id);
  const site: Site = {
    ...cluster,
    finder: cluster.startFinder(finder),
    workers: ids.map((id) => cluster.startWorker(id, worker?.(id))),
    async restartWorker(id, given) {
      const started = cluster.startWorker(id, given ?? worker?.(id));
      site.workers[id] = started;
      await started.event('serving');
      return started;
    },
    async restartFinder(given) {
      site.finder = cluster.startFinder(given ?? finder);
      await site.finder.event('serving');
      return site.finder;
    },
    async client(options = {}) {
      const client = await connect({
        cluster: `ws://127.0.0.1:${cluster.ports.finder}`,
        attemptTimeoutMs: RECEIVE_TIMEOUT_MS,
        receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
        membershipPollMs: 100,
        ...options,
      });
      onCleanUp(() => client.close());
      return client;
    },
    async operator() {
      const { finder: port, control } = cluster.ports;
      const operator = await connectOperator({
        cluster: `ws://127.0.0.1:${port}`,
        control: `ws://127.0.0.1:${control}`,
      });
      onCleanUp(() => {
        operator.close();
        return Promise.resolve();
      });
      return operator;
    },
    async counters() {
      const client = await site.client();
      const session = client.session({ replay: true });
      const values = await Promise.all(ids.map((id) => session.counter(id).get().committed));
      await client.close();
      return values.map(Number);
    },
  };
  await Promise.all([site.finder, ...site.workers].map((child) => child.event('serving')));
  return site;
}

/** Wait until a child has said a line like this, and give it. */
export function said(child: Child, what: string, passes: (line: LogLine) => boolean): Promise<LogLine> {
  return until(what, () => child.lines.find(passes));
}

/** The reason that a child gave in the line of this event; it ends with `code`. */
export async function endsSaying(child: Child, code: number, event: string): Promise<string> {
  const ended = await within('its end', child.exit);
  const line = child.lines.findLast((one) => one.event === event);
  assert.equal(ended, code, JSON.stringify(child.lines.at(-1)));
  assert.ok(line, `no '${event}' in its log`);
  return String(line.reason);
}

/** What is not there in time is not coming. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, never]);
  } finally {
    clearTimeout(timer);
  }
}

/** A number that a process exports at its admin port. */
export async function metric(adminPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const value = new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1];
  assert.ok(value, `no metric ${name}`);
  return Number(value);
}

/** The answer of a probe. */
export async function probe(
  adminPort: number,
  name: string,
): Promise<{ readonly ok: boolean; readonly reason?: string }> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/${name}`);
  return (await response.json()) as { ok: boolean; reason?: string };
}
