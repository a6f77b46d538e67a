/** A Finder and counters as child processes, in a directory and at ports of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { bundle, DIST } from '../../scripts/bundle.mjs';

export type LogLine = Readonly<Record<string, unknown>>;
export type Variables = Readonly<Record<string, string>>;

export interface Child {
  readonly process: ChildProcess;
  readonly lines: readonly LogLine[];
  /** The first line of this event after those that were waited for before. */
  event(name: string): Promise<LogLine>;
  /** The exit code, once it ended; null after a signal that it did not handle. */
  readonly exit: Promise<number | null>;
  /** Send a signal and wait for the end; resolves with the exit code, null after SIGKILL. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Cluster {
  readonly directory: string;
  readonly ports: { readonly finder: number; readonly control: number; readonly admin: number };
  startFinder(variables?: Variables, through?: readonly string[]): Child;
  /** @param through a command, with its arguments, that runs the program @param type of the worker, by default a counter */
  startWorker(id: number, variables?: Variables, through?: readonly string[], type?: string): Child;
  workerPort(id: number): number;
  workerAdminPort(id: number): number;
  close(): Promise<void>;
}

/** Ports below those that systems give to outgoing connections, one of which could take a free one away again. */
const PORTS = { from: 10_000, to: 32_000 };

/** `fetch`, by which tests read metrics, refuses it, as browsers do. */
const AVOIDED_PORT = 10_080;
let last = randomInt(PORTS.from, PORTS.to);

/** A port that no process uses, and that no other caller in this process was given. */
export async function freePort(): Promise<number> {
  for (;;) {
    last = last + 1 < PORTS.to ? last + 1 : PORTS.from;
    const port = last;
    if (port === AVOIDED_PORT) continue;
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** @param common variables that all processes are given; @param keptLines how many lines of its log each child remembers */
export async function createCluster(workers: number, common: Variables = {}, keptLines = Infinity): Promise<Cluster> {
  await bundle();
  const directory = await mkdtemp(path.join(tmpdir(), 'dpr-'));
  const ports = { finder: await freePort(), control: await freePort(), admin: await freePort() };
  const workerPorts: { port: number; admin: number }[] = [];
  for (let id = 0; id < workers; id++) workerPorts.push({ port: await freePort(), admin: await freePort() });
  const children: Child[] = [];

  function start(program: string, variables: Variables, through: readonly string[]): Child {
    const [command, ...parameters] = [...through, process.execPath, path.join(DIST, `${program}.js`)];
    const child = spawn(command, parameters, {
      env: { ...process.env, DPR_HOST: '127.0.0.1', DPR_LOG_LEVEL: 'debug', ...common, ...variables },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const started = follow(child, keptLines);
    children.push(started);
    return started;
  }

  const portsOf = (id: number) => {
    const own = workerPorts[id];
    if (own === undefined) throw new Error(`the cluster was made for ${workers} workers`);
    return own;
  };

  return {
    directory,
    ports,
    startFinder(variables = {}, through = []) {
      const own = {
        DPR_PORT: String(ports.finder),
        DPR_CONTROL_PORT: String(ports.control),
        DPR_ADMIN_PORT: String(ports.admin),
        DPR_DATA: path.join(directory, 'finder'),
      };
      return start('finder', { ...own, ...variables }, through);
    },
    startWorker(id, variables = {}, through = [], type = 'counter') {
      const own = {
        DPR_PORT: String(portsOf(id).port),
        DPR_ADMIN_PORT: String(portsOf(id).admin),
        DPR_DATA: path.join(directory, `${type}-${id}`),
        DPR_WORKER_ID: String(id),
        DPR_WORKER_TYPE: type,
        DPR_FINDER: `ws://127.0.0.1:${ports.control}`,
      };
      return start(type, { ...own, ...variables }, through);
    },
    workerPort: (id) => portsOf(id).port,
    workerAdminPort: (id) => portsOf(id).admin,
    async close() {
      await Promise.all(children.map((child) => child.end('SIGKILL')));
      await rm(directory, { recursive: true });
    },
  };
}

function follow(child: ChildProcess, keptLines: number): Child {
  const lines: LogLine[] = [];
  const changed = new Set<() => void>();
  let taken = 0;
  if (child.stdout === null) throw new Error('the output of the process is piped');
  createInterface(child.stdout).on('line', (line) => {
    lines.push(JSON.parse(line) as LogLine);
    if (lines.length > keptLines) {
      lines.shift();
      taken = Math.max(0, taken - 1);
    }
    for (const look of [...changed]) look();
  });
  const exited = once(child, 'close');
  return {
    process: child,
    lines,
    exit: exited.then(() => child.exitCode),
    event: (name) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const place = lines.findIndex((line, index) => index >= taken && line.event === name);
          const line = lines[place];
          if (line === undefined) return;
          taken = place + 1;
          changed.delete(look);
          resolve(line);
        };
        changed.add(look);
        look();
        void exited.then(() =>
          setImmediate(() => reject(new Error(`ended before '${name}': ${JSON.stringify(lines.at(-1))}`))),
        );
      }),
    async end(signal) {
      child.kill(signal);
      child.kill('SIGCONT');
      await exited;
      return child.exitCode;
    },
  };
}
