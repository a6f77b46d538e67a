/** A load as applications make it: the client library, a session per connection, everything exactly once. */
import { connect, type Session } from '@dpr/client';
import { AMOUNT_BYTES, writeAmount } from '@dpr/counter/operations';
import type { Line, Load, LoadTarget } from './line.ts';

const WORKER = 0;

export async function dprLoad({ address, connections, batch }: LoadTarget): Promise<Load> {
  const operations = Buffer.alloc(batch * AMOUNT_BYTES);
  for (let index = 0; index < batch; index++) writeAmount(operations, index * AMOUNT_BYTES, 1);
  const clusters = await Promise.all(Array.from({ length: connections }, () => connect({ cluster: address })));
  // Nothing but the transport is to hold the load back, also where checkpoints are rare.
  const sessions = clusters.map((cluster) =>
    cluster.session({ maxUncommittedOperations: Infinity, maxUncommittedBytes: Infinity }),
  );
  const before = await valueOf(sessions);
  let issued = 0;

  return {
    lines: sessions.map((session): Line => {
      const counter = session.worker(WORKER, 'counter');
      return {
        issue(answered) {
          issued += batch;
          counter.call(operations, batch).then(answered, fail);
        },
      };
    }),
    async close() {
      await Promise.all(sessions.map((session) => session.commit()));
      const done = (await valueOf(sessions)) - before;
      await Promise.all(clusters.map((cluster) => cluster.close()));
      if (done !== BigInt(issued)) throw new Error(`${issued} operations were issued, and the counter grew by ${done}`);
    },
  };
}

async function valueOf(sessions: readonly Session[]): Promise<bigint> {
  const [value = 0n] = await Promise.all(sessions.map((session) => session.counter(WORKER).get()));
  return value;
}

/** A load that fails measures nothing. */
function fail(error: unknown): never {
  throw error instanceof Error ? error : new Error(String(error));
}
