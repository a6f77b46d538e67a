import { MalformedOperationsError, SessionExpiredError, WorkerRemovedError, type CallOptions } from '@dpr/client';
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sessionFailure } from '../../services/client/errors.ts';
import { amounts, refusal, reply } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';
import { until } from './until.ts';

const collectGarbage = garbageCollector();

describe('the end of a wait, or of a session', () => {
  const { oneWorker } = smallClusters();

  /** A session's first call, whose batch the worker refuses. */
  async function refusedCall(...[code, fields = {}]: Parameters<typeof refusal>) {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const call = session.counter(0).add(1);
    const peer = await worker.accept();
    const { session: id, sequence } = await peer.next('batch');
    peer.send(refusal(code, { session: id, sequence, ...fields }));
    return { session, call };
  }

  it('comes when a call is aborted', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const { signal, abort } = aborting();
    const waiting = [session.counter(0).add(1, { signal }), session.commit({ signal })];
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    abort();
    for (const one of waiting) await assert.rejects(one, /too late/);
    await assert.rejects(session.counter(0).add(2, { signal }), /too late/, 'and is not even sent');
    const after = session.counter(0).add(4);
    assert.deepEqual(amounts(await peer.next('batch')), [4n]);
    peer.send(reply(batch, 1, [1n]));
    peer.send({ ...reply(batch, 1, [5n]), sequence: 2 });
    assert.equal(await after, 5n);
  });

  it('leaves nothing of those who waited, however long what they waited for takes', async () => {
    const { worker, cluster } = await oneWorker();
    const session = cluster.session({ maxUncommittedOperations: 1 });
    void session
      .counter(0)
      .add(1)
      .catch(() => undefined);
    await (await worker.accept()).next('batch');
    void session
      .counter(0)
      .add(2)
      .catch(() => undefined); // there is no room for it
    async function giveUp(wait: (options: CallOptions) => Promise<void>): Promise<WeakRef<AbortSignal>> {
      const { signal, abort } = aborting();
      const waits = wait({ signal });
      abort();
      await assert.rejects(waits, /too late/);
      return new WeakRef(signal);
    }
    const signals = [
      await giveUp((options) => session.ready(options)),
      await giveUp((options) => session.commit(options)),
    ];
    await until(() => {
      collectGarbage();
      return signals.every((signal) => signal.deref() === undefined);
    });
  });

  it('of a commit that is aborted leaves it to the next one to tell of a call that failed', async () => {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const session = cluster.session();
    const { signal, abort } = aborting();
    const call = session.counter(0).add(1);
    const aborted = session.commit({ signal });
    await (await worker.accept()).next('batch');
    abort();
    await assert.rejects(aborted, /too late/);
    finder.removeOnly();
    await until(() => session.uncommitted.operations === 0);
    await assert.rejects(session.commit(), WorkerRemovedError);
    await session.commit();
    await assert.rejects(call, WorkerRemovedError);
  });

  it('may come to many calls by one signal', async () => {
    const warnings: Error[] = [];
    const notice = (warning: Error): void => void warnings.push(warning);
    process.on('warning', notice);
    const { worker, cluster } = await oneWorker();
    const { signal } = new AbortController();
    const counter = cluster.session().counter(0);
    const results = Array.from({ length: 50 }, () => counter.add(1, { signal }));
    const all = Promise.all(results);
    const peer = await worker.accept();
    peer.send(
      reply(
        await peer.next('batch'),
        1,
        Array.from({ length: 50 }, (_, index) => BigInt(index + 1)),
      ),
    );
    assert.equal((await all).at(-1), 50n);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', notice);
    assert.deepEqual(warnings, []);
  });

  it('comes when the worker forgot the session, or does not understand it', async () => {
    for (const [code, expected] of [
      ['sessionExpired', SessionExpiredError],
      ['malformed', MalformedOperationsError],
    ] as const) {
      const { session, call } = await refusedCall(code);
      await assert.rejects(call, expected);
      await assert.rejects(call.committed, expected);
      await assert.rejects(session.counter(0).add(1), expected);
      await assert.rejects(session.commit(), expected);
    }
  });

  it('names its first cause to every later call, and says that the session ended because of it', async () => {
    for (const [code, message] of [
      [
        'malformed',
        /^the session ended, because a worker .* \(worker 0: no\): nothing of that call executed\. Correct /,
      ],
      ['tooManySessions', /^the session ended \(no\): close sessions/],
      ['sessionExpired', /^the session expired \(no\): .* Begin a new session$/],
    ] as const) {
      const { session, call } = await refusedCall(code, { text: 'no' });
      await assert.rejects(call, { message });
      await assert.rejects(session.counter(0).add(1), { message });
      await assert.rejects(session.commit(), { message });
    }
  });

  it('comes not yet when the version is absurd: calls wait until the worker believes it', async () => {
    const { worker, cluster } = await oneWorker();
    const call = cluster.session().counter(0).add(1);
    const peer = await worker.accept();
    for (let refused = 0; refused < 3; refused++) {
      const { session, sequence } = await peer.next('batch');
      peer.send(refusal('absurdVersion', { session, sequence }));
    }
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    assert.equal(await call, 1n);
  });

  it('names the clocks where the version was absurd for too long', () => {
    const { code, message } = sessionFailure('absurdVersion', 'version 9 is ahead of all that is known');
    assert.equal(code, 'protocol');
    assert.match(
      message,
      /^the session ended \(absurdVersion: version 9 is ahead .*\): .* See that the clocks of workers agree/,
    );
  });

  it('is told to the workers when the session or the cluster is closed, but not when the session failed', async () => {
    const { worker, cluster } = await oneWorker();
    const sessions = [cluster.session(), cluster.session(), cluster.session()] as const;
    const calls = sessions.map((session) => session.counter(0).add(1));
    const peer = await worker.accept();
    const batches = [await peer.next('batch'), await peer.next('batch'), await peer.next('batch')] as const;
    peer.send(refusal('sessionExpired', { session: batches[2].session, sequence: batches[2].sequence }));
    for (const batch of batches.slice(0, 2)) peer.send(reply(batch, 1, [1n]));
    assert.deepEqual(
      (await Promise.allSettled(calls)).map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
    sessions[0].close();
    assert.equal((await peer.next('sessionEnded')).session, sessions[0].id);
    await cluster.close();
    await peer.closed;
    assert.deepEqual(
      peer.untaken('sessionEnded').map(({ session }) => session),
      [sessions[1].id],
    );
  });

  it('comes with ClosedError when it is closed, and the application need not look at it', async () => {
    const unseen: unknown[] = [];
    const notice = (reason: unknown): void => void unseen.push(reason);
    process.on('unhandledRejection', notice);
    const { worker, cluster } = await oneWorker();
    const session = cluster.session();
    const completed = session.counter(0).add(1);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [1n]));
    await completed;
    void session.counter(0).add(2);
    void completed.committed;
    const commit = session.commit();
    session.close();
    await assert.rejects(commit, { name: 'ClosedError', code: 'closed' });
    await assert.rejects(completed.committed, { code: 'closed' });
    assert.equal(await completed, 1n, 'what completed stays so');
    await cluster.close();
    await assert.rejects(session.counter(0).add(1), { code: 'closed' });
    assert.throws(() => cluster.session(), { code: 'closed' });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', notice);
    assert.deepEqual(unseen, []);
  });
});

function aborting(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('too late')) };
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
