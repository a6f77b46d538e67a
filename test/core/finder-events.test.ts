import { FINDER_DEFAULTS } from '@dpr/core';
import { decode, encode, MAX_EXACT_U64, MAX_KEPT_EVENTS } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { finderWithWorkers } from './finder-with-workers.ts';

/** Two workers, 0 and 1, that serve on the connections 1 and 500; and what happened since. */
function withTwoWorkers() {
  const finder = finderWithWorkers();
  finder.start();
  finder.join(500, { worker: 1, known: 0, incarnation: 1 });
  const known = finder.events().events.length;
  /** Each event in words: its kind, its worker, and what it says beyond. */
  const happened = (after = known): string[] =>
    finder.events(after).events.map(({ kind, worker, restarts, forced, forMs, operations, worldLine }) => {
      const more = {
        ...{ joined: [restarts], restarted: [restarts], silent: [forMs], answersAgain: [forMs] },
        ...{ left: forced ? ['by force'] : [], rolledBack: [worldLine, forced ? 'removal' : 'start', operations] },
      };
      return [kind, worker, ...(more[kind as keyof typeof more] ?? [])].join(' ');
    });
  return { ...finder, happened };
}

describe('the events that the Finder keeps', () => {
  it('begin with its start, and tell of each worker that joins', () => {
    const { events, start, join, pass, remove } = finderWithWorkers();
    pass(1_000);
    start();
    pass(500);
    remove(0, true);
    join(2, { worker: 0, known: 0, removed: 1, incarnation: 2 });
    const rest = { forced: false, forMs: 0, operations: 0, restarts: 0 };
    const joined = { kind: 'joined', worker: 0, type: 'text', ...rest };
    const { start: name, events: told } = events();
    assert.equal(name, '5'.repeat(16));
    assert.deepEqual(told, [
      { kind: 'finderStarted', number: 1, agoMs: 1_500, worldLine: 1, worker: 0, generation: 0, type: '', ...rest },
      { ...joined, number: 2, agoMs: 500, worldLine: 1, generation: 1 },
      {
        ...rest,
        kind: 'rolledBack',
        number: 3,
        agoMs: 0,
        worldLine: 2,
        worker: 0,
        generation: 1,
        type: '',
        forced: true,
      },
      { ...rest, kind: 'left', number: 4, agoMs: 0, worldLine: 2, worker: 0, generation: 1, type: '', forced: true },
      { ...joined, number: 5, agoMs: 0, worldLine: 2, generation: 2 },
    ]);
  });

  it('tell of a crash: that the worker is away, what its start cost, and that it is back', () => {
    const { happened, close, start } = withTwoWorkers();
    close(1);
    assert.deepEqual(happened(), ['away 0']);
    start();
    assert.deepEqual(happened(), ['away 0', 'rolledBack 0 2 start 0', 'restarted 0 1', 'back 0']);
  });

  it('tell of a clean stop and the start after it, which costs nothing', () => {
    const { happened, close, start } = withTwoWorkers();
    close(1);
    start({ incarnation: 1, worldLine: 1, version: 0 });
    assert.deepEqual(happened(), ['away 0', 'restarted 0 0', 'back 0']);
  });

  it('tell once of a connection that is lost and made again, and not of one in place of another', () => {
    const { happened, close, open, list } = withTwoWorkers();
    const process = { worker: 0, generation: 1, incarnation: 1 };
    open(2);
    list(2, process);
    close(1);
    assert.deepEqual(happened(), []);
    close(2);
    open(3);
    list(3, process);
    list(3, process);
    assert.deepEqual(happened(), ['away 0', 'back 0']);
  });

  it('tell of a process that another one takes the place of, whose connection was still there', () => {
    const { happened, close, start } = withTwoWorkers();
    start();
    close(1);
    assert.deepEqual(happened(), ['away 0', 'rolledBack 0 2 start 0', 'restarted 0 1', 'back 0']);
  });

  it('tell of a worker that is silent, and for how long it was when it answers again', () => {
    const { happened, dispatch, pass } = withTwoWorkers();
    dispatch({ kind: 'silence', connection: 1, forMs: 1_500 });
    pass(2_000);
    dispatch({ kind: 'silence', connection: 1, forMs: 0 });
    assert.deepEqual(happened(), ['silent 0 1500', 'answersAgain 0 3500']);
  });

  it('tell of a worker that leaves once it is asked to, and has left once all is committed', () => {
    const { happened, remove, frame, pass, close } = withTwoWorkers();
    remove(1, false);
    remove(1, false);
    assert.deepEqual(happened(), ['leaving 1']);
    frame(500, { kind: 'drained', version: 0 });
    pass(FINDER_DEFAULTS.writeSpacingMs);
    close(500);
    assert.deepEqual(happened(), ['leaving 1', 'left 1']);
  });

  it('tell of a leaving worker that is away, since it cannot leave then', () => {
    const { happened, remove, close, open, list } = withTwoWorkers();
    remove(1, false);
    close(500);
    open(501);
    list(501, { worker: 1, generation: 1, incarnation: 1 });
    assert.deepEqual(happened(), ['leaving 1', 'away 1', 'back 1']);
  });

  it('tell of a removal by force, and of the rollback only where the worker had joined', () => {
    const { happened, remove, claim, close } = withTwoWorkers();
    remove(1, true);
    close(500);
    claim(600, { worker: 2, known: 0 });
    remove(2, true);
    assert.deepEqual(happened(), ['rolledBack 1 2 removal 0', 'left 1 by force', 'left 2 by force']);
  });

  it('tell about how many operations a rollback took back, those of workers that are away included', () => {
    const { happened, progress, close, start } = withTwoWorkers();
    progress(1, 100, 60);
    progress(500, 7, 5);
    progress(1, 110, 60);
    close(1);
    start();
    assert.deepEqual(happened()[1], 'rolledBack 0 2 start 52');
  });

  it('count no operations that the cut covers, that an earlier rollback took, or that a clean stop made durable', () => {
    const { happened, progress, report, close, start, list, remove } = withTwoWorkers();
    progress(500, 30, 10, 5);
    report(500, 5, 0);
    progress(1, 7, 5);
    close(1);
    start();
    progress(500, 40, 30, 9); // on its way before the worker heard of the rollback
    close(2);
    start();
    list(500, { worker: 1, generation: 1, incarnation: 1 });
    progress(500, 9, 5, 9);
    progress(3, 3, 0);
    close(3);
    start({ incarnation: 3, worldLine: 3, version: 0 });
    remove(1, true);
    assert.deepEqual(
      happened().filter((words) => words.startsWith('rolledBack')),
      ['rolledBack 0 2 start 2', 'rolledBack 0 3 start 0', 'rolledBack 1 4 removal 4'],
    );
  });

  it('fit into a frame, whatever workers tell of their operations', () => {
    const { events, progress, remove } = withTwoWorkers();
    for (const connection of [1, 500]) progress(connection, MAX_EXACT_U64, 0);
    remove(1, true);
    const answer = events();
    assert.deepEqual(decode(encode(answer)), answer);
    assert.equal(answer.events.find(({ kind }) => kind === 'rolledBack')?.operations, Number.MAX_SAFE_INTEGER);
  });

  it('are told once what they tell of is durable, and in their order', () => {
    const { happened, holdWrites, finishWrites, remove, close } = withTwoWorkers();
    holdWrites();
    remove(1, true);
    close(1);
    assert.deepEqual(happened(), []);
    finishWrites();
    assert.deepEqual(happened(), ['rolledBack 1 2 removal 0', 'left 1 by force', 'away 0']);
  });

  it('are counted anew by each start, which tells of members that do not come', () => {
    const { events, happened, restartFinder, open, list, pass } = withTwoWorkers();
    restartFinder();
    open(1);
    list(1, { worker: 0, generation: 1, incarnation: 1 });
    assert.deepEqual([events().start, happened(0)], ['6'.repeat(16), ['finderStarted 0']]);
    pass(FINDER_DEFAULTS.settleGraceMs);
    assert.deepEqual(happened(0), ['finderStarted 0', 'away 1']);
    open(500);
    list(500, { worker: 1, generation: 1, incarnation: 1 });
    assert.deepEqual(happened(1), ['away 1', 'back 1']);
  });

  it('are the newest MAX_KEPT_EVENTS, and of those the ones after the number that the operator knows', () => {
    const { events, dispatch } = withTwoWorkers();
    const numbers = (after?: number) => events(after).events.map(({ number }) => number);
    const upTo = (last: number, count: number) => Array.from({ length: count }, (_, place) => last - count + place + 1);
    assert.deepEqual(numbers(), [1, 2, 3]);
    for (let number = 4; number <= MAX_KEPT_EVENTS; number++) {
      dispatch({ kind: 'silence', connection: 1, forMs: number % 2 === 0 ? 1_500 : 0 });
    }
    assert.deepEqual(numbers(), upTo(MAX_KEPT_EVENTS, MAX_KEPT_EVENTS));
    dispatch({ kind: 'silence', connection: 500, forMs: 1_500 });
    assert.deepEqual(numbers(), upTo(MAX_KEPT_EVENTS + 1, MAX_KEPT_EVENTS));
    assert.deepEqual(numbers(1), numbers(), 'what follows the first one, which is forgotten');
    assert.deepEqual(numbers(MAX_KEPT_EVENTS - 1), [MAX_KEPT_EVENTS, MAX_KEPT_EVENTS + 1]);
    assert.deepEqual(numbers(MAX_KEPT_EVENTS + 1), []);
  });
});
