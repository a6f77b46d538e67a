/** The real cluster: a Finder and one counter, as `npm start` runs them. */
import { runningCluster } from '@dpr/client/cluster-file';
import { LOCAL_PROGRAM, startTemporaryCluster } from '@dpr/local/temporary-cluster';
import { withPatience } from '@dpr/runtime/patience';
import type { Peer, PeerOptions } from './peer.ts';

export interface ClusterPeer extends Peer {
  readonly checkpointIntervalMs: number;
  /** The worker's metrics, as they are now, by name. */
  readonly metrics: () => Promise<ReadonlyMap<string, number>>;
}

/** @throws Error with the cluster's own words when it does not serve */
export async function startCluster(checkpointIntervalMs: number, { pin, signal }: PeerOptions): Promise<ClusterPeer> {
  const own = await startTemporaryCluster({
    workers: 1,
    checkpointIntervalMs,
    command: [...pin, ...LOCAL_PROGRAM],
    signal,
  });
  const worker = (await runningCluster(own.dataDirectory))?.processes.find(({ role }) => role === 'worker');
  if (typeof worker?.pid !== 'number') {
    await own.remove();
    throw new Error('the cluster serves, and its worker is not to be found');
  }
  const { pid, ports } = worker;
  return {
    name: 'DPR',
    kind: 'dpr',
    address: own.cluster,
    pid,
    checkpointIntervalMs,
    async metrics() {
      // `fetch` leaves a listener at the signal that it is given.
      const text = await withPatience({ signals: [signal] }, async (limit) => {
        const response = await fetch(`http://127.0.0.1:${ports.admin}/metrics`, { signal: limit });
        return response.text();
      });
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
    },
    stop: () => own.remove(),
  };
}
