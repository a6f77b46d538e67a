/** The way into a cluster, on Node. */
import { nodeHost } from '@dpr/runtime/node-host';
import { connectOn, type Cluster } from './cluster.ts';
import type { ConnectOptions } from '../options.ts';

/**
 * Connect to a cluster by the Finder's address alone; the Finder tells where the workers are. Connections that break are made
 * again, for as long as the cluster is not closed; only if the Finder refuses for good later (another token, version or
 * cluster) everything ends with that error, and if a worker does for a minute, the sessions that wait for it.
 *
 * @throws ConnectError when the Finder cannot be reached in time, UnauthorizedError or VersionMismatchError when it refuses,
 *   TypeError or RangeError when an option cannot be used
 * @example
 * const cluster = await connect({ cluster: 'ws://localhost:6379' });
 * const session = cluster.session();
 * console.log(await session.counter(0).add(300)); // completed
 * await session.commit(); // committed
 * await cluster.close();
 */
export function connect(options: ConnectOptions): Promise<Cluster> {
  return connectOn(nodeHost, options);
}
