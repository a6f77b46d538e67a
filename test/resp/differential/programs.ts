/** The programs that are compared: a Redis server, and a cluster of this machine with a store. */
import { startRedis } from '../../../services/bench/peers/redis.ts';
import { makePlace } from '../../cluster/harness.ts';
import type { Ports } from './servers.ts';

const STORE = 1;
const NAME = `store-${STORE}`;

export interface Programs {
  readonly ports: Ports;
  /** Kills the store. Resolves once it serves again. */
  restart(): Promise<void>;
  /** Ends Redis; the cluster is ended by the harness of clusters. */
  stop(): Promise<void>;
}

export async function startPrograms(): Promise<Programs> {
  const redis = await startRedis('no AOF', { pin: [], signal: new AbortController().signal });
  try {
    const place = await makePlace({ workers: [] });
    place.edit({ workers: [{ id: STORE, type: 'store' }], respBasePort: place.respBasePort });
    const run = await place.start();
    return {
      ports: { redis: Number(new URL(redis.address).port), store: place.respBasePort + STORE },
      async restart() {
        const before = run.lines.length;
        place.kill(NAME);
        await run.line('processServing', (line) => line.process === NAME, before);
      },
      stop: redis.stop,
    };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}
