import assert from 'node:assert/strict';
import { createFinder, FINDER_DEFAULTS, stepFinder, type FinderEvent, type FinderRecord } from '@dpr/core';
import type { MemberStatus, Message, MessageOf } from '@dpr/protocol';

const OPERATOR = 1_000;

/** A Finder on a disk that takes no time, with workers whose volumes keep nothing. */
function finderWithWorker() {
  const config = { ...FINDER_DEFAULTS, controlPort: 1, decisionGraceMs: 0 };
  let finder = createFinder(config);
  const logged: [event: string, details: Readonly<Record<string, unknown>>][] = [];
  let answer: MessageOf<'statusAnswer'> | undefined;
  let now = 0;
  let boots = 0;

  function dispatch(event: FinderEvent): void {
    for (const effect of stepFinder(finder, event, now)) {
      if (effect.kind === 'log') logged.push([effect.event, effect.details]);
      if (effect.kind === 'send' && effect.message.kind === 'statusAnswer') answer = effect.message;
      if (effect.kind === 'write') dispatch({ kind: 'written', counter: effect.counter });
    }
  }
  const frame = (connection: number, message: Message) => dispatch({ kind: 'frame', connection, message });
  const open = (connection: number, role: 'worker' | 'operator') =>
    dispatch({ kind: 'opened', connection, role, cluster: undefined, stamp: undefined });

  function load(record: FinderRecord | undefined, start: string): void {
    dispatch({ kind: 'loaded', record, start: start.repeat(16), cluster: 'c'.repeat(32) });
    open(OPERATOR, 'operator');
  }

  /** A process of a worker joins, on a connection of its own. */
  function join(
    connection: number,
    {
      worker,
      known,
      incarnation,
      removed = 0,
    }: { worker: number; known: number; incarnation: number; removed?: number },
    clean?: MessageOf<'register'>['clean'],
  ): void {
    open(connection, 'worker');
    const generation = known || removed + 1;
    const common = { worker, boot: connection.toString(16).padStart(32, '0'), checkpoints: [] };
    frame(connection, { kind: 'claim', ...common, generation: known, state: 'unsaid', from: 0, removed, kept: [] });
    const register = { ...common, generation, incarnation, type: 'text', host: '', port: 6380 };
    frame(connection, { kind: 'register', ...register, clean });
    const { worldLine } = finder.record;
    frame(connection, { kind: 'graph', worker, generation, incarnation, worldLine, checkpoints: [] });
  }

  load(undefined, '5');
  return {
    logged,
    dispatch,
    frame,
    pass: (ms: number) => (now += ms),
    /** A process of worker 0 joins, on the connection whose number is its incarnation. */
    start: (clean?: MessageOf<'register'>['clean']): void => {
      boots++;
      join(boots, { worker: 0, known: boots === 1 ? 0 : 1, incarnation: boots }, clean);
    },
    join,
    restartFinder: (): void => {
      const { record } = finder;
      finder = createFinder(config);
      load(record, '6');
    },
    /** A checkpoint of the worker on this connection is durable. */
    report: (connection: number, version: number, predecessor: number, dependencies: [number, number][] = []): void => {
      const { worldLine } = finder.record;
      const checkpoint = { worldLine, version, predecessor, dependencies: new Map(dependencies), urgent: true };
      frame(connection, { kind: 'checkpoint', ...checkpoint });
    },
    progress: (connection: number, operations: number, committedOperations: number): void =>
      frame(connection, { kind: 'progress', version: 1, operations, committedOperations, lagMs: 0 }),
    worldLine: () => finder.record.worldLine,
    status: (): MemberStatus => {
      frame(OPERATOR, { kind: 'status' });
      return answer?.members.find(({ id }) => id === 0) ?? assert.fail('worker 0 is no member');
    },
  };
}

