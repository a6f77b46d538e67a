import assert from 'node:assert/strict';
import { createFinder, FINDER_DEFAULTS, stepFinder, type FinderEvent } from '@dpr/core';
import type { MemberStatus, MessageOf } from '@dpr/protocol';

const OPERATOR = 1_000;

/** A Finder on a disk that takes no time, with one worker whose volume keeps nothing. */
function finderWithWorker() {
  const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 1, decisionGraceMs: 0 });
  const logged: [event: string, details: Readonly<Record<string, unknown>>][] = [];
  let answer: MessageOf<'statusAnswer'> | undefined;
  let now = 0;
  let boots = 0;

  function happen(event: FinderEvent): void {
    for (const effect of stepFinder(finder, event, now)) {
      if (effect.kind === 'log') logged.push([effect.event, effect.details]);
      if (effect.kind === 'send' && effect.message.kind === 'statusAnswer') answer = effect.message;
      if (effect.kind === 'write') happen({ kind: 'written', counter: effect.counter });
    }
  }
  const open = (connection: number, role: 'worker' | 'operator') =>
    happen({ kind: 'opened', connection, role, cluster: undefined, stamp: undefined });

  happen({ kind: 'loaded', record: undefined, start: '5'.repeat(16), cluster: 'c'.repeat(32) });
  open(OPERATOR, 'operator');
  return {
    logged,
    happen,
    pass: (ms: number) => (now += ms),
    /** A process of the worker joins, on the connection whose number is its incarnation. */
    start: (clean?: MessageOf<'register'>['clean']): void => {
      const connection = ++boots;
      const boot = String(boots).repeat(32);
      open(connection, 'worker');
      const common = { worker: 0, generation: boots === 1 ? 0 : 1, boot };
      happen({
        kind: 'frame',
        connection,
        message: { kind: 'claim', ...common, checkpoints: [], state: 'unsaid', from: 0, removed: 0, kept: [] },
      });
      const register = { ...common, generation: 1, incarnation: boots, type: 'text', host: '', port: 6380 };
      happen({ kind: 'frame', connection, message: { kind: 'register', ...register, checkpoints: [], clean } });
      const worldLine = finder.record.worldLine;
      const listed = { worker: 0, generation: 1, incarnation: boots, worldLine, checkpoints: [] };
      happen({ kind: 'frame', connection, message: { kind: 'graph', ...listed } });
    },
    worldLine: () => finder.record.worldLine,
    status: (): MemberStatus => {
      happen({ kind: 'frame', connection: OPERATOR, message: { kind: 'status' } });
      return answer?.members[0] ?? assert.fail('no worker is a member');
    },
  };
}

describe('the status that the Finder tells', () => {
  it('is silent of a worker that does not answer, and for how long, until it does', () => {
    const { start, status, happen, pass, logged } = finderWithWorker();
    start();
    assert.deepEqual([status().state, status().silentMs], ['serving', 0]);
    pass(5_000);
    happen({ kind: 'silence', connection: 1, forMs: 1_500 });
    assert.deepEqual([status().state, status().silentMs], ['silent', 1_500]);
    pass(2_000);
    assert.deepEqual([status().state, status().silentMs], ['silent', 3_500]);
    happen({ kind: 'silence', connection: 1, forMs: 0 });
    assert.deepEqual([status().state, status().silentMs], ['serving', 0]);
    assert.deepEqual(logged.slice(-2), [
      ['silent', { worker: 0, forMs: 1_500, holdsUp: 'nothing that depends on worker 0 commits' }],
      ['answersAgain', { worker: 0, afterMs: 3_500 }],
    ]);
  });

  it('is away once the connection of a silent worker breaks, and says nothing of one that was fenced', () => {
    const { start, status, happen, logged } = finderWithWorker();
    start();
    happen({ kind: 'silence', connection: 1, forMs: 1_500 });
    happen({ kind: 'closed', connection: 1 });
    assert.deepEqual([status().state, status().silentMs], ['away', 0]);
    happen({ kind: 'silence', connection: 1, forMs: 1_500 });
    start();
    start();
    const before = logged.length;
    happen({ kind: 'silence', connection: 2, forMs: 1_500 });
    assert.equal(logged.length, before);
    assert.equal(status().state, 'serving');
  });

  it('counts the restarts that no clean shutdown preceded', () => {
    const { start, status, happen, worldLine } = finderWithWorker();
    const restarts = () => status().restarts;
    const clean = (incarnation: number) => ({ incarnation, worldLine: worldLine(), version: 0 });
    start();
    assert.equal(restarts(), 0);
    happen({ kind: 'closed', connection: 1 });
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
