/** The figures of the README, measured on temporary clusters. */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, counterType, type Session } from '@dpr/client';
import { runningCluster } from '@dpr/client/running-cluster';
import { FINDER_NAME, workerName } from '@dpr/infra/plan';
import { measureCommits, measureCommitsOnDemand, summarize, type Summary } from '@dpr/local/measurements';
import { LOCAL_PROGRAM, type TemporaryCluster, startTemporaryCluster } from '@dpr/local/temporary-cluster';
import { parseJson } from '@dpr/runtime/outside-data';
import * as z from 'zod/mini';
import { REST_MS } from './faults.ts';

export type Measurement = {
  /** How many times a worker and the Finder are killed, a call is committed, and a cluster is started. */
  readonly kills: number;
  readonly commits: number;
  readonly starts: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Called with what is measured next. */
  readonly log: (text: string) => void;
};

export type Figure = {
  readonly name: string;
  /** What the median should not exceed, ms; a part of another figure has no aim of its own. */
  readonly aimMs: number | undefined;
  readonly ms: Summary;
};

const WORKERS = 2;
const NPM_START = ['npm', 'start', '--silent', '--'];

/** @throws the errors of the cluster and the client; the signal's reason when it says to stop */
export async function measure(options: Measurement): Promise<readonly Figure[]> {
  const { kills, commits, starts, log } = options;
  log(`${starts} starts of a cluster by npm start`);
  const start = await measureStarts(options);
  const relaxedMs = 100;
  const onSlow = await withSession(options, relaxedMs, async (session, cluster) => {
    log(`${commits} commits, checkpoints every ${relaxedMs} ms`);
    const commitment = { ...options, session, workers: WORKERS, checkpointIntervalMs: relaxedMs };
    const byTimer = await measureCommits(commitment);
    log(`${commits} commits on demand`);
    const onDemand = await measureCommitsOnDemand(commitment);
    log(`${kills} kills of a worker`);
    const recovery = await measureRecovery(session, cluster, options);
    log(`${kills} kills of the Finder`);
    return { byTimer, onDemand, recovery, finder: await measureFinderRecovery(session, cluster, options) };
  });
  const briskMs = 10;
  log(`${commits} commits, checkpoints every ${briskMs} ms`);
  const brisk = await withSession(options, briskMs, (session) =>
    measureCommits({ ...options, session, workers: WORKERS, checkpointIntervalMs: briskMs }),
  );
  const { recovery } = onSlow;
  return [
    { name: 'SIGKILL of a worker to the next operation completed there', aimMs: 250, ms: summarize(recovery.whole) },
    { name: '  until its successor reaches the Finder', aimMs: undefined, ms: summarize(recovery.start) },
    { name: '  until that serves: join, rollback, restore', aimMs: undefined, ms: summarize(recovery.join) },
    { name: '  until the client has its answer', aimMs: undefined, ms: summarize(recovery.client) },
    { name: 'SIGKILL of the Finder to the next commit', aimMs: undefined, ms: summarize(onSlow.finder) },
    { name: `commit, checkpoints every ${relaxedMs} ms`, aimMs: 60, ms: summarize(onSlow.byTimer) },
    { name: `commit, checkpoints every ${briskMs} ms`, aimMs: 15, ms: summarize(brisk) },
    { name: 'commit on demand', aimMs: 10, ms: summarize(onSlow.onDemand) },
    { name: 'npm start to serving, once installed', aimMs: 2_000, ms: summarize(start) },
  ];
}

async function withSession<T>(
  { signal }: Measurement,
  checkpointIntervalMs: number,
  use: (session: Session, cluster: TemporaryCluster) => Promise<T>,
): Promise<T> {
  const own = await startTemporaryCluster({ workers: WORKERS, checkpointIntervalMs, command: LOCAL_PROGRAM, signal });
  try {
    const client = await connect({ cluster: own.cluster, signal });
    try {
      return await use(client.session({ mode: 'strict', replay: true }), own);
    } finally {
      await client.close();
    }
  } finally {
    await own.remove();
  }
}

async function measureStarts({ starts, signal }: Measurement): Promise<number[]> {
  const times: number[] = [];
  while (times.length < starts) {
    const own = await startTemporaryCluster({
      workers: WORKERS,
      checkpointIntervalMs: 100,
      command: NPM_START,
      signal,
    });
    times.push(own.startMs);
    await own.remove();
  }
  return times;
}

/** All in ms; `start`, `join` and `client` are the parts of `whole`. */
type Recoveries = Readonly<Record<'whole' | 'start' | 'join' | 'client', number[]>>;

async function measureRecovery(
  session: Session,
  cluster: TemporaryCluster,
  { kills, signal }: Measurement,
): Promise<Recoveries> {
  const times: Recoveries = { whole: [], start: [], join: [], client: [] };
  const worker = session.counter(0);
  await worker.add(1, { signal });
  while (times.whole.length < kills) {
    await pause(REST_MS, undefined, { signal });
    const { pid, log } = await victim(cluster, workerName({ type: counterType.name, id: 0 }));
    const killedAt = Date.now();
    process.kill(pid, 'SIGKILL');
    await worker.add(1, { signal });
    const answeredAt = Date.now();
    const said = await sayingsAfter(log, killedAt);
    const reachedAt = said.find(({ event }) => event === 'connected')?.time ?? NaN;
    const servesAt = said.find(({ event }) => event === 'serving')?.time ?? NaN;
    times.whole.push(answeredAt - killedAt);
    times.start.push(reachedAt - killedAt);
    times.join.push(servesAt - reachedAt);
    times.client.push(answeredAt - servesAt);
  }
  return times;
}

/** From the kill until what was called after it is committed; execution does not wait for the Finder, commits do. */
async function measureFinderRecovery(session: Session, cluster: TemporaryCluster, { kills, signal }: Measurement) {
  const times: number[] = [];
  while (times.length < kills) {
    await pause(REST_MS, undefined, { signal });
    const killedAt = performance.now();
    process.kill((await victim(cluster, FINDER_NAME)).pid, 'SIGKILL');
    await session.counter(0).add(1, { signal });
    await session.commit({ signal });
    times.push(performance.now() - killedAt);
  }
  return times;
}

async function victim({ dataDirectory }: TemporaryCluster, name: string) {
  const found = (await runningCluster(dataDirectory))?.processes.find((one) => one.name === name);
  if (found?.pid === undefined || found.pid === null) throw new Error(`${name} does not run in ${dataDirectory}`);
  return { pid: found.pid, log: found.log };
}

const LOG_LINE = z.object({ event: z.string(), time: z.string() });

/** What a process wrote into its log at and after a time, ms since 1970. */
async function sayingsAfter(log: string, time: number): Promise<{ readonly event: string; readonly time: number }[]> {
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.startsWith('{'));
  const source = { what: `a line of the log ${log}`, remedy: 'See that the worker logs through its harness' };
  return lines
    .map((line) => parseJson(LOG_LINE, line, source))
    .map(({ event, time: saidAt }) => ({ event, time: Date.parse(saidAt) }))
    .filter((said) => said.time >= time);
}
