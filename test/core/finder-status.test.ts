import assert from 'node:assert/strict';
import { finderWithWorkers, OPERATOR } from './finder-with-workers.ts';

describe('the status that the Finder tells', () => {
  it('is silent of a worker that does not answer, and for how long, until it does', () => {
    const { start, status, dispatch, pass, logged } = finderWithWorkers();
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
    const { start, status, dispatch, logged } = finderWithWorkers();
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
    const { start, status, report, progress, pass } = finderWithWorkers();
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

  it('knows how long the checkpoint waited for the last cut that was reported first', () => {
    const { start, join, report, pass, announcedAfter } = finderWithWorkers();
    start();
    join(2, { worker: 1, known: 0, incarnation: 1 });
    report(1, 5, 0);
    assert.equal(announcedAfter(), 0);
    pass(500);
    report(1, 9, 5, [[1, 9]]);
    pass(1_500);
    report(2, 9, 0);
    assert.equal(announcedAfter(), 1_500);
    pass(100);
    report(2, 12, 9);
    assert.equal(announcedAfter(), 0);
  });

  it('tells since when nothing is committed, while checkpoints become durable', () => {
    const { start, join, status, report, progress, pass, dispatch } = finderWithWorkers();
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
    const { start, join, status, report, pass } = finderWithWorkers();
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
    const { start, join, status, report, frame, pass, restartFinder, dispatch } = finderWithWorkers();
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
    const { start, status, dispatch, worldLine } = finderWithWorkers();
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
