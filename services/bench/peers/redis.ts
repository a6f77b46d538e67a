/** Redis, as its package installs it, with its own way of being durable. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { withPatience } from '@dpr/runtime/time-limit';
import { freePort } from './free-port.ts';
import type { Peer, PeerOptions } from './peer.ts';

/** How an append-only file is synced; `no AOF`: nothing is written. */
export type Durability = 'no AOF' | 'everysec' | 'always';

const PROGRAM = 'redis-server';
const START_LIMIT_MS = 10_000;
const LAST_LINES = 10;

/** As in `7.0.15`; undefined when it is not installed. */
export function redisVersion(): string | undefined {
  const { status, stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return status === 0 ? /v=(\S+)/.exec(stdout)?.[1] : undefined;
}

/** @throws Error with the last that it said when it does not serve */
export async function startRedis(durability: Durability, { pin, signal }: PeerOptions): Promise<Peer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'redis-'));
  const port = await freePort();
  const append =
    durability === 'no AOF' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', durability];
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', ...append];
  const [program = '', ...words] = [...pin, PROGRAM, ...own];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const gone = once(child, 'exit');

  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await gone;
    await rm(directory, { recursive: true, force: true });
  }

  try {
    await withPatience({ signals: [signal], ms: START_LIMIT_MS }, (limit) => ready(child.stdout, gone, limit));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: `Redis ${durability}`,
    kind: 'redis',
    isWatched: false,
    address: `redis://127.0.0.1:${port}`,
    pids: child.pid === undefined ? [] : [child.pid],
    stop,
  };
}

function ready(output: NodeJS.ReadableStream, gone: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    createInterface(output).on('line', (line) => {
      said.push(line);
      if (said.length > LAST_LINES) said.shift();
      if (line.includes('Ready to accept connections')) resolve();
    });
    void gone.then(() => reject(new Error(`${PROGRAM} did not start:\n${said.join('\n')}`)));
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
