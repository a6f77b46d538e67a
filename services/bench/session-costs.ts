/** What many sessions cost a worker that remembers them: memory, and checkpoints. */
import { connect, type Cluster, type Session } from '@dpr/client';
import { AMOUNT_BYTES, writeAmount } from '@dpr/counter/operations';
import { memoryBytes } from './core-pinning.ts';
import type { ClusterPeer } from './peers/cluster.ts';

export interface SessionCosts {
  readonly sessions: number;
  /** What the worker's process holds more than before, bytes; NaN where that is not told. */
  readonly memoryBytes: number;
  /** A checkpoint after one session of many did something, bytes, and the same when there is but one session. */
  readonly checkpointBytes: number;
  readonly checkpointBytesAlone: number;
}

/** Sessions that are open, or batches in flight, at one time. */
const CHUNK = 1_000;
/** Checkpoints that an average is taken of. */
const CHECKPOINTS = 20;
/** Checkpoints after which what the sessions made due is written: they have a slice of the table each. */
const SETTLED_AFTER = 300;

/** Each session does one operation, whose reply it never acknowledges. */
export async function measureSessions(
  cluster: ClusterPeer,
  sessions: number,
  signal: AbortSignal,
): Promise<SessionCosts> {
  const client = await connect({ cluster: cluster.address, signal });
  try {
    const checkpointBytesAlone = await bytesPerCheckpoint(client, cluster);
    await exercise(client, sessions, signal);
    const [worker = NaN] = cluster.pids;
    const before = memoryBytes(worker);
    for (let begun = 0; begun < sessions; begun += CHUNK) {
      signal.throwIfAborted();
      const chunk = Array.from({ length: Math.min(CHUNK, sessions - begun) }, () => client.session());
      await Promise.all(chunk.map((session) => session.counter(0).add(1)));
      for (const session of chunk) session.close();
    }
    await client.session().commit();
    const more = memoryBytes(worker) - before;
    const settling = client.session();
    await makeCheckpoints(settling, SETTLED_AFTER);
    settling.close();
    return {
      sessions,
      memoryBytes: more,
      checkpointBytes: await bytesPerCheckpoint(client, cluster),
      checkpointBytesAlone,
    };
  } finally {
    await client.close();
  }
}

/** One after another, each of one operation. */
async function makeCheckpoints(session: Session, count: number): Promise<void> {
  const counter = session.counter(0);
  for (let made = 0; made < count; made++) {
    await counter.add(1);
    await session.commit();
  }
}

/** As many batches of one session: a worker that never did anything grows by what any work takes, too. */
async function exercise(client: Cluster, batches: number, signal: AbortSignal): Promise<void> {
  const session = client.session();
  const counter = session.worker(0, 'counter');
  const operation = Buffer.alloc(AMOUNT_BYTES);
  writeAmount(operation, 0, 1);
  for (let sent = 0; sent < batches; sent += CHUNK) {
    signal.throwIfAborted();
    await Promise.all(Array.from({ length: Math.min(CHUNK, batches - sent) }, () => counter.call(operation, 1)));
  }
  await session.commit();
  session.close();
}

async function bytesPerCheckpoint(client: Cluster, { metrics }: ClusterPeer): Promise<number> {
  const session = client.session();
  await makeCheckpoints(session, 1); // what others did before is in this one
  const before = await metrics();
  await makeCheckpoints(session, CHECKPOINTS);
  const after = await metrics();
  session.close();
  const grown = (name: string) => (after.get(name) ?? NaN) - (before.get(name) ?? NaN);
  return grown('dpr_worker_checkpoint_bytes_total') / grown('dpr_worker_checkpoints_total');
}
