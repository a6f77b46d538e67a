import { UnknownWorkerError, WorkerRemovedError, WrongTypeError } from '@dpr/client';
import { MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { CLUSTER, cut, fakeWorker, refusal, reply, welcome } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';
import { until } from './until.ts';

describe('a session whose workers come, go and change', () => {
  const { closing, clusterOf, oneWorker } = smallClusters();

  it('sends again, byte by byte, what a broken connection left unanswered', async () => {
    const { worker, cluster } = await oneWorker();
    const counter = cluster.session().counter(0);
    const first = counter.add(1);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 3, [1n]));
    await first;
    const second = counter.add(2);
    const sent = await peer.next('batch');
    peer.cut();
    const again = await worker.accept();
    const repeated = await again.next('batch');
    assert.deepEqual(repeated, sent);
    again.send(reply(repeated, 3, [3n]));
    assert.equal(await second, 3n);
    again.send(cut({ 0: 3 }));
    assert.equal(await first.committed, 1n);
  });

  it('leaves a worker that is silent for too long, and connects again', async () => {
    const worker = closing(await fakeWorker(0, { autoPong: false }));
    const { cluster } = await clusterOf([worker], { receiveTimeoutMs: 60 });
    const result = cluster.session().counter(0).add(1);
    const silent = await worker.accept();
    await silent.next('batch');
    await silent.closed;
    // The others are silent too, and may be left before they answer.
    for (let answered = false; !answered;) {
      const peer = await worker.accept();
      const batch = await peer.next('batch').catch(() => undefined);
      if (batch === undefined) continue;
      peer.send(reply(batch, 1, [1n]));
      answered = await Promise.race([result.then(() => true), peer.closed.then(() => false)]);
    }
    assert.equal(await result, 1n);
  });

  it('asks the Finder about a worker that it does not know', async () => {
    const { finder, cluster } = await oneWorker();
    const late = closing(await fakeWorker(9));
    finder.members.push(late.member);
    finder.version++;
    const result = cluster.session().counter(9).add(1);
    const peer = await late.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await result, 1n);
  });

  it('refuses a worker that the Finder does not know, and goes on with the others', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const wrong = session.counter(8).add(1);
    const right = session.counter(0).add(1);
    await assert.rejects(wrong, (error) => {
      assert.ok(error instanceof UnknownWorkerError);
      assert.equal(error.message, 'no worker has the id 8; the cluster has workers 0');
      return true;
    });
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    peer.send(cut({ 0: 1 }));
    assert.equal(await right.committed, 1n);
    await session.commit();
  });

  it('says whether the outcome is known when a worker is removed', async () => {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const session = cluster.session();
    const sent = session.counter(0).add(1);
    const commit = session.commit();
    await (await worker.accept()).next('batch');
    finder.removeOnly();
    const removed = (outcome: string) => (error: unknown) => {
      assert.ok(error instanceof WorkerRemovedError);
      assert.equal(error.outcome, outcome);
      return true;
    };
    await assert.rejects(commit, removed('unknown'));
    await assert.rejects(sent, removed('unknown'));
    await assert.rejects(session.counter(0).add(1), removed('notExecuted'));
  });

  it('does not call a call not executed of which a part may have been', async () => {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const session = cluster.session({ maxUncommittedOperations: MAX_BATCH_OPERATIONS });
    const first = session.counter(0).add(0);
    const split = session.counter(0).addAll(new BigInt64Array(MAX_BATCH_OPERATIONS));
    const [completed, committed] = [split.catch(fateOf), split.committed.catch(fateOf)];
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, Array<bigint>(MAX_BATCH_OPERATIONS).fill(0n)));
    await first;
    finder.removeOnly();
    const control = await finder.accept();
    await control.next('refresh');
    control.send(cut({ 0: 1 })); // what waited for room comes to know that its worker is gone
    assert.deepEqual([await completed, await committed], ['unknown', 'unknown']);
  });

  it('refuses a worker of another type, as the membership or the worker itself tells', async () => {
    const store = closing(await fakeWorker(0, { type: 'kv' }));
    const swapped = closing(
      await fakeWorker(1, {
        answer: () => welcome({ worker: { id: 1, generation: 1, incarnation: 1, type: 'kv' } }),
      }),
    );
    const { cluster } = await clusterOf([store, swapped]);
    await assert.rejects(cluster.session().counter(0).add(1), (error) => {
      assert.ok(error instanceof WrongTypeError);
      assert.equal(error.message, "worker 0 is of type 'kv', not 'counter'");
      return true;
    });
    await assert.rejects(cluster.session().counter(1).add(1), WrongTypeError);
  });

  it('sends nothing to a server that is another worker than it was looked for', async () => {
    let identity = { id: 5, generation: 1, incarnation: 1, type: 'counter' };
    const worker = closing(await fakeWorker(0, { answer: () => welcome({ worker: identity }), generation: 2 }));
    const { finder, cluster } = await clusterOf([worker]);
    const result = cluster.session().counter(0).add(1);
    const stranger = await worker.accept();
    await stranger.closed;
    assert.deepEqual(stranger.received, []);
    identity = { id: 0, generation: 1, incarnation: 1, type: 'counter' };
    const predecessor = await worker.accept();
    await predecessor.closed;
    identity = { id: 0, generation: 2, incarnation: 2, type: 'counter' };
    for (;;) {
      const peer = await worker.accept();
      if (peer.hello.cluster !== CLUSTER) continue;
      const batch = await peer.next('batch').catch(() => undefined);
      if (batch === undefined) continue;
      assert.equal(batch.generation, 2);
      peer.send(reply(batch, 1, [1n]));
      break;
    }
    assert.equal(await result, 1n);
    await until(() => finder.asked > 1); // the membership is fetched again
  });

  it('follows a worker to another address', async () => {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const counter = cluster.session().counter(0);
    const result = counter.add(1);
    const before = await worker.accept();
    await before.next('batch');
    const moved = closing(await fakeWorker(0));
    finder.members = [moved.member];
    finder.version++;
    const peer = await moved.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await result, 1n);
    await before.closed;
  });

  it('waits for a worker that refuses its token for a while, as until a new one has reached every process', async () => {
    const refuses = { token: true };
    const answer = () =>
      refuses.token
        ? refusal('unauthorized')
        : welcome({ worker: { id: 0, generation: 1, incarnation: 1, type: 'counter' } });
    const worker = closing(await fakeWorker(0, { answer }));
    const messages: string[] = [];
    const { cluster } = await clusterOf([worker], {
      log({ level, message }) {
        if (level === 'warn') messages.push(message);
      },
    });
    const result = cluster.session().counter(0).add(1);
    await until(() => worker.greeted() > 2);
    assert.deepEqual(messages, [`worker 0: ws://127.0.0.1:${worker.port} refused the greeting: refused: unauthorized`]);
    refuses.token = false;
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await result, 1n);
  });

  it('ends when a worker goes on refusing it, with what to do, and leaves sessions alone that do not wait for it', async () => {
    const workers = [
      closing(await fakeWorker(0)),
      closing(await fakeWorker(1, { answer: () => refusal('unauthorized') })),
    ] as const;
    const { cluster } = await clusterOf(workers, { refusalTimeoutMs: 50 });
    const [session, other] = [cluster.session(), cluster.session()];
    const call = session.counter(1).add(1);
    const commit = session.commit();
    const elsewhere = other.counter(0).add(1);
    const expected = {
      name: 'UnauthorizedError',
      message:
        /^worker 1 has refused this client for 0 s, and the Finder accepts it: .*refused: unauthorized\. See that the worker has/,
    };
    await assert.rejects(call, expected);
    await assert.rejects(commit, expected);
    await assert.rejects(session.counter(0).add(1), expected);
    const peer = await workers[0].accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await elsewhere, 1n);
  });

  it('waits a little and sends again when a worker is overloaded', async () => {
    const { worker, cluster } = await oneWorker();
    const result = cluster.session().counter(0).add(1);
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    const { session, sequence } = batch;
    peer.send(refusal('overloaded', { session, sequence }));
    const again = await peer.next('batch');
    assert.deepEqual(again, batch);
    peer.send(reply(again, 1, [1n]));
    assert.equal(await result, 1n);
  });
});

/** What an error says of the operations of a worker that was removed. */
function fateOf(error: unknown): WorkerRemovedError['outcome'] {
  assert.ok(error instanceof WorkerRemovedError);
  return error.outcome;
}
