import assert from 'node:assert/strict';
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import { LONG_LAG_MS, type Seen, troubleOf, verdictOf } from '../../services/console/verdict.ts';
import { statusOf } from '../client/fake-status.ts';

function status(workers: readonly Partial<WorkerStatus>[], more: Partial<ClusterStatus> = {}): ClusterStatus {
  const { members, cluster, worldLine, membership, removed, undecided } = statusOf(
    workers.map((worker, id) => ({ id, allCommitted: true, ...worker })),
  );
  const named = members.map((member) => ({ ...member, address: `ws://127.0.0.1:${7000 + member.id}` }));
  return { cluster, worldLine, membership, removed, undecided, workers: named, ...more };
}

function seen(workers: readonly Partial<WorkerStatus>[], more: Partial<Seen> = {}): Seen {
  return {
    finder: { state: 'serving', text: '' },
    finderForMs: 0,
    status: status(workers),
    awayForMs: new Map(),
    processes: [],
    ...more,
  };
}

describe('the verdict about a cluster', () => {
  it('is good while all serve, and tells when something was committed last', () => {
    const well = (workers: readonly Partial<WorkerStatus>[]) => {
      const { level, text, more } = verdictOf(seen(workers));
      assert.deepEqual([level, more], ['well', []]);
      return text;
    };
    assert.equal(well([{}]), 'Worker 0 serves; nothing was committed yet.');
    assert.equal(
      well([{ committedAgoMs: 70_000 }, { committedAgoMs: 49 }]),
      'All 2 workers serve, everything is committed, last 49 ms ago.',
    );
    assert.equal(
      well([{ committedAgoMs: 49, allCommitted: false, lagOperations: 9, lagMs: 30 }, {}]),
      'All 2 workers serve, committed 49 ms ago.',
    );
  });

  it('names each process that is not well, and what that holds up', () => {
    const told: readonly (readonly [Partial<WorkerStatus>, string])[] = [
      [{ state: 'away' }, 'Worker 0 is away for 12.0 s: nothing that depends on it commits.'],
      [{ state: 'silent', silentMs: 2_500 }, 'Worker 0 is silent for 2.5 s: nothing that depends on it commits.'],
      [{ state: 'leaving', waitingFor: 'worker 3' }, 'Worker 0 is leaving; it waits for worker 3.'],
      [{ state: 'leaving' }, 'Worker 0 is leaving.'],
      [{ blockedBy: 'worker 2' }, 'Worker 0 commits nothing; it waits for worker 2.'],
      [{ lagOperations: 1, lagMs: LONG_LAG_MS }, 'Worker 0 has operations that wait 5.0 s for their commit.'],
      [{ state: 'joining' }, 'Worker 0 is joining.'],
    ];
    for (const [worker, text] of told) {
      const verdict = verdictOf(seen([worker, {}], { awayForMs: new Map([[0, 12_000]]) }));
      assert.equal(verdict.text, text);
      assert.notEqual(verdict.level, 'well');
      assert.deepEqual(verdict.more, []);
    }
  });

  it('takes no lag for long that is shorter than the limit', () => {
    const [worker] = status([{ lagOperations: 1, lagMs: LONG_LAG_MS - 1 }]).workers;
    assert.ok(worker !== undefined);
    assert.equal(troubleOf(worker, undefined), undefined);
  });

  it('tells the worst first, and the rest after it', () => {
    const { level, text, more } = verdictOf(seen([{ state: 'leaving' }, { state: 'silent', silentMs: 3_000 }]));
    assert.equal(level, 'critical');
    assert.match(text, /^Worker 1 is silent/);
    assert.deepEqual(more, ['Worker 0 is leaving.']);
  });

  it('tells of many in one sentence', () => {
    const { text, more } = verdictOf(seen(Array.from({ length: 12 }, () => ({ state: 'away' }) as const)));
    assert.equal(
      text,
      '12 of 12 workers are away, and nothing that depends on them commits: 0, 1, 2, 3, 4, 5, 6, 7 and 4 more.',
    );
    assert.deepEqual(more, []);
  });

  it('tells of the Finder alone while it does not answer, since what it said before may be old', () => {
    const finder = { state: 'away', text: 'connection refused' } as const;
    const { level, text, more } = verdictOf(seen([{ state: 'silent', silentMs: 9 }], { finder, finderForMs: 4_000 }));
    assert.equal(level, 'critical');
    assert.equal(
      text,
      'The Finder does not answer for 4.0 s: nothing commits, and no worker joins (connection refused).',
    );
    assert.deepEqual(more, []);
  });

  it('tells of a Finder that refuses all, of one that refuses the console, and of one that was never reached', () => {
    const by = (state: Seen['finder']['state'], text: string) => {
      const { level, text: said, more } = verdictOf(seen([{ state: 'away' }], { finder: { state, text } }));
      return [level, said, ...more];
    };
    assert.deepEqual(by('refusing', 'the volume lost writes'), [
      'critical',
      'The Finder serves no peer: nothing commits until an administrator acts.',
      'The Finder says: the volume lost writes',
    ]);
    assert.deepEqual(by('refusesConsole', 'this is not the token'), [
      'critical',
      'The Finder refuses this console: how the cluster is, is not known.',
      'The reason: this is not the token',
    ]);
    assert.deepEqual(by('unknown', ''), ['warning', 'The Finder has not answered yet.']);
  });

  it('tells of workers that an administrator has to do something for', () => {
    const undecided = verdictOf(seen([{}], { status: status([{}], { undecided: [{ id: 7, text: 'say state' }] }) }));
    assert.deepEqual([undecided.level, undecided.text], ['warning', 'Worker 7 waits: say state']);
    const halted = verdictOf(seen([{}], { processes: [{ name: 'counter-4', phase: 'halted' }] }));
    const ended = verdictOf(seen([{}], { processes: [{ name: 'counter-4', phase: 'waiting' }] }));
    assert.match(ended.text, /^counter-4 ended, and is started again after a pause/);
    assert.match(halted.text, /^counter-4 stays down until the config is saved again/);
    assert.equal(verdictOf(seen([])).text, 'The cluster has no worker.');
  });
});
