import { ClosedError, connect, WorkerRemovedError } from '@dpr/client';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import assert from 'node:assert/strict';
import { answerZeros, cut, decided, reply } from '../client/fake-cluster.ts';
import { smallClusters } from '../client/small-clusters.ts';
import { telemetry } from './telemetry.ts';

const idsOf = (spans: readonly ReadableSpan[]) => spans.map((span) => span.spanContext().spanId);
const linksOf = (span: ReadableSpan | undefined) => span?.links.map(({ context }) => context.spanId);

describe('a program that is instrumented', () => {
  const { tracer, spans, metrics, end } = telemetry();
  const { counterSession, clusterOf } = smallClusters();

  it('has a span for each batch, in that of the call', async () => {
    const { session, counter, peer } = await counterSession();
    const parent = tracer().startActiveSpan('request', (span) => {
      void counter.add(1);
      void counter.add(2);
      return span;
    });
    await answerZeros(peer, 2);
    const second = counter.get();
    await answerZeros(peer, 3);
    await second;
    const [, batch, alone] = spans('dpr batch');
    assert.ok(batch !== undefined && alone !== undefined);
    assert.equal(batch.parentSpanContext?.spanId, parent.spanContext().spanId);
    assert.equal(alone.parentSpanContext, undefined);
    assert.equal(batch.kind, SpanKind.CLIENT);
    assert.equal(batch.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(batch.attributes, {
      'dpr.session': session.id,
      'dpr.worker': 0,
      'dpr.worker.type': 'counter',
      'dpr.operations': 2,
      'dpr.bytes': 16,
    });
  });

  it('has a span for each commit, linked with those of the batches that it covers', async () => {
    const { counter, session, peer } = await counterSession({ maxUncommittedOperations: 2 });
    const sent = counter.add(1);
    await answerZeros(peer, 2);
    await sent;
    void counter.add(2);
    const waiting = session.worker(0, 'counter').call(Buffer.alloc(16), 2); // there is no room for it yet
    const commit = session.commit();
    const later = counter.add(3); // the commit does not cover it
    await answerZeros(peer, 3);
    peer.send(cut({ 0: 3 }));
    await answerZeros(peer, 4);
    peer.send(cut({ 0: 4 }));
    await Promise.all([commit, waiting]);
    await answerZeros(peer, 5);
    await later;
    const next = session.commit();
    peer.send(cut({ 0: 5 }));
    await next;
    const [, ...batches] = idsOf(spans('dpr batch'));
    const [covering, last] = spans('dpr commit');
    assert.deepEqual(linksOf(covering), batches.slice(0, 3));
    assert.deepEqual(linksOf(last), batches.slice(3));
    assert.equal(covering?.attributes['dpr.session'], session.id);
  });

  it('has a span for each cluster that it connects to', async () => {
    const { finder } = await clusterOf([]);
    const connecting = new AbortController();
    const failing = connect({ cluster: 'ws://127.0.0.1:1', signal: connecting.signal });
    connecting.abort('no more');
    await assert.rejects(failing, (reason) => reason === 'no more');
    const [good, bad, ...more] = spans('dpr connect');
    assert.equal(good?.attributes['dpr.cluster'], `ws://127.0.0.1:${finder.port}`);
    assert.equal(good.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(bad?.status, { code: SpanStatusCode.ERROR, message: "'no more'" });
    assert.deepEqual(more, []);
  });

  it('has errors of batches and commits in their spans', async () => {
    const { finder, counter, session, peer } = await counterSession();
    const call = counter.add(1);
    await peer.next('batch');
    finder.removeOnly();
    await assert.rejects(call, WorkerRemovedError);
    session.close();
    await assert.rejects(session.commit(), ClosedError);
    const [, batch] = spans('dpr batch');
    const [commit] = spans('dpr commit');
    for (const [span, type, name] of [
      [batch, 'workerRemoved', 'WorkerRemovedError'],
      [commit, 'closed', 'ClosedError'],
    ] as const) {
      assert.equal(span?.status.code, SpanStatusCode.ERROR);
      assert.equal(span.attributes['error.type'], type);
      assert.equal(span.events[0]?.attributes?.['exception.type'], type);
      assert.match(String(span.events[0].attributes?.['exception.stacktrace']), new RegExp(name));
    }
    assert.deepEqual(linksOf(commit), []);
  });

  it('has a rollback as an event of what was under way, and as metrics', async () => {
    const { session, counter, peer } = await counterSession({ replay: true });
    const completed = counter.add(1);
    await answerZeros(peer, 2);
    await completed;
    const sent = counter.add(2);
    const commit = session.commit();
    await peer.next('batch');
    peer.send(decided({ 0: 1 }));
    await peer.next('table');
    peer.send({ kind: 'tableAnswer', session: session.id, worldLine: 2, last: 1 });
    await answerZeros(peer, 3);
    await answerZeros(peer, 3);
    peer.send(cut({ 0: 3 }, { worldLine: 2 }));
    await Promise.all([sent, commit]);
    const told = spans().map(({ name, events }) => [name, events.map((event) => event.name)]);
    assert.deepEqual(told.slice(2), [
      ['dpr batch', []],
      ['dpr batch', ['dpr rollback']],
      ['dpr commit', ['dpr rollback']],
    ]);
    assert.deepEqual(spans('dpr commit')[0]?.events[0]?.attributes, {
      'dpr.world_line': 2,
      'dpr.lost': 2,
      'dpr.last_survivor': 1,
      'dpr.replaying': true,
    });
    assert.equal(spans('dpr commit')[0]?.links.length, 2);
    const measured = await metrics();
    assert.equal(measured.get('dpr.rollbacks')?.dataPoints[0]?.value, 1);
    assert.equal(measured.get('dpr.operations.lost')?.dataPoints[0]?.value, 2);
  });

  it('forgets for links what a rollback took for good', async () => {
    const { session, counter, peer } = await counterSession();
    const lost = counter.add(1);
    await answerZeros(peer, 2);
    await lost;
    peer.send(decided({ 0: 1 }));
    await assert.rejects(lost.committed, { code: 'rollback' });
    session.resume();
    const kept = counter.add(2);
    const commit = session.commit();
    await answerZeros(peer, 3);
    peer.send(cut({ 0: 3 }, { worldLine: 2 }));
    await Promise.all([kept, commit]);
    const batches = idsOf(spans('dpr batch'));
    assert.deepEqual(linksOf(spans('dpr commit')[0]), batches.slice(2));
  });

  it('has metrics of how long batches and their commits take', async () => {
    const { counter, peer } = await counterSession();
    const calls = counter.addAll([1, 2, 3]);
    await answerZeros(peer, 2);
    peer.send(cut({ 0: 2 }));
    await calls.committed;
    const measured = await metrics();
    const attributes = { 'dpr.worker': 0, 'dpr.worker.type': 'counter' };
    const [operations] = measured.get('dpr.operations')?.dataPoints ?? [];
    assert.deepEqual([operations?.attributes, operations?.value], [attributes, 4]);
    for (const name of ['dpr.batch.duration', 'dpr.batch.commit_duration']) {
      const metric = measured.get(name);
      const [point, ...more] = metric?.dataPoints ?? [];
      assert.equal(metric?.descriptor.unit, 's');
      assert.deepEqual(point?.attributes, attributes);
      const { count, sum = 0 } = point?.value as { count: number; sum?: number };
      assert.equal(count, 2);
      assert.ok(sum > 0 && sum < 60, `${name} is in seconds: ${sum}`);
      assert.deepEqual(more, []);
    }
  });

  it('has nothing more once it is ended', async () => {
    const { session, counter, peer } = await counterSession();
    const before = spans().length;
    const call = counter.add(1);
    const sent = await peer.next('batch');
    end();
    end();
    peer.send(reply(sent, 2, [0n]));
    await call;
    const commit = session.commit();
    peer.send(cut({ 0: 2 }));
    await commit;
    assert.equal(spans().length, before);
    assert.equal((await metrics()).get('dpr.operations')?.dataPoints[0]?.value, 2);
  });
});
