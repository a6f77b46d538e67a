/** A store for Redis clients beside Redis, both under Redis' own benchmark, in turns. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { Pin } from './core-pinning.ts';
import type { RespPeer } from './peers/store.ts';

/** What is measured. Commands on hashes belong here once a store has them. */
export const RESP_COMMANDS = ['SET', 'GET', 'INCR'] as const;
/** Commands in flight on each connection. */
export const RESP_PIPELINES = [1, 16, 64] as const;

export interface RespRuns {
  readonly command: string;
  readonly pipeline: number;
  readonly peer: string;
  /** Commands per second, run by run. */
  readonly runs: readonly number[];
}

const PROGRAM = 'redis-benchmark';
const CONNECTIONS = 50;
const KEYS = 100_000;
const VALUE_BYTES = 64;
/** Of each command, without pipelines; with them, as many more as take about the same time. */
const REQUESTS = 30_000;
const QUICK_REQUESTS = 4_000;
const MOST_TIMES = 16;

export function hasRespLoad(): boolean {
  return spawnSync(PROGRAM, ['--version']).status === 0;
}

/** @param pin where the load runs @throws Error with what the load said when it failed */
export async function measureResp(
  peers: readonly RespPeer[],
  pin: Pin,
  rounds: number,
  isQuick: boolean,
  signal: AbortSignal,
): Promise<readonly RespRuns[]> {
  const all = RESP_PIPELINES.flatMap((pipeline) =>
    RESP_COMMANDS.flatMap((command) =>
      peers.map(({ name }) => ({ command, pipeline, peer: name, runs: [] as number[] })),
    ),
  );
  const requests = isQuick ? QUICK_REQUESTS : REQUESTS;
  for (const { port } of peers) await runLoad(port, MOST_TIMES, MOST_TIMES * requests, pin, signal); // warm
  for (let round = 0; round < rounds; round++) {
    for (const pipeline of RESP_PIPELINES) {
      for (const { name, port } of peers) {
        const rates = await runLoad(port, pipeline, Math.min(pipeline, MOST_TIMES) * requests, pin, signal);
        for (const one of all) {
          if (one.peer === name && one.pipeline === pipeline) one.runs.push(rates.get(one.command) ?? NaN);
        }
      }
    }
  }
  return all;
}

/** @returns commands per second, by command */
async function runLoad(
  port: number,
  pipeline: number,
  requests: number,
  pin: Pin,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const load = { p: port, c: CONNECTIONS, n: requests, P: pipeline, r: KEYS, d: VALUE_BYTES };
  const options = Object.entries(load).flatMap(([name, value]) => [`-${name}`, String(value)]);
  const commands = RESP_COMMANDS.join(',').toLowerCase();
  const [program, ...words] = [...pin, PROGRAM, ...options, '-t', commands, '--csv'];
  const { stdout } = await promisify(execFile)(program, words, { signal });
  return new Map([...stdout.matchAll(/^"([A-Z]+)","([\d.]+)"/gm)].map(([, name = '', rate]) => [name, Number(rate)]));
}
