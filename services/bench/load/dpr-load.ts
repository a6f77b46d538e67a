/** A load as applications make it: the client library, one session or many on each connection, everything exactly once. */
import { connect, type Cluster, type Outcome, type Session } from '@dpr/client';
import { AMOUNT_BYTES, writeAmount } from '@dpr/counter/operations';
import { seededRandom } from '@dpr/local/measurements';
import type { Cell, Route } from '../cells.ts';
import type { Line, Load, LoadTarget } from './load-interface.ts';

const ONE_WORKER: Route = { workers: 1, kind: 'stay', mode: 'strict' };

/** Makes one call. */
type Call = () => Outcome<unknown>;

export async function dprLoad({ address, cell }: LoadTarget): Promise<Load> {
  const { connections, sessions: perConnection = 1, batch, route = ONE_WORKER } = cell;
  const clusters = await Promise.all(Array.from({ length: connections }, () => connect({ cluster: address })));
  // Nothing but the transport is to hold the load back, also where checkpoints are rare.
  const unlimited = { maxUncommittedOperations: Infinity, maxUncommittedBytes: Infinity };
  const sessions = clusters.flatMap((cluster) =>
    Array.from({ length: perConnection }, () => cluster.session({ ...unlimited, mode: route.mode })),
  );
  const before = await totalOf(clusters, route);
  let written = 0;
  return {
    lines: sessions.map((session, index): Line => {
      const isReader = route.kind === 'read' && index === 0;
      const call = isReader ? readsOf(session) : callsOf(session, index, cell, route);
      return {
        issue(answered) {
          if (!isReader) written += batch;
          call().then(answered, fail);
        },
      };
    }),
    async close() {
      await Promise.all(sessions.map((session) => session.commit()));
      const done = (await totalOf(clusters, route)) - before;
      await Promise.all(clusters.map((cluster) => cluster.close()));
      if (done !== BigInt(written))
        throw new Error(`${written} additions were issued, and the counters grew by ${done}`);
    },
  };
}

function readsOf(session: Session): Call {
  const counter = session.counter(0);
  return () => counter.get();
}

function callsOf(session: Session, index: number, { sessions, batch, route }: Cell, { workers, kind }: Route): Call {
  const calls = Array.from({ length: workers }, (_, id) =>
    sessions === undefined || route !== undefined ? batchesOf(session, id, batch) : addsOf(session, id),
  );
  const random = seededRandom(index);
  let turn = index;
  return () => {
    if (kind === 'cross') turn = Math.floor(random() * workers);
    else if (kind === 'turns') turn++;
    const call = calls[turn % workers];
    if (call === undefined) throw new Error(`${workers} workers have no ${turn}th`);
    return call();
  };
}

function batchesOf(session: Session, worker: number, batch: number): Call {
  const operations = Buffer.alloc(batch * AMOUNT_BYTES);
  for (let index = 0; index < batch; index++) writeAmount(operations, index * AMOUNT_BYTES, 1);
  const counter = session.worker(worker, 'counter');
  return () => counter.call(operations, batch);
}

function addsOf(session: Session, worker: number): Call {
  const counter = session.counter(worker);
  return () => counter.add(1);
}

/** The sum of all counters, by a session that comes after all others. */
async function totalOf([cluster]: readonly Cluster[], { workers }: Route): Promise<bigint> {
  if (cluster === undefined) throw new Error('a load has at least one connection');
  const session = cluster.session();
  const values = await Promise.all(Array.from({ length: workers }, (_, id) => session.counter(id).get()));
  session.close();
  return values.reduce((sum, value) => sum + value, 0n);
}

/** A load that fails measures nothing. */
function fail(error: unknown): never {
  throw error instanceof Error ? error : new Error(String(error));
}
