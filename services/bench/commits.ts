/** How long a commit takes: by the checkpoints' own time, and on demand. */
import { connect } from '@dpr/client';
import { measureCommits, measureCommitsOnDemand, summarize, type Summary } from '@dpr/local/measurements';
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