describe('the status that the Finder tells', () => {
  it('is silent of a worker that does not answer, and for how long, until it does', () => {
    const { start, status, dispatch, pass, logged } = finderWithWorker();
    start();
    assert.deepEqual([status().state, status().silentMs], ['serving', 0]);
    pass(5_000);
    dispatch({ kind: 'silence', connection: 1, forMs: 1_500 });
    assert.deepEqual([status().state, status().silentMs], ['silent', 1_500]);
    pass(2_000);
    assert.deepEqual([status().state, status().silentMs], ['silent', 3_500]);
    dispatch({ kind: 'silence', connection: 1, forMs: 0 });
    assert.deepEqual([status().state, status().silentMs], ['serving', 0]);
    assert.deepEqual(logged.slice(-2), [
      ['silent', { worker: 0, forMs: 1_500, holdsUp: 'nothing that depends on worker 0 commits' }],
      ['answersAgain', { worker: 0, afterMs: 3_500 }],
    ]);
  });

  it('is away once the connection of a silent worker breaks, and says nothing of one that was fenced', () => {
    const { start, status, dispatch, logged } = finderWithWorker();
    start();
    dispatch({ kind: 'silence', connection: 1, forMs: 1_500 });
    dispatch({ kind: 'closed', connection: 1 });
    assert.deepEqual([status().state, status().silentMs], ['away', 0]);
    dispatch({ kind: 'silence', connection: 1, forMs: 1_500 });
    start();
    start();
    const before = logged.length;
    dispatch({ kind: 'silence', connection: 2, forMs: 1_500 });
    assert.equal(logged.length, before);
    assert.equal(status().state, 'serving');
  });

  it('tells when something was committed and durable last, however long before that its version was opened', () => {
    const { start, status, report, progress, pass } = finderWithWorker();
    const told = () => [status().committedAgoMs, status().durableAgoMs, status().allCommitted];
    start();
    assert.deepEqual(told(), [undefined, undefined, false], 'nothing was reported');
    progress(1, 0, 0);
    assert.deepEqual(told(), [undefined, undefined, true]);
    pass(19 * 60_000);
    report(1, 5, 0);
    assert.deepEqual(told(), [0, 0, true]);
    pass(1_000);
    progress(1, 3, 1);
    assert.deepEqual(told(), [1_000, 1_000, false], 'two operations wait');
    pass(1_000);
    report(1, 9, 5);
    progress(1, 3, 3);
    assert.deepEqual(told(), [0, 0, true]);
  });

  it('tells since when nothing is committed, while checkpoints become durable', () => {
    const { start, join, status, report, progress, pass, dispatch } = finderWithWorker();
    const told = () => [status().committedAgoMs, status().durableAgoMs, status().allCommitted];
    start();
    join(500, { worker: 1, known: 0, incarnation: 1 });
    report(1, 5, 0);
    pass(2_000);
    report(1, 9, 5, [[1, 9]]);
    progress(1, 3, 3);
    pass(30_000);
    assert.deepEqual(
      told(),
      [32_000, 30_000, false],
      'what is durable and not committed, which the worker does not know yet',
    );
    report(500, 9, 0);
    assert.deepEqual(told(), [0, 30_000, true]);
    dispatch({ kind: 'silence', connection: 1, forMs: 1_500 });
    assert.deepEqual(told(), [0, 30_000, false], 'a silent worker may have executed more');
  });

  it('tells what is durable after a rollback as what was so before', () => {
    const { start, join, status, report, pass } = finderWithWorker();
    start();
    join(500, { worker: 1, known: 0, incarnation: 1 });
    report(1, 5, 0);
    pass(2_000);
    report(1, 9, 5, [[1, 9]]);
    pass(1_000);
    join(501, { worker: 1, known: 1, incarnation: 2 });
    assert.deepEqual([status().durable, status().committedAgoMs, status().durableAgoMs], [5, 3_000, 3_000]);
  });

  it('does not tell when something was committed before the Finder began, or in an earlier generation', () => {
    const { start, join, status, report, frame, pass, restartFinder, dispatch } = finderWithWorker();
    const told = () => [status().committed, status().committedAgoMs, status().durableAgoMs];
    start();
    report(1, 5, 0);
    pass(1_000);
    assert.deepEqual(told(), [5, 1_000, 1_000]);
    restartFinder();
    assert.deepEqual(told(), [5, undefined, undefined]);
    const listed = { worker: 0, generation: 1, incarnation: 1, worldLine: 1 };
    const checkpoint = { worldLine: 1, predecessor: 5, version: 9, dependencies: new Map() };
    dispatch({ kind: 'opened', connection: 1, role: 'worker', cluster: undefined, stamp: undefined });
    frame(1, { kind: 'graph', ...listed, checkpoints: [checkpoint] });
    assert.deepEqual(told(), [9, 0, undefined], 'a checkpoint that is only listed may have been durable for long');
    frame(OPERATOR, { kind: 'deleteWorker', worker: 0, generation: 1, force: true });
    join(2, { worker: 0, known: 0, incarnation: 2, removed: 1 });
    assert.deepEqual(told(), [9, undefined, undefined]);
  });

  it('counts the restarts that no clean shutdown preceded', () => {
    const { start, status, dispatch, worldLine } = finderWithWorker();
    const restarts = () => status().restarts;
    const clean = (incarnation: number) => ({ incarnation, worldLine: worldLine(), version: 0 });
    start();
    assert.equal(restarts(), 0);
    dispatch({ kind: 'closed', connection: 1 });
    start(clean(1));
    assert.equal(restarts(), 0, 'after a clean shutdown');
    start();
    assert.equal(restarts(), 1, 'after a crash');
    start(clean(2));
    assert.equal(restarts(), 2, 'the marker is of an earlier process');
    start(clean(4));
    assert.equal(restarts(), 2, 'after another clean shutdown');
  });
});
