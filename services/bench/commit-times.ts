/** How long a commit takes: by the checkpoints' own time, and on demand. */
import { connect } from '@dpr/client';
import { measureCommits, measureCommitsOnDemand, summarize, type Summary } from '@dpr/local/measurements';
import { ROUTED_CELLS } from './cells.ts';
import { runOnce, type Contender, type Durations } from './measure-cells.ts';
import type { ClusterPeer } from './peers/cluster.ts';

/** ms. */
export interface CommitTimes {
  readonly relaxed: Summary;
  readonly brisk: Summary;
  readonly onDemand: Summary;
}

/** @param relaxed a cluster with checkpoints every 100 ms; @param brisk every 10 ms */
export async function measureCommitTimes(
  relaxed: ClusterPeer,
  brisk: ClusterPeer,
  commits: number,
  signal: AbortSignal,
): Promise<CommitTimes> {
  const on = async (cluster: ClusterPeer, measure: typeof measureCommits): Promise<Summary> => {
    const client = await connect({ cluster: cluster.address, signal });
    try {
      const { checkpointIntervalMs } = cluster;
      const session = client.session();
      return summarize(await measure({ session, workers: 1, commits, checkpointIntervalMs, seed: 1, signal }));
    } finally {
      await client.close();
    }
  };
  return {
    relaxed: await on(relaxed, measureCommits),
    brisk: await on(brisk, measureCommits),
    onDemand: await on(relaxed, measureCommitsOnDemand),
  };
}

/** How long commits take while sessions cross between the workers, ms. */
export interface CrossingCommits {
  readonly periodic: Summary;
  readonly onDemand: Summary;
}

/** How long a commit and the pause before it take at most on the average, in checkpoint intervals. */
const INTERVALS_EACH = 2;

/** Under half of the load that the workers can take, by a session that crosses as well. */
export async function measureCrossingCommits(
  contender: Contender & { readonly peer: ClusterPeer },
  workers: number,
  commits: number,
  durations: Durations,
  signal: AbortSignal,
): Promise<CrossingCommits> {
  const { peer } = contender;
  const { checkpointIntervalMs } = peer;
  const cell = ROUTED_CELLS.crosses;
  const { operationsPerSecond } = await runOnce(contender, cell, { ...durations, openMs: 0 });
  const openMs = 2 * commits * INTERVALS_EACH * checkpointIntervalMs;
  const steady = { ...durations, warmBatches: 0, closedMs: 1, openMs };
  const progress = { isOver: false };
  const load = runOnce(contender, cell, steady, operationsPerSecond / 2).then(() => (progress.isOver = true));
  const client = await connect({ cluster: peer.address, signal });
  try {
    const measurement = {
      session: client.session({ mode: 'relaxed' }),
      workers,
      commits,
      checkpointIntervalMs,
      seed: 1,
      signal,
      amount: 0,
    };
    const periodic = summarize(await measureCommits(measurement));
    const onDemand = summarize(await measureCommitsOnDemand(measurement));
    if (progress.isOver) throw new Error('the load ended before the commits were measured');
    return { periodic, onDemand };
  } finally {
    await client.close();
    await load;
  }
}
