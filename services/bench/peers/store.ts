/** A cluster of one store, for Redis clients. */
import { LOCAL_PROGRAM, startTemporaryCluster } from '@dpr/local/temporary-cluster';
import { freePort } from './free-port.ts';
import type { PeerOptions } from './peer.ts';

const CHECKPOINT_INTERVAL_MS = 100;

export interface RespPeer {
  readonly name: string;
  /** Where it serves Redis clients, on this machine. */
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** @throws Error with the cluster's own words when it does not serve */
export async function startStore({ pin, signal }: PeerOptions): Promise<RespPeer> {
  const port = await freePort();
  const own = await startTemporaryCluster({
    workers: 1,
    type: 'store',
    respBasePort: port,
    checkpointIntervalMs: CHECKPOINT_INTERVAL_MS,
    command: [...pin, ...LOCAL_PROGRAM],
    signal,
  });
  return { name: 'DPR', port, stop: () => own.remove() };
}
