/** A load as applications make it: the client library, one session or many on each connection, everything exactly once. */
import { connect, type Outcome, type Session } from '@dpr/client';
import { AMOUNT_BYTES, writeAmount } from '@dpr/counter/operations';
import type { Line, Load, LoadTarget } from './line.ts';

const WORKER = 0;

export async function dprLoad({ address, connections, sessions: perConnection, batch }: LoadTarget): Promise<Load> {
  const operations = Buffer.alloc(batch * AMOUNT_BYTES);
  for (let index = 0; index < batch; index++) writeAmount(operations, index * AMOUNT_BYTES, 1);
  const clusters = await Promise.all(Array.from({ length: connections }, () => connect({ cluster: address })));
  // Nothing but the transport is to hold the load back, also where checkpoints are rare.
  const sessions = clusters.flatMap((cluster) =>
    Array.from({ length: perConnection ?? 1 }, () =>
      cluster.session({ maxUncommittedOperations: Infinity, maxUncommittedBytes: Infinity }),
    ),
  );
  const before = await valueOf(sessions);
  let issued = 0;

  function batches(session: Session): () => Outcome<unknown> {
    const counter = session.worker(WORKER, 'counter');
    return () => counter.call(operations, batch);
  }

  function adds(session: Session): () => Outcome<unknown> {
    const counter = session.counter(WORKER);
    return () => counter.add(1);
  }

  return {
    lines: sessions.map((session): Line => {
      const call = perConnection === undefined ? batches(session) : adds(session);
      return {
        issue(answered) {
          issued += batch;
          call().then(answered, fail);
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
