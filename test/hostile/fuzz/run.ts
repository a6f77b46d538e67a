/**
 * One run: a cluster of processes as in production, others that send it all that a client could, and beside them a client that behaves
 * well and must notice nothing. It ends at the first thing that is wrong.
 */
import { fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '@dpr/client';
import { errorText } from '@dpr/local/interrupt';
import { createCluster, type Child, type Cluster, type LogLine } from '../../runtime/cluster.ts';
import { GIVEN_UP_MS, HELD_UP_MS, wellBehaved, within, type WellBehaved } from '../well-behaved.ts';
import { residentBytes } from '../process-memory.ts';
import { MAX_RESIDENT_BYTES, type Sample } from './memory.ts';
import type { Ports } from './personas.ts';
import type { SenderReport, SenderRequest, SenderTask } from './sender.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly ms: number;
  readonly framesPerMinute: number;
  /** Connections to the Finder's public port and to each worker's. */
  readonly each: number;
  readonly signal: AbortSignal;
  /** Told of the processes, by name, and of their directory, once they serve and have committed something. */
  readonly started?: (children: ReadonlyMap<string, Child>, directory: string) => void;
  /** Told now and then how it goes. */
  readonly progress: (progress: Progress) => void;
}

/** What was seen so far. */
export interface Progress {
  readonly atMs: number;
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>;
  readonly samples: readonly Sample[];
  /** How long each commit of the client beside took, and each of a session that was new, ms. */
  readonly commits: readonly number[];
  readonly newcomers: readonly number[];
}

const WORKERS = [0, 1, 2];
const TOKENS = { client: 'of-the-clients', control: 'of-the-cluster' };
/** What no client may bring about. */
const BAD_EVENTS = ['rollback', 'fenced', 'stop', 'refusing', 'leaving', 'left'];
const BAD_LEVELS = ['error', 'fatal'];
const KEPT_LINES = 2_000;
/** So many of the last lines of a process that ended are shown. */
const LAST_LINES = 3;

const BEAT_MS = 200;
const LOOK_MS = 1_000;
const PROGRESS_MS = 10_000;
const SENDER = fileURLToPath(new URL('sender.ts', import.meta.url));

/** @throws Error that tells what was wrong, with the seed's cluster gone */
export async function runFuzz(options: FuzzOptions): Promise<Progress> {
  const variables = {
    DPR_CLIENT_TOKEN: TOKENS.client,
    DPR_CONTROL_TOKEN: TOKENS.control,
    DPR_MEMORY_BYTES: String(MAX_RESIDENT_BYTES),
    DPR_LOG_LEVEL: 'info',
  };
  const cluster = await createCluster(WORKERS.length, variables, KEPT_LINES);
  try {
    const children = await startAll(cluster);
    const beside = await wellBehaved(addressOf(cluster), WORKERS, TOKENS.client);
    try {
      await beside.goOn(); // so that something is committed of every worker
      options.started?.(children, cluster.directory);
      const seen = await pester(options, cluster, children, beside);
      if (options.signal.aborted) return seen;
      await beside.goOn();
      await beside.close();
      await restartsWhole(cluster, children, beside.sum());
      return seen;
    } finally {
      await beside.close();
    }
  } finally {
    await cluster.close();
  }
}

function addressOf({ ports }: Cluster): string {
  return `ws://127.0.0.1:${ports.finder}`;
}

async function startAll(cluster: Cluster): Promise<Map<string, Child>> {
  const children = new Map([['finder', cluster.startFinder()]]);
  for (const id of WORKERS) children.set(`worker ${id}`, cluster.startWorker(id));
  await Promise.all([...children.values()].map((child) => child.event('serving')));
  return children;
}

async function pester(
  options: FuzzOptions,
  cluster: Cluster,
  children: ReadonlyMap<string, Child>,
  beside: WellBehaved,
): Promise<Progress> {
  const begun = performance.now();
  const counts = new Map<string, number>();
  const samples: Sample[] = [];
  const commits: number[] = [];
  const newcomers: number[] = [];
  const seen = (): Progress => ({ atMs: performance.now() - begun, counts, samples, commits, newcomers });
  const over = new AbortController();
  const end = (): void => over.abort();
  const { seed, each, framesPerMinute, signal } = options;
  const ports: Ports = { ...cluster.ports, workers: WORKERS.map((id) => cluster.workerPort(id)) };
  // Ctrl-C reaches the cluster's processes, too: nothing more is to be waited for.
  const interrupted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  if (signal.aborted) return seen();
  const sender = startSender({ seed, ports, tokens: TOKENS, each, framesPerMinute }, counts);
  const late = setTimeout(end, options.ms);

  /** Does something again and again, until it is over. */
  async function every(ms: number, deed: () => Promise<void> | void): Promise<void> {
    while (!over.signal.aborted) {
      await pause(ms, undefined, { signal: over.signal }).catch(() => undefined);
      await deed();
    }
  }

  try {
    await Promise.race([
      sender.failed,
      interrupted,
      ...[...children].map(([name, child]) => child.exit.then(() => refuseEnded(name, child))),
      Promise.all([
        every(BEAT_MS, async () => void commits.push(await beside.goOn())),
        every(LOOK_MS, async () => void newcomers.push(await newcomer(cluster))),
        every(LOOK_MS, async () => {
          samples.push({ atMs: performance.now() - begun, bytes: await look(cluster, children) });
        }),
        every(PROGRESS_MS, () => options.progress(seen())),
      ]),
    ]);
  } catch (error) {
    if (signal.aborted) return seen();
    throw new Error(`${errorText(error)}\nThe last messages of each connection: ${await sender.keepLast()}`, {
      cause: error,
    });
  } finally {
    end();
    clearTimeout(late);
    await sender.stop();
  }
  return seen();
}

