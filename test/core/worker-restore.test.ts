import {
  createWorker,
  sectionReader,
  stepWorker,
  WORKER_DEFAULTS,
  type Worker,
  type WorkerEffect,
  type WorkerEvent,
} from '@dpr/core';
import type { CheckpointInfo, Decision, MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { NO_UNDO } from './no-undo.ts';

const CLUSTER = 'c'.repeat(32);
const SESSION = 'e'.repeat(32);
const STAMP = { start: 'f'.repeat(16), counter: 1 };
const WALL = 1_000_000;

/** A worker whose state is a number of batches, driven event by event. */
function startWorker(): { worker: Worker; step: (event: WorkerEvent, now?: number) => WorkerEffect[] } {
  const config = { ...WORKER_DEFAULTS, id: 0, type: 'count', host: '', port: 6380 };
  const worker = createWorker(config, { apply: () => new Uint8Array(0), ...NO_UNDO });
  return { worker, step: (event, now = 0) => stepWorker(worker, event, now, WALL + now) };
}

type Surveyed = Extract<WorkerEvent, { kind: 'surveyed' }>['checkpoints'];

/** Join with a volume that the survey found to hold `surveyed`, and whose files turned out to be `listed`. */
function join(
  { step }: ReturnType<typeof startWorker>,
  {
    surveyed,
    listed,
    base,
    seed,
  }: { surveyed: Surveyed; listed: readonly CheckpointInfo[]; base: number; seed?: MessageOf<'claimed'>['seed'] },
): WorkerEffect[] {
  step({ kind: 'finderOpened' });
  const generation = surveyed.length > 0 ? 1 : 0;
  step({ kind: 'surveyed', boot: 'b'.repeat(32), generation, checkpoints: surveyed, kept: [], stamp: undefined });
  step({
    kind: 'finderFrame',
    message: { kind: 'claimed', cluster: CLUSTER, generation: 1, incarnation: 2, seed },
  });
  step({ kind: 'volumeOpened', checkpoints: listed, clean: undefined });
  return step({
    kind: 'finderFrame',
    message: {
      kind: 'registered',
      stamp: STAMP,
      worldLine: 1,
      decisions: [],
      cut: new Map([[0, base]]),
      base,
      reached: 0,
    },
  });
}

function decisionTo(prefix: number): WorkerEvent {
  const decision: Decision = { worldLine: 2, prefix: new Map([[0, prefix]]), entitled: new Map([[0, 2]]) };
  const cut = decision.prefix;
  return { kind: 'finderFrame', message: { kind: 'cut', stamp: STAMP, worldLine: 2, decisions: [decision], cut } };
}

const executeBatch: WorkerEvent = {
  kind: 'clientFrames',
  connection: 1,
  messages: [
    {
      kind: 'batch',
      urgent: false,
      count: 1,
      session: SESSION,
      worldLine: 1,
      generation: 1,
      sequence: 1,
      acknowledged: 0,
      version: 0,
      dependencies: new Map(),
      operations: new Uint8Array(0),
    },
  ],
};

const restores = (effects: readonly WorkerEffect[]) =>
  effects.filter(({ kind }) => kind === 'restore' || kind === 'stop');

describe('what a worker restores', () => {
  it('is the empty state when a rollback goes back to before its first checkpoint', () => {
    const one = startWorker();
    assert.deepEqual(restores(join(one, { surveyed: [], listed: [], base: 0 })), [
      { kind: 'restore', version: 0, empty: true },
    ]);
    one.step({ kind: 'restored', version: 0, sessions: undefined });
    one.step(executeBatch);
    const sealed = one.step({ kind: 'wake' }, 1_000).find((effect) => effect.kind === 'checkpoint');
    assert.equal(sealed?.info.predecessor, 0);
    assert.deepEqual(restores(one.step(decisionTo(0), 1_001)), [{ kind: 'restore', version: 0, empty: true }]);
  });

  it('is a checkpoint when a rollback goes back to one', () => {
    const one = startWorker();
    const listed = [{ worldLine: 1, version: 5, predecessor: 0, dependencies: new Map() }];
    const joined = join(one, { surveyed: listed, listed, base: 5 });
    assert.deepEqual(restores(joined), [{ kind: 'restore', version: 5, empty: false }]);
    one.step({ kind: 'restored', version: 5, sessions: undefined });
    one.step(executeBatch);
    assert.deepEqual(restores(one.step(decisionTo(5), 1_000)), [{ kind: 'restore', version: 5, empty: false }]);
  });

  it('is what an earlier generation had, until something is committed, and a copy of that from the first time on', () => {
    const seed = { generation: 1, version: 4, base: 5 };
    const one = startWorker();
    const joined = join(one, { surveyed: [], listed: [], base: 5, seed });
    const [effect] = joined.filter(({ kind }) => kind === 'bringBack');
    assert.ok(effect?.kind === 'bringBack');
    assert.deepEqual(effect.from, { generation: 1, version: 4 });
    assert.deepEqual(effect.info, { worldLine: 1, version: 5, predecessor: 0, dependencies: new Map() });
    const { take, finish } = sectionReader();
    take(effect.sessions.bytes);
    const sessions = finish(effect.sessions.since, 5);
    assert.equal(sessions.table.entries.size, 0);
    assert.deepEqual(restores(joined), []);
    one.step({ kind: 'restored', version: 5, sessions });
    one.step(executeBatch);
    assert.deepEqual(restores(one.step(decisionTo(5), 1_000)), [{ kind: 'restore', version: 5, empty: false }]);

    const again = startWorker();
    const surveyed = [{ worldLine: 1, version: 5 }];
    const restarted = join(again, { surveyed, listed: [effect.info], base: 5, seed });
    assert.deepEqual(restores(restarted), [{ kind: 'restore', version: 5, empty: false }]);
    const damaged = join(startWorker(), { surveyed, listed: [], base: 5, seed });
    assert.ok(damaged.some(({ kind }) => kind === 'bringBack'));
  });

  it('is never the empty state in place of a checkpoint that the survey saw and that turned out to be damaged', () => {
    const one = startWorker();
    const [effect] = restores(join(one, { surveyed: [{ worldLine: 1, version: 5 }], listed: [], base: 5 }));
    assert.equal(effect?.kind === 'stop' && effect.why, 'refused');
  });

  it('makes those wait who ask for the table meanwhile, each session for itself', () => {
    const one = startWorker();
    join(one, { surveyed: [], listed: [], base: 0 });
    const ask = { kind: 'table', session: SESSION, worldLine: 1, generation: 1 } as const;
    const [answer] = one.step({ kind: 'clientFrames', connection: 1, messages: [ask] });
    assert(answer?.kind === 'send' && answer.message.kind === 'error');
    const { code, session, sequence } = answer.message;
    assert.deepEqual([code, session, sequence], ['notServing', SESSION, 0]);
  });

  it('ignores what an earlier generation left', () => {
    const one = startWorker();
    one.step({ kind: 'finderOpened' });
    const checkpoints = [{ worldLine: 1, version: 5 }];
    one.step({ kind: 'surveyed', boot: 'b'.repeat(32), generation: 1, checkpoints, kept: [], stamp: undefined });
    one.step({
      kind: 'finderFrame',
      message: { kind: 'claimed', cluster: CLUSTER, generation: 2, incarnation: 3, seed: undefined },
    });
    one.step({ kind: 'volumeOpened', checkpoints: [], clean: undefined });
    const cut = new Map([[0, 5]]);
    const registered = {
      kind: 'registered',
      stamp: STAMP,
      worldLine: 1,
      decisions: [],
      cut,
      base: 5,
      reached: 0,
    } as const;
    assert.deepEqual(restores(one.step({ kind: 'finderFrame', message: registered })), [
      { kind: 'restore', version: 5, empty: true },
    ]);
  });
});
