import { readValue } from '@dpr/counter';
import type { MessageOf } from '@dpr/protocol';
import { EXIT } from '@dpr/runtime';
import assert from 'node:assert/strict';
import { createCluster, type Child, type Cluster } from './cluster.ts';
import { amounts, batch, greet, type Peer } from './peer.ts';

const SESSION = 'ab'.repeat(16);

/** The counter's value after the last operation of a reply. */
function valueOf({ results, count }: MessageOf<'reply'>): number {
  return Number(readValue(results, count - 1));
}

/** The cut of a world-line, once it has reached `version` of `worker`. */
function cutCovers(peer: Peer, worker: number, version: number): Promise<MessageOf<'cut'>> {
  return peer.next('cut', ({ cut }) => (cut.get(worker) ?? 0) >= version);
}

describe('a Finder and counters as processes', () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await createCluster(2);
  });
  afterEach(() => cluster.close());

  async function startAll(): Promise<{ finder: Child; workers: Child[] }> {
    const finder = cluster.startFinder();
    const workers = [cluster.startWorker(0), cluster.startWorker(1)];
    await Promise.all([finder, ...workers].map((child) => child.event('serving')));
    return { finder, workers };
  }

  it('join, execute, and push the cut that commits', async () => {
    await startAll();
    const client = await greet(cluster.ports.finder);
    client.send({ kind: 'fetchCluster', known: 0 });
    const { members } = await client.next('cluster');
    assert.deepEqual(
      members.map(({ id, generation, type, port }) => ({ id, generation, type, port })).sort((a, b) => a.id - b.id),
      [0, 1].map((id) => ({ id, generation: 1, type: 'counter', port: cluster.workerPort(id) })),
    );
    const first = await greet(cluster.workerPort(0), { cluster: client.welcome.cluster });
    const second = await greet(cluster.workerPort(1));
    assert.deepEqual(first.welcome.worker, { id: 0, generation: 1, incarnation: 1, type: 'counter' });

    first.send(batch({ session: SESSION, sequence: 1, operations: amounts(300, -1, 0) }));
    const reply = await first.next('reply');
    assert.deepEqual([reply.count, valueOf(reply)], [3, 299]);
    const dependencies = new Map([[0, reply.version]]);
    second.send(batch({ session: SESSION, sequence: 1, operations: amounts(7), version: reply.version, dependencies }));
    const answer = await second.next('reply');
    assert.ok(answer.version >= reply.version);
    await cutCovers(first, 0, reply.version);
    const told = await cutCovers(second, 1, answer.version);
    assert.deepEqual([...told.cut.keys()], [1], 'a worker tells its own entry');
    client.send({ kind: 'refresh', worldLine: 1 });
    const { cut } = await client.next('cut');
    assert.ok((cut.get(0) ?? 0) >= reply.version, 'the cut is closed under dependency');
    assert.ok((cut.get(1) ?? 0) >= answer.version);
  });

  it('roll back to a prefix after SIGKILL, in a new world-line', async () => {
    const { workers } = await startAll();
    const first = await greet(cluster.workerPort(0));
    const second = await greet(cluster.workerPort(1));
    first.send(batch({ session: SESSION, sequence: 1, operations: amounts(40) }));
    const kept = await first.next('reply');
    await cutCovers(first, 0, kept.version);
    second.send(batch({ session: SESSION, sequence: 1, operations: amounts(1) }));
    await cutCovers(second, 1, (await second.next('reply')).version);

    first.send(
      batch({ session: SESSION, sequence: 2, acknowledged: 1, operations: amounts(2), version: kept.version }),
    );
    const lost = await first.next('reply');
    assert.equal(valueOf(lost), 42);
    await workers[0]?.end('SIGKILL');
    const again = cluster.startWorker(0);
    assert.equal((await again.event('serving')).worldLine, 2);
    const { decisions } = await second.next('cut', ({ worldLine }) => worldLine === 2);
    const prefix = decisions[0]?.prefix.get(0) ?? 0;
    assert.ok(prefix >= kept.version, 'what was committed survives');

    const back = await greet(cluster.workerPort(0));
    back.send({ kind: 'table', session: SESSION, worldLine: 2, generation: 1 });
    const { last } = await back.next('tableAnswer');
    assert.equal(last, prefix >= lost.version ? 2 : 1);
    back.send(
      batch({ session: SESSION, sequence: last + 1, worldLine: 2, operations: amounts(0), version: lost.version }),
    );
    const read = await back.next('reply');
    assert.equal(valueOf(read), last === 2 ? 42 : 40);
    assert.ok(read.version > prefix);
  });

  it('lose nothing and start no world-line when they are stopped by SIGTERM, all at once', async () => {
    const { finder, workers } = await startAll();
    const client = await greet(cluster.workerPort(0));
    client.send(batch({ session: SESSION, sequence: 1, operations: amounts(5, 6) }));
    assert.equal(valueOf(await client.next('reply')), 11);
    const codes = await Promise.all([finder, ...workers].map((child) => child.end('SIGTERM')));
    assert.deepEqual(codes, [EXIT.ok, EXIT.ok, EXIT.ok]);

    await startAll();
    const again = await greet(cluster.workerPort(0));
    assert.equal(again.welcome.worldLine, 1);
    again.send(batch({ session: SESSION, sequence: 1, operations: amounts(5, 6) }));
    assert.equal(valueOf(await again.next('reply')), 11, 'a retry is answered from the session table');
    again.send(batch({ session: SESSION, sequence: 2, operations: amounts(1) }));
    assert.equal(valueOf(await again.next('reply')), 12);
  });
});
