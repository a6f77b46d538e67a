/** A cluster for the program that starts it: `npm start` in a temporary directory and on free ports, removed afterwards. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type BuiltInType, DEFAULT_TYPE } from '@dpr/infra/plan';
import { withPatience } from '@dpr/runtime/time-limit';
import { freeBasePort } from './free-ports.ts';
import { structured } from './log-lines.ts';

export type TemporaryClusterOptions = {
  /** With ids from 0. */
  readonly workers: number;
  /** Of all workers. */
  readonly type?: BuiltInType;
  /** Worker 0 serves Redis clients at this port, and each other one at the next; undefined: none does. */
  readonly respBasePort?: number;
  readonly checkpointIntervalMs: number;
  /** What runs a cluster on this machine, options follow: `npm start --` or the program behind it. */
  readonly command: readonly string[];
  /** Stops waiting for it to serve. */
  readonly signal: AbortSignal;
};

export interface TemporaryCluster {
  /** The Finder's public and control addresses, as `ws://host:port`. They stay the same over restarts. */
  readonly cluster: string;
  readonly control: string;
  readonly dataDirectory: string;
  /** From starting the program until every process served, ms; the latest start. */
  readonly startMs: number;
  /** Aborted, with the reason, when it ends without having been asked to. */
  readonly broken: AbortSignal;
  /** Stops everything gracefully, and starts it again. */
  restart(): Promise<void>;
  /** Stops everything, and removes its directory. */
  remove(): Promise<void>;
}

/** A cluster that has not started or stopped after this is given up, ms. */
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 15_000;
/** So many of the last lines of its output are shown when it cannot start. */
const LAST_LINES = 20;

/** The program of `npm start`, bundled into the same directory as the one that runs. */
export const LOCAL_PROGRAM = [process.execPath, path.join(import.meta.dirname, 'local.js')];

/** @throws Error with the cluster's own words when it does not serve */
export async function startTemporaryCluster(options: TemporaryClusterOptions): Promise<TemporaryCluster> {
  const directory = await mkdtemp(path.join(tmpdir(), 'dpr-'));
  const config = path.join(directory, 'Pulumi.temporary.yaml');
  const dataDirectory = path.join(directory, 'data');
  const broken = new AbortController();
  let running: Running | undefined;
  try {
    await writeFile(config, configText(await freeBasePort(options.workers), options));
    running = await start();
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  const { cluster, control } = running;

  function start(): Promise<Running> {
    return launch(
      [...options.command, '--config', config, '--data', dataDirectory, '--json', '--no-console'],
      options.signal,
      broken,
    );
  }

  return {
    cluster,
    control,
    dataDirectory,
    broken: broken.signal,
    get startMs() {
      return running?.startMs ?? 0;
    },
    async restart() {
      await running?.stop();
      running = await start();
    },
    async remove() {
      await running?.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function configText(
  basePort: number,
  { workers, checkpointIntervalMs, type = DEFAULT_TYPE, respBasePort }: TemporaryClusterOptions,
): string {
  const entries = Array.from({ length: workers }, (_, id) => `    - { id: ${id} }\n`);
  const defaults = `  dpr:workerDefaults: { type: ${type}, checkpointIntervalMs: ${checkpointIntervalMs} }\n`;
  const resp = respBasePort === undefined ? '' : `  dpr:respBasePort: ${respBasePort}\n`;
  return `config:\n  dpr:basePort: ${basePort}\n${resp}${defaults}  dpr:workers:\n${entries.join('')}`;
}

type Running = Awaited<ReturnType<typeof launch>>;

/** @param broken aborted when it ends, once it served, without having been asked to */
async function launch([program = '', ...words]: readonly string[], signal: AbortSignal, broken: AbortController) {
  signal.throwIfAborted();
  const started = performance.now();
  // In a session of its own: Ctrl-C in the terminal is for the program that uses the cluster, and stops it afterwards.
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const gone = new Promise((resolve) => child.on('exit', resolve).on('error', resolve));
  const said = lastWords(child);
  let stopping = false;

  async function stop(): Promise<void> {
    stopping = true;
    child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await gone;
    clearTimeout(impatience);
  }

  try {
    const { cluster, control } = await withPatience({ signals: [signal], ms: START_LIMIT_MS }, (limit) =>
      untilServing(child, said, limit),
    );
    child.on('exit', () => {
      if (!stopping) broken.abort(new Error(`the cluster ended:\n${said.join('\n')}`));
    });
    return { cluster, control, startMs: performance.now() - started, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;
type Serving = { readonly cluster: string; readonly control: string };

function untilServing(child: Child, said: readonly string[], signal: AbortSignal): Promise<Serving> {
  return new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const { event, cluster, control } = structured(line) ?? {}; // npm tells what it runs, which is none
      if (event !== 'serving') return;
      if (typeof cluster === 'string' && typeof control === 'string') resolve({ cluster, control });
      else reject(new Error(`the cluster serves, and does not tell its addresses: ${line}`));
    });
    child.on('error', reject);
    child.on('close', () => reject(new Error(`the cluster did not start:\n${said.join('\n')}`)));
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** The last lines of its output, kept up to date. All of it is read, so that it can go on writing. */
function lastWords(child: Child): readonly string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
    });
  }
  return lines;
}
