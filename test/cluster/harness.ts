/** Whole clusters on this machine, as `npm start` runs them, each in a directory and on ports of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, connect, connectOperator, type Operator } from '@dpr/client';
import { CLUSTER_FILE, type ClusterFile, type ClusterProcess } from '@dpr/client/running-cluster';
import { adminPort } from '@dpr/infra/plan';
import { build } from 'esbuild';
import { bundle, BUNDLING, DIST } from '../../scripts/bundle.mjs';

const POLL_MS = 10;
/** How long any condition may take to hold. */
export const PATIENCE_MS = 30_000;
/** With control and admin ports above them, these are all below the ports that connections take by themselves. */
const BASE_PORTS = { from: 2_000, to: 12_000 };
/** How many workers a test may have. */
const MAX_WORKERS = 8;
/** Ports for Redis clients are behind those of workers. */
const RESP_OFFSET = MAX_WORKERS + 1;
const SHOWN_LINES = 40;

/** What stands below `dpr:` in a config, its base port excepted. */
export type Settings = { readonly workers: readonly object[] } & Readonly<Record<string, unknown>>;

/** A line that a cluster printed. */
export type Line = { readonly event: string } & Readonly<Record<string, unknown>>;

/** An `npm start` and all that belongs to it. */
export interface LocalRun {
  readonly pid: number;
  /** What it said on standard output so far. */
  readonly lines: readonly Line[];
  /** What it said on standard error so far. */
  readonly errors: () => string;
  /** The first line, said already or to come, that is of this event and passes. */
  line(event: string, passes?: (line: Line) => boolean, after?: number): Promise<Line>;
  signal(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Asks it to end twice at the same time, as Ctrl-C does that npm passes on. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** A place for a cluster: directory, config and ports. It may be started there again and again. */
export interface Place {
  readonly directory: string;
  readonly config: string;
  readonly data: string;
  readonly basePort: number;
  /** For `dpr:respBasePort`, where a test wants it. */
  readonly respBasePort: number;
  /** The Finder's public and control address. */
  readonly cluster: string;
  readonly control: string;
  /** Replaces the config as editors do. */
  edit(settings: Settings): void;
  write(text: string): void;
  /** Starts it; returns at once. */
  launch(options?: LaunchOptions): LocalRun;
  /** Starts it and waits until it serves. */
  start(options?: LaunchOptions): Promise<LocalRun>;
  /** What runs now, by name such as `counter-0`. */
  process(name: string): ClusterProcess | undefined;
  /** Waits until a process is as it should be. */
  processIs(name: string, passes: (process: ClusterProcess) => boolean): Promise<ClusterProcess>;
  /** Sends a signal to a process that must be there. @returns its pid */
  kill(name: string, signal?: NodeJS.Signals): number;
}

/** What a removal by edit waits for, unless a test says otherwise. */
const REMOVAL_DELAY_MS = 100;

export type LaunchOptions = {
  readonly options?: readonly string[];
  /** A command that runs the rest of its arguments. */
  readonly through?: readonly string[];
  /** With its console in the browser. */
  readonly console?: boolean;
};

const places: string[] = [];
const runs: LocalRun[] = [];
const connections: { close(): unknown }[] = [];

/** To be run after each test: ends all that runs, however the test ended, and removes its files. */
export async function tearDown(this: Mocha.Context): Promise<void> {
  if (this.currentTest?.state === 'failed') for (const run of runs) report(run);
  await endAll();
}

/** The same where there is no test. */
export async function endAll(): Promise<void> {
  for (const connection of connections.splice(0)) await connection.close();
  const ended = runs.splice(0);
  for (const run of ended) {
    run.signal('SIGKILL');
    await run.exited;
  }
  const pids = ended.flatMap(pidsOf); // now that everything was read that they said
  // Their supervisor does not start them again, and those that are not stuck are about to stop by themselves.
  for (const pid of pids.filter(isAlive)) {
    process.kill(pid, 'SIGKILL');
    await until(`the end of process ${pid}`, () => !isAlive(pid));
  }
  for (const directory of places.splice(0)) rmSync(directory, { recursive: true, force: true });
}

function report({ pid, lines, errors }: LocalRun): void {
  console.error(`    process ${pid}, ${isAlive(pid) ? 'running' : 'ended'}, the last of ${lines.length} lines:`);
  for (const line of lines.slice(-SHOWN_LINES)) console.error(`    ${JSON.stringify(line)}`);
  console.error(errors());
}

/** Whether a process is there, a dead one whose parent has not asked for its exit code not counted. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** What a process tells Prometheus. */
export async function metricsOf(place: Place, process: string): Promise<string> {
  const admin = place.process(process)?.ports.admin;
  if (admin === undefined) throw new Error(`${process} does not run`);
  return (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
}

/** Waits until something is there: neither undefined nor false. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await pause(POLL_MS);
  }
}

/** A place with a config, by default of two counters. */
export async function makePlace(settings: Settings = { workers: [{ id: 0 }, { id: 1 }] }): Promise<Place> {
  await bundle();
  const directory = mkdtempSync(path.join(tmpdir(), 'dpr-cluster-'));
  places.push(directory);
  const basePort = await freeBasePort();
  const config = path.join(directory, 'Pulumi.test.yaml');
  const data = path.join(directory, 'data');

  function launch({ options = [], through, console = false }: LaunchOptions = {}): LocalRun {
    const own = ['--config', config, '--data', data, '--removal-delay', String(REMOVAL_DELAY_MS), '--json'];
    return launchLocal([...own, ...options, ...(console ? [] : ['--no-console'])], through);
  }

  const place: Place = {
    directory,
    config,
    data,
    basePort,
    respBasePort: basePort + RESP_OFFSET,
    cluster: `ws://127.0.0.1:${basePort}`,
    control: `ws://127.0.0.1:${basePort + 10_000}`,
    edit(given) {
      const keys = Object.entries<unknown>({ basePort, ...given }).map(
        ([key, value]) => [`dpr:${key}`, value] as const,
      );
      place.write(JSON.stringify({ config: Object.fromEntries(keys) })); // which is YAML too
    },
    write(text) {
      writeFileSync(`${config}.new`, text);
      renameSync(`${config}.new`, config);
    },
    launch,
    async start(options) {
      const run = launch(options);
      await run.line('serving');
      return run;
    },
    process: (name) => processesIn(data).find((one) => one.name === name),
    processIs: (name, passes) =>
      until(`${name} as it should be`, () => {
        const found = place.process(name);
        return found !== undefined && passes(found) && found;
      }),
    kill(name, signal = 'SIGKILL') {
      const pid = place.process(name)?.pid;
      if (pid === undefined || pid === null) throw new Error(`${name} does not run`);
      process.kill(pid, signal);
      return pid;
    },
  };
  place.edit(settings);
  return place;
}

/** What the file of a cluster says; a test started the cluster itself, and may believe that as long as it runs. */
function processesIn(data: string): readonly ClusterProcess[] {
  const file = path.join(data, CLUSTER_FILE);
  if (!existsSync(file)) return [];
  const { supervisor, processes } = JSON.parse(readFileSync(file, 'utf8')) as ClusterFile;
  return isAlive(supervisor) ? processes : [];
}

/** Runs the program of `npm start` with these options. */
export function launchLocal(options: readonly string[], through: readonly string[] = []): LocalRun {
  const [command = '', ...rest] = [...through, process.execPath, path.join(DIST, 'local.js'), ...options];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const run = follow(child);
  runs.push(run);
  return run;
}

function follow(child: ChildProcess): LocalRun {
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) throw new Error('npm start cannot be run');
  const lines: Line[] = [];
  let errors = '';
  let over: number | NodeJS.Signals | undefined;
  createInterface({ input: stdout }).on('line', (text) => {
    lines.push(text.startsWith('{') ? (JSON.parse(text) as Line) : { event: 'text', text });
  });
  stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  // With `close`, everything that it said was read.
  const exited = new Promise<number | NodeJS.Signals>((resolve) =>
    child.on('close', (code, signal) => {
      over = code ?? signal ?? 0;
      resolve(over);
    }),
  );
  return {
    pid,
    lines,
    errors: () => errors,
    line: (event, passes = () => true, after = 0) =>
      until(`the event ${event}`, () => {
        const found = lines.slice(after).find((line) => line.event === event && passes(line));
        if (found === undefined && over !== undefined) throw new Error(`it ended (${over}) without the event ${event}`);
        return found;
      }),
    signal: (signal) => child.kill(signal),
    exited,
    stop() {
      // It stands still meanwhile, so that the second one is never late enough to count.
      for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) child.kill(signal);
      return exited;
    },
  };
}

/** A base port on which a whole cluster finds its ports free. */
async function freeBasePort(): Promise<number> {
  for (;;) {
    const base = BASE_PORTS.from + Math.floor(Math.random() * (BASE_PORTS.to - BASE_PORTS.from));
    const offsets = Array.from({ length: MAX_WORKERS + 1 }, (_, offset) => offset);
    const ports = offsets.flatMap((offset) => [
      ...[base + offset, base + offset + 10_000, adminPort(base + offset)],
      base + RESP_OFFSET + offset,
    ]);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A client of a cluster, to be closed after the test. */
export async function clientOf({ cluster }: Place): Promise<Cluster> {
  const client = await connect({ cluster });
  connections.push(client);
  return client;
}

/** An operator's connection to a cluster, to be closed after the test. */
export async function operatorOf({ cluster, control, data }: Place): Promise<Operator> {
  const controlToken = readFileSync(path.join(data, 'control-token'), 'utf8').trim();
  const operator = await connectOperator({ cluster, control, controlToken });
  connections.push(operator);
  return operator;
}

/** Adds to every worker given in one session, and waits until that is committed. @returns the sums */
export async function addTo(place: Place, workers: readonly number[], amount: number): Promise<number[]> {
  const session = (await clientOf(place)).session({ replay: true });
  const results = workers.map((id) => session.counter(id).add(amount));
  const sums = await Promise.all(results.map((result) => result.committed));
  return sums.map(Number);
}

/** Has worker 0, a counter, refuse a batch, whose operation it does not have. */
export async function refuseOne(place: Place): Promise<void> {
  const session = (await clientOf(place)).session();
  await assert.rejects(session.worker(0, 'counter').call(Uint8Array.of(255), 1), /malformed/i);
}

/**
 * A worker type's program as one file, which starts as fast as a program of the cluster. To be called in a `describe`, for its tests.
 * @param entry the file that the program begins with @returns the file, there when the tests run
 */
export function bundledProgram(entry: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'dpr-program-'));
  const outfile = path.join(directory, 'program.mjs');
  before(() => build({ ...BUNDLING, entryPoints: [entry], outfile }));
  after(() => rmSync(directory, { recursive: true }));
  return outfile;
}

/** The processes that a cluster ever started. */
export function pidsOf({ lines }: LocalRun): number[] {
  return lines.flatMap(({ event, pid }) => (event === 'processStarted' && typeof pid === 'number' ? [pid] : []));
}

/** The world-line that the Finder tells. */
export async function worldLineOf(place: Place): Promise<number> {
  return (await (await operatorOf(place)).status()).worldLine;
}
