import {
  connectOperator,
  RefusedError,
  UnauthorizedError,
  UnknownWorkerError,
  type ClusterEvent,
  type OperatorOptions,
  limits,
} from '@dpr/client';
import type { Member, MemberStatus, MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { cleanUp } from './clean-up.ts';
import { CLUSTER, cut, fakeServer, refusal, STAMP, welcome } from './fake-cluster.ts';
import { PAST_EVENT_KINDS, pastEventOf } from './fake-events.ts';
import { statusOf } from './fake-status.ts';
import { until } from './until.ts';

describe('an operator', () => {
  const closing = cleanUp();

  async function openOperator(options: Partial<OperatorOptions> = {}) {
    const control = closing(await fakeServer({ answer: () => welcome() }));
    const finder = closing(await fakeServer({ answer: () => welcome({ controlPort: control.port }) }));
    const connecting = connectOperator({ cluster: `ws://127.0.0.1:${finder.port}`, ...options });
    return { finder, control, operator: closing(await connecting), peer: await control.accept() };
  }

  function membership(version: number, members: readonly Partial<Member>[]): MessageOf<'cluster'> {
    const whole = { generation: 1, type: 'counter', host: '', port: 7000, leaving: false };
    return {
      kind: 'cluster',
      cluster: CLUSTER,
      version,
      members: members.map((member, id) => ({ id, ...whole, ...member })),
      removed: [],
    };
  }

  it('finds the control port by the public one, and shows its token only there', async () => {
    const { finder, peer } = await openOperator({ token: 'for clients', controlToken: 'for operators' });
    const public_ = await finder.accept();
    assert.deepEqual([public_.hello.role, public_.hello.token], ['client', 'for clients']);
    assert.deepEqual([peer.hello.role, peer.hello.token], ['operator', 'for operators']);
    await public_.closed;
  });

  it('goes where it is told', async () => {
    const control = closing(await fakeServer({ answer: () => welcome() }));
    const address = `ws://127.0.0.1:${control.port}`;
    closing(await connectOperator({ cluster: 'ws://127.0.0.1:1', control: address }));
    await control.accept();
  });

  it('is told at once that its token is wrong', async () => {
    const control = closing(await fakeServer({ answer: () => refusal('unauthorized') }));
    const connecting = connectOperator({ cluster: 'ws://127.0.0.1:1', control: `ws://127.0.0.1:${control.port}` });
    await assert.rejects(connecting, UnauthorizedError);
  });

  it('is told how the cluster is, workers in the order of their ids', async () => {
    const { operator, peer } = await openOperator();
    const asked = operator.status();
    await peer.next('status');
    peer.send(statusOf([{ id: 3, host: 'other' }, { id: 0 }]));
    const { cluster, worldLine, workers } = await asked;
    assert.deepEqual({ cluster, worldLine }, { cluster: CLUSTER, worldLine: 1 });
    assert.deepEqual(
      workers.map(({ id, address }) => [id, address]),
      [
        [0, 'ws://127.0.0.1:7000'],
        [3, 'ws://other:7000'],
      ],
    );
  });

  it('removes workers, and tells what a leave waits for', async () => {
    const { operator, peer } = await openOperator();
    const leaving = operator.deleteWorker(1, { generation: 2 });
    const asked = await peer.next('deleteWorker');
    assert.deepEqual(asked, { kind: 'deleteWorker', worker: 1, generation: 2, force: false });
    peer.send({ kind: 'deleteAnswer', worker: 1, state: 'leaving', waitingFor: 'worker 0' });
    assert.deepEqual(await leaving, { state: 'leaving', waitingFor: 'worker 0' });
    for (const [code, expected] of [
      ['unknownWorker', UnknownWorkerError],
      ['wrongGeneration', RefusedError],
    ] as const) {
      const refused = operator.deleteWorker(7, { force: true });
      assert.equal((await peer.next('deleteWorker')).force, true);
      peer.send(refusal(code));
      await assert.rejects(refused, expected);
    }
  });

  it('is told what happened before, each event with what belongs to its kind', async () => {
    const { operator, peer } = await openOperator();
    const asked = operator.events({ after: 7 });
    assert.deepEqual(await peer.next('events'), { kind: 'events', after: 7 });
    const { start } = STAMP;
    const kinds = PAST_EVENT_KINDS;
    peer.send({
      kind: 'eventsAnswer',
      start,
      events: kinds.map((kind, place) => pastEventOf(kind, { number: 8 + place })),
    });
    const common = (place: number) => ({ number: 8 + place, agoMs: 0, worldLine: 1 });
    const of = (place: number) => ({ ...common(place), worker: 0, generation: 1 });
    assert.deepEqual(await asked, {
      start,
      events: [
        { ...common(0), kind: 'finderStarted' },
        { ...of(1), kind: 'joined', type: 'counter', restarts: 3 },
        { ...of(2), kind: 'restarted', type: 'counter', restarts: 3 },
        { ...of(3), kind: 'away' },
        { ...of(4), kind: 'back' },
        { ...of(5), kind: 'silent', forMs: 1_500 },
        { ...of(6), kind: 'answersAgain', forMs: 1_500 },
        { ...of(7), kind: 'leaving' },
        { ...of(8), kind: 'left', forced: true },
        { ...of(9), kind: 'rolledBack', forced: true, operations: 1_234 },
      ],
    });
    const all = operator.events();
    assert.equal((await peer.next('events')).after, 0);
    peer.send({ kind: 'eventsAnswer', start, events: [] });
    assert.deepEqual(await all, { start, events: [] });
  });

  it('is told that a Finder is older than a question, and asks the next one on another connection', async () => {
    const { control, operator, peer } = await openOperator();
    const events = operator.events();
    const status = operator.status();
    await peer.next('events');
    peer.send(refusal('malformed'));
    peer.cut();
    await assert.rejects(events, (error: Error) => {
      assert.ok(error instanceof RefusedError);
      assert.match(error.message, /^the Finder does not know what it is asked, because it is older than this client/);
      return true;
    });
    const again = await control.accept();
    await again.next('status');
    again.send(statusOf([]));
    assert.deepEqual((await status).workers, []);
    assert.deepEqual(again.untaken('events'), []);
  });

  it('asks nothing that cannot be sent, and everything after it', async () => {
    const { operator, peer } = await openOperator();
    for (const id of [-1, 1.5, NaN, 65_536]) {
      await assert.rejects(
        operator.deleteWorker(id),
        new RangeError(`a worker's id is ${id}: give a whole number from 0 to 65535`),
      );
    }
    await assert.rejects(
      operator.deleteWorker(1, { generation: 2 ** 32 }),
      /^RangeError: the removal option 'generation' is 4294967296: give a whole number from 0 to 4294967295/,
    );
    for (const after of [-1, 0.5, 2 ** 53]) {
      await assert.rejects(
        operator.events({ after }),
        /^RangeError: the events option 'after' is .*: give a whole number/,
      );
    }
    const status = operator.status();
    await peer.next('status');
    peer.send(statusOf([]));
    assert.deepEqual((await status).workers, []);
  });

  it('asks MAX_OPERATOR_REQUESTS at a time, and refuses the next', async () => {
    const { operator, peer } = await openOperator();
    const asked = Array.from({ length: limits.MAX_OPERATOR_REQUESTS }, () => operator.status());
    await assert.rejects(operator.status(), { name: 'OverloadedError' });
    for (const one of asked) {
      await peer.next('status');
      peer.send(statusOf([]));
      await one;
    }
    const next = operator.status();
    await peer.next('status');
    peer.send(statusOf([]));
    await next;
  });

  it('asks again, one thing at a time, after the Finder was away', async () => {
    const { control, operator, peer } = await openOperator();
    const answers = [operator.deleteWorker(1), operator.status()] as const;
    await peer.next('deleteWorker');
    assert.equal(peer.received.length, 1);
    peer.cut();
    const again = await control.accept();
    assert.equal(again.hello.cluster, CLUSTER);
    await again.next('deleteWorker');
    again.send({ kind: 'deleteAnswer', worker: 1, state: 'left', waitingFor: '' });
    await again.next('status');
    again.send(statusOf([]));
    assert.equal((await answers[0]).state, 'left');
    assert.deepEqual((await answers[1]).workers, []);
  });

  it('tells what happens as it happens', async () => {
    const { control, operator, peer } = await openOperator({ watchPollMs: 3_600_000 });
    const events: ClusterEvent[] = [];
    operator.watch((event) => events.push(event));
    await peer.next('subscribe');
    const incarnations = [1, 1];
    const tell = async (message: MessageOf<'cluster'>, to = peer): Promise<void> => {
      to.send(message);
      await to.next('status');
      to.send(
        statusOf(incarnations.map((incarnation, id) => ({ id, incarnation, restarts: Math.max(0, incarnation - 2) }))),
      );
    };
    await tell(membership(1, [{}]));
    peer.send(cut({ 0: 10 }));
    assert.deepEqual(events, [], 'how things are is no event');

    await tell(membership(2, [{}, { type: 'kv' }]));
    for (const incarnation of [2, 3]) {
      incarnations[0] = incarnation;
      await tell(membership(incarnation + 1, [{}, { type: 'kv' }]));
      await until(() => events.length === incarnation); // which only the answer to STATUS shows
    }
    peer.send(cut({ 0: 12, 1: 5 }));
    peer.send(cut({ 0: 12, 1: 5 }, { worldLine: 2 }));
    await tell(membership(5, [{ leaving: true }, { type: 'kv' }]));
    peer.cut();
    // What happened while it was away is told too.
    const again = await control.accept();
    await again.next('subscribe');
    await tell(membership(6, [{ generation: 2 }]), again);
    await until(() => events.length === 8);
    assert.deepEqual(events, [
      { kind: 'joined', worker: 1, generation: 1, type: 'kv' },
      { kind: 'restarted', worker: 0, restarts: 0 }, // after a clean stop
      { kind: 'restarted', worker: 0, restarts: 1 },
      {
        kind: 'cut',
        worldLine: 1,
        advanced: new Map([
          [0, { version: 12, by: 2 }],
          [1, { version: 5, by: 5 }],
        ]),
      },
      { kind: 'rolledBack', worldLine: 2, from: 1 },
      { kind: 'leaving', worker: 0 },
      { kind: 'joined', worker: 0, generation: 2, type: 'counter' },
      { kind: 'left', worker: 1 },
    ]);
  });

  it('tells of a worker that falls silent, and that it answers again, though no frame of the Finder does', async () => {
    const { operator, peer } = await openOperator({ watchPollMs: 1 });
    const events: ClusterEvent[] = [];
    const stop = operator.watch((event) => events.push(event));
    const tell = async (...workers: Partial<MemberStatus>[]): Promise<void> => {
      await peer.next('status');
      peer.send(statusOf(workers));
    };
    await tell({ id: 0 }, { id: 1, state: 'silent', silentMs: 9_000 }, { id: 2 });
    await tell({ id: 0, state: 'silent', silentMs: 2_000 }, { id: 1 }, { id: 2, state: 'silent', silentMs: 2_000 });
    await tell({ id: 0, state: 'silent', silentMs: 3_000 }, { id: 1 }, { id: 2, state: 'away' });
    await tell({ id: 0 }, { id: 1 }, { id: 2, incarnation: 2, restarts: 1 });
    await tell({ id: 0, state: 'silent', silentMs: 2_500 });
    await tell({ id: 0, state: 'away' });
    await tell({ id: 0 });
    await until(() => events.length === 8);
    assert.deepEqual(events, [
      { kind: 'silent', worker: 1, forMs: 9_000 }, // and was before anything watched
      { kind: 'silent', worker: 0, forMs: 2_000 },
      { kind: 'answersAgain', worker: 1 },
      { kind: 'silent', worker: 2, forMs: 2_000 },
      { kind: 'answersAgain', worker: 0 },
      { kind: 'restarted', worker: 2, restarts: 1 },
      { kind: 'silent', worker: 0, forMs: 2_500 },
      { kind: 'answersAgain', worker: 0 }, // only its connection had ended
    ]);
    stop();
    let answered = 0;
    const answering = (async () => {
      for (;;) {
        await tell();
        answered++;
      }
    })();
    for (let asked = 0; asked < 20; asked++) await operator.status();
    assert.ok(answered <= 21, 'nothing else is asked any more, but for a question that was on its way');
    peer.cut();
    await assert.rejects(answering);
  });

  it('rejects what is not answered when it is closed', async () => {
    const { operator, peer } = await openOperator();
    const asked = operator.status();
    await peer.next('status');
    operator.close();
    await assert.rejects(asked, { code: 'closed' });
    await assert.rejects(operator.status(), { code: 'closed' });
    assert.throws(() => operator.watch(() => undefined), { code: 'closed' });
  });
});
