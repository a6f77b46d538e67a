import {
  ClosedError,
  connect,
  RollbackError,
  traceChannels,
  WorkerRemovedError,
  type BatchTrace,
  type CommitTrace,
  type ConnectTrace,
  type RollbackTrace,
} from '@dpr/client';
import assert from 'node:assert/strict';
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { answerZeros, cut, decided, reply } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';
import { until } from './until.ts';

const { batch, commit, connect: connecting, committed, rollback } = traceChannels;

/** Of any kind. */
type Trace = Partial<BatchTrace & CommitTrace & ConnectTrace & RollbackTrace>;

function eventsOf(name: string): string[] {
  return ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => `tracing:${name}:${event}`);
}

const ALL = [batch, commit, connecting].flatMap(eventsOf).concat(committed, rollback);

describe('tracing', () => {
  const { closing, clusterOf, counterSession, twoWorkers } = smallClusters();

  /** Until the test is over, what is called with each message of these channels. */
  function listen(names: readonly string[], told: (name: string, message: unknown) => void): { close: () => void } {
    const listener = (message: unknown, name: string | symbol): void => told(String(name), message);
    for (const name of names) subscribe(name, listener);
    return closing({ close: () => names.forEach((name) => unsubscribe(name, listener)) });
  }

  /** What these channels tell, in order. */
  function record(names: readonly string[]): { name: string; trace: Trace }[] {
    const events: { name: string; trace: Trace }[] = [];
    listen(names, (name, trace) => events.push({ name, trace: trace as Trace }));
    return events;
  }

  const names = (events: readonly { name: string }[]) => events.map(({ name }) => name);
  const traces = (events: readonly { trace: Trace }[]) => new Set(events.map(({ trace }) => trace));

  describe('of a batch', () => {
    const [began, ended, asyncStart, asyncEnd, failed] = eventsOf(batch) as [string, string, string, string, string];

    it('tells when it is sent, has results and is committed, of one object', async () => {
      const { session, counter, peer } = await counterSession();
      const events = record([...eventsOf(batch), committed]);
      void counter.add(1);
      const second = counter.add(2);
      assert.deepEqual(events, [], 'the calls of a tick travel at its end');
      await answerZeros(peer, 2);
      assert.deepEqual(names(events), [began, ended]);
      await second;
      assert.deepEqual(names(events), [began, ended, asyncStart, asyncEnd]);
      peer.send(cut({ 0: 2 }));
      await second.committed;
      assert.deepEqual(names(events), [began, ended, asyncStart, asyncEnd, committed]);
      const trace: BatchTrace = { session: session.id, worker: 0, type: 'counter', first: 2, count: 2, bytes: 16 };
      assert.deepEqual([...traces(events)], [trace]);
    });

    it('tells why it has no results', async () => {
      const { finder, counter, peer } = await counterSession();
      const events = record([...eventsOf(batch), committed]);
      const call = counter.add(1);
      await peer.next('batch');
      finder.removeOnly();
      await assert.rejects(call, WorkerRemovedError);
      assert.deepEqual(names(events), [began, ended, failed, asyncStart, asyncEnd]);
      assert.equal(traces(events).size, 1);
      assert.ok(events[0]?.trace.error instanceof WorkerRemovedError);
    });

    it('tells of the end of a session that waits for results, and not of what has them or was never sent', async () => {
      const { session, counter, peer } = await counterSession({ maxUncommittedOperations: 2 });
      const events = record(eventsOf(batch));
      const completed = counter.add(1);
      await answerZeros(peer, 2);
      await completed;
      const sent = counter.add(2);
      await peer.next('batch');
      const waiting = counter.add(3);
      session.close();
      await Promise.all([sent, waiting].map((call) => assert.rejects(call, ClosedError)));
      assert.deepEqual(
        events.map(({ name, trace: { first, error } }) => [name, first, error instanceof ClosedError]),
        [
          ...[began, ended, asyncStart, asyncEnd].map((name) => [name, 2, false]),
          ...[began, ended, failed, asyncStart, asyncEnd].map((name) => [name, 3, true]),
        ],
      );
    });

    it('tells of its first results alone, and of its commit, when it is issued again', async () => {
      const { counter, peer } = await counterSession({ replay: true });
      const events = record([...eventsOf(batch), committed]);
      const call = counter.add(1);
      await answerZeros(peer, 2);
      await call;
      peer.send(decided({ 0: 1 }));
      await answerZeros(peer, 3);
      peer.send(cut({ 0: 3 }, { worldLine: 2 }));
      await call.committed;
      assert.deepEqual(names(events), [began, ended, asyncStart, asyncEnd, committed]);
    });

    it('runs subscribers where its first call was made, whichever session ended the tick', async () => {
      const storage = new AsyncLocalStorage<string>();
      const { workers, cluster } = await twoWorkers();
      const seen: [string, string | undefined][] = [];
      listen([...eventsOf(batch), committed], (_, trace) =>
        seen.push([(trace as BatchTrace).session, storage.getStore()]),
      );
      const [one, two] = [cluster.session(), cluster.session()];
      const calls = [
        storage.run('request 1', () => one.counter(0).add(1)),
        storage.run('request 2', () => two.counter(1).add(1)),
        storage.run('request 3', () => one.counter(0).add(1)),
      ];
      for (const [id, worker] of workers.entries()) {
        const peer = await worker.accept();
        await answerZeros(peer, 1);
        peer.send(cut({ [id]: 1 }));
      }
      await Promise.all(calls.map(({ committed: told }) => told));
      for (const [session, request] of [
        [one, 'request 1'],
        [two, 'request 2'],
      ] as const) {
        const its = seen.filter(([id]) => id === session.id);
        assert.deepEqual(its, Array(5).fill([session.id, request]));
      }
    });

    it('does not tell of what began before there were subscribers', async () => {
      const { counter, peer } = await counterSession();
      const early = counter.add(1);
      const events = record([...eventsOf(batch), committed]);
      await answerZeros(peer, 2);
      await early;
      const late = counter.add(2);
      await answerZeros(peer, 3);
      peer.send(cut({ 0: 3 }));
      await Promise.all([early.committed, late.committed]);
      assert.deepEqual(
        events.map(({ trace }) => trace.first),
        Array(5).fill(3),
      );
    });

    it('tells a subscriber of commits alone, and one of results alone', async () => {
      for (const wanted of [committed, asyncEnd]) {
        const { counter, peer } = await counterSession();
        const events: unknown[] = [];
        const listening = listen([wanted], (_, trace) => events.push(trace));
        const call = counter.add(1);
        await answerZeros(peer, 2);
        peer.send(cut({ 0: 2 }));
        await call.committed;
        assert.equal(events.length, 1, wanted);
        listening.close();
      }
    });

    it('tells nothing any more once subscribers have gone', async () => {
      const { counter, peer } = await counterSession();
      const events: string[] = [];
      const listening = listen([...eventsOf(batch), committed], (name) => events.push(name));
      const call = counter.add(1);
      const sent = await peer.next('batch');
      listening.close();
      peer.send(reply(sent, 2, [0n]));
      peer.send(cut({ 0: 2 }));
      await call.committed;
      assert.deepEqual(events, [began, ended]);
    });

    it('makes nothing for a batch while there are no subscribers', async () => {
      const { counter, peer } = await counterSession();
      const made: string[] = [];
      const hook = createHook({ init: (_id, type) => void made.push(type) }).enable();
      closing({ close: () => hook.disable() });
      const call = async (version: number): Promise<number> => {
        const called = counter.add(1);
        await answerZeros(peer, version);
        await called;
        return made.filter((type) => type === 'DprBatch').length;
      };
      assert.equal(await call(2), 0);
      record([committed]);
      assert.equal(await call(3), 1);
    });
  });

  describe('of a commit', () => {
    const [began, ended, asyncStart, asyncEnd, failed] = eventsOf(commit);

    it('tells from the call until it is settled, and which operations it covers', async () => {
      const { session, counter, peer } = await counterSession();
      const events = record(eventsOf(commit));
      void counter.addAll([1, 2, 3]);
      const committing = session.commit();
      assert.deepEqual(names(events), [began, ended]);
      await answerZeros(peer, 2);
      peer.send(cut({ 0: 2 }));
      await committing;
      assert.deepEqual(names(events), [began, ended, asyncStart, asyncEnd]);
      assert.equal(traces(events).size, 1);
      const { session: id, upTo } = events[0]?.trace ?? {};
      assert.deepEqual({ id, upTo }, { id: session.id, upTo: 4 });
    });

    it('tells why it was rejected', async () => {
      const { session } = await counterSession();
      const events = record(eventsOf(commit));
      session.close();
      await assert.rejects(session.commit(), ClosedError);
      assert.deepEqual(names(events), [began, ended, failed, asyncStart, asyncEnd]);
      assert.ok(events[0]?.trace.error instanceof ClosedError);
    });
  });

  describe('of connecting', () => {
    const [began, ended, asyncStart, asyncEnd, failed] = eventsOf(connecting);

    it('tells from the call until there is a cluster', async () => {
      const events = record(eventsOf(connecting));
      const { finder, cluster } = await clusterOf([]);
      assert.deepEqual(names(events), [began, ended, asyncStart, asyncEnd]);
      assert.equal(traces(events).size, 1);
      assert.equal(events[0]?.trace.cluster, `ws://127.0.0.1:${finder.port}`);
      assert.equal(events[0].trace.result, cluster);
    });

    it('tells why there is none, but of no options that cannot be used', async () => {
      const events = record(eventsOf(connecting));
      await assert.rejects(connect({ cluster: 'ws://127.0.0.1:1', connectTimeoutMs: -1 }), RangeError);
      assert.equal(events.length, 0);
      const error = new Error('no more');
      const aborting = new AbortController();
      const connected = connect({ cluster: 'ws://127.0.0.1:1', signal: aborting.signal });
      aborting.abort(error);
      await assert.rejects(connected, error);
      assert.deepEqual(names(events), [began, ended, failed, asyncStart, asyncEnd]);
      assert.equal(events[0]?.trace.error, error);
    });
  });

  it('tells of a rollback before what it did to batches, and not again of what had results', async () => {
    const { session, counter, peer } = await counterSession();
    const events = record(ALL);
    const completed = counter.add(1);
    await answerZeros(peer, 2);
    await completed;
    const sent = counter.add(2);
    await peer.next('batch');
    events.length = 0;
    peer.send(decided({ 0: 1 }));
    await peer.next('table');
    peer.send({ kind: 'tableAnswer', session: session.id, worldLine: 2, last: 1 });
    await Promise.all([completed.committed, sent].map((call) => assert.rejects(call, RollbackError)));
    const [, , asyncStart, asyncEnd, failed] = eventsOf(batch);
    assert.deepEqual(names(events), [rollback, failed, asyncStart, asyncEnd]);
    const [told, lost] = events.map(({ trace }) => trace);
    assert.deepEqual(told, { session: session.id, report: session.broken?.report });
    assert.ok(lost?.first === 3 && lost.error === session.broken);
  });

  describe('lets a subscriber', () => {
    it('end the session when a batch is sent', async () => {
      const { session, counter, peer } = await counterSession();
      const batches: number[] = [];
      listen([`tracing:${batch}:start`], () => session.close());
      listen([`tracing:${batch}:error`], (_, trace) => batches.push((trace as BatchTrace).first));
      const calls = [counter.add(1), session.worker(0, 'counter').call(Buffer.alloc(8), 1)];
      await Promise.all(calls.map((call) => assert.rejects(call, ClosedError)));
      assert.deepEqual(batches, [2], 'the other one was not sent');
      assert.deepEqual(peer.untaken('batch'), []);
      assert.deepEqual(session.uncommitted, { operations: 0, bytes: 0 });
    });

    it('call the session when there are results, and go on after a rollback', async () => {
      const { session, counter, peer } = await counterSession();
      let calls = 0;
      listen([`tracing:${batch}:asyncEnd`], () => calls++ === 0 && void counter.add(calls));
      listen([rollback], () => session.resume());
      void counter.add(7);
      await answerZeros(peer, 2);
      await answerZeros(peer, 2);
      await until(() => calls === 2);
      peer.send(decided({ 0: 1 }));
      await until(() => session.worldLine === 2);
      const next = counter.add(8);
      await answerZeros(peer, 3);
      await next;
      assert.equal(session.broken, undefined);
    });

    it('throw, which is an uncaught exception and does not harm the session', async () => {
      const { counter, peer } = await counterSession();
      const mocha = process.rawListeners('uncaughtException') as (() => void)[];
      process.removeAllListeners('uncaughtException');
      closing({ close: () => mocha.forEach((listener) => process.on('uncaughtException', listener)) });
      const uncaught = once(process, 'uncaughtException');
      listen([`tracing:${batch}:asyncEnd`], () => {
        throw new Error('a mistake of the subscriber');
      });
      const call = counter.add(1);
      await answerZeros(peer, 2);
      peer.send(cut({ 0: 2 }));
      await call.committed;
      const [error] = (await uncaught) as [Error];
      assert.equal(error.message, 'a mistake of the subscriber');
    });
  });
});
