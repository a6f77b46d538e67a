/** The real cluster: a Finder and counters, as `npm start` runs them. */
import { runningCluster } from '@dpr/client/running-cluster';
import { LOCAL_PROGRAM, startTemporaryCluster } from '@dpr/local/temporary-cluster';
import { withPatience } from '@dpr/runtime/time-limit';
import type { Peer, PeerOptions } from './peer.ts';

export interface ClusterPeer extends Peer {
  readonly checkpointIntervalMs: number;
  /** The first worker's metrics, as they are now, by name. */
  readonly metrics: () => Promise<ReadonlyMap<string, number>>;
}

/** @throws Error with the cluster's own words when it does not serve */
export async function startCluster(
  checkpointIntervalMs: number,
  { pin, signal }: PeerOptions,
  workers = 1,
): Promise<ClusterPeer> {
  const own = await startTemporaryCluster({
    workers,
    checkpointIntervalMs,
    command: [...pin, ...LOCAL_PROGRAM],
    signal,
  });
  const running = (await runningCluster(own.dataDirectory))?.processes.filter(({ role }) => role === 'worker') ?? [];
  const pids = running.flatMap(({ pid }) => (typeof pid === 'number' ? [pid] : []));
  const [first] = running;
  if (first === undefined || pids.length < workers) {
    await own.remove();
    throw new Error(`the cluster serves, and ${workers - pids.length} of its workers are not to be found`);
  }
  return {
    name: 'DPR',
    kind: 'dpr',
    isWatched: true,
    address: own.cluster,
    pids,
    checkpointIntervalMs,
    async metrics() {
      // `fetch` leaves a listener at the signal that it is given.
      const text = await withPatience({ signals: [signal] }, async (limit) => {
        const response = await fetch(`http://127.0.0.1:${first.ports.admin}/metrics`, { signal: limit });
        return response.text();
      });
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
    },
    stop: () => own.remove(),
  };
}