/** Another client, with a session of its own, which is let in everywhere. @returns how long that took, ms */
async function newcomer(cluster: Cluster): Promise<number> {
  const since = performance.now();
  const other = await connect({ cluster: addressOf(cluster), token: TOKENS.client, connectTimeoutMs: HELD_UP_MS });
  try {
    const session = other.session();
    for (const id of WORKERS) {
      await within(GIVEN_UP_MS, 'a commit of a new client', session.counter(id).add(0).committed);
    }
  } finally {
    await other.close();
  }
  const tookMs = Math.round(performance.now() - since);
  if (tookMs > WORKERS.length * HELD_UP_MS) throw new Error(`a new session had to wait ${tookMs} ms for its commits`);
  return tookMs;
}

/** The processes are there, and say nothing that they should not. @returns the memory of each */
async function look(cluster: Cluster, children: ReadonlyMap<string, Child>): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {};
  for (const [name, { lines }] of children) refuseBad(name, lines);
  const ports = [cluster.ports.admin, ...WORKERS.map((id) => cluster.workerAdminPort(id))];
  for (const [index, name] of [...children.keys()].entries()) {
    const resident = await residentBytes(ports[index] ?? 0, name);
    bytes[name] = resident;
    if (resident > MAX_RESIDENT_BYTES) {
      throw new Error(`${name} has ${resident} bytes resident, and ${MAX_RESIDENT_BYTES} are the limit`);
    }
  }
  return bytes;
}

function refuseEnded(name: string, { process, lines }: Child): never {
  const how = process.exitCode ?? process.signalCode ?? 'unknown';
  throw new Error(`${name} ended (${how}): ${JSON.stringify(lines.slice(-LAST_LINES))}`);
}

function refuseBad(name: string, lines: readonly LogLine[]): void {
  const bad = lines.find(
    ({ event, level }) => BAD_EVENTS.includes(String(event)) || BAD_LEVELS.includes(String(level)),
  );
  if (bad !== undefined) throw new Error(`${name} says ${JSON.stringify(bad)}`);
}

/** All stop in order and start again, with what was committed, in the same world-line. */
async function restartsWhole(cluster: Cluster, children: ReadonlyMap<string, Child>, sum: number): Promise<void> {
  for (const [name, child] of [...children].reverse()) {
    const code = await child.end('SIGTERM');
    if (code !== 0) throw new Error(`${name} stopped with exit code ${code ?? 'none'}`);
    refuseBad(
      name,
      child.lines.filter(({ event }) => event !== 'stop'),
    );
  }
  const again = await startAll(cluster);
  const other = await connect({ cluster: addressOf(cluster), token: TOKENS.client });
  try {
    const session = other.session();
    for (const id of WORKERS) {
      const value = Number(await session.counter(id).add(0).committed);
      if (value !== sum) throw new Error(`worker ${id} came back with ${value} instead of ${sum}`);
    }
  } finally {
    await other.close();
  }
  for (const [name, { lines }] of again) refuseBad(name, lines);
}

interface Sender {
  /** Rejects when it cannot go on. */
  readonly failed: Promise<never>;
  /** Writes the last messages of each connection. @returns where */
  keepLast(): Promise<string>;
  stop(): Promise<void>;
}

function startSender(task: SenderTask, counts: Map<string, number>): Sender {
  const child = fork(SENDER, { execArgv: ['--import', 'tsx'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let stopping = false;
  let tellKept: () => void = () => undefined;
  const kept = new Promise<void>((resolve) => (tellKept = resolve));
  const failed = new Promise<never>((_, reject) => {
    child.on('message', (report: SenderReport) => {
      if ('kept' in report) return tellKept();
      if ('failure' in report) return reject(new Error(`what was answered is not right: ${report.failure}`));
      for (const [what, times] of Object.entries(report.counts)) counts.set(what, (counts.get(what) ?? 0) + times);
    });
    void ended.then(() => stopping || reject(new Error('the process that sends ended')));
  });
  failed.catch(() => undefined); // the caller that waits for it is told
  ask(task);

  function ask(request: SenderRequest): void {
    if (child.connected) child.send(request);
  }

  return {
    failed,
    async keepLast() {
      const file = path.join(tmpdir(), `dpr-fuzz-${task.seed}.json`);
      ask({ keepLastIn: file });
      await Promise.race([ended, failed.catch(() => undefined), kept]);
      return file;
    },
    async stop() {
      stopping = true;
      child.kill('SIGKILL');
      await ended;
    },
  };
}
