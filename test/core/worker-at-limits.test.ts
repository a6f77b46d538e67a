import { createWorker, stepWorker, WORKER_DEFAULTS, type Worker, type WorkerEffect, type WorkerEvent } from '@dpr/core';
import {
  MAX_BATCH_BYTES,
  MAX_DEPENDENCIES,
  MAX_KEPT_REPLY_BYTES,
  MAX_SESSION_BYTES,
  MAX_SESSIONS,
  MAX_UNACKNOWLEDGED_BATCHES,
  MAX_UNCOMMITTED_CHECKPOINTS,
  MAX_UNCOMMITTED_DEPENDENCIES,
  MAX_UNDO_BYTES,
  MAX_UNWRITTEN_BYTES,
  MAX_UNWRITTEN_VERSIONS,
  MAX_VERSION,
  MAX_VERSION_JUMP,
  MAX_WAITING_BATCHES,
  MAX_WAITING_BYTES,
  type Batch,
  type MessageOf,
} from '@dpr/protocol';
import assert from 'node:assert/strict';
import { ENTRY_BYTES, REPLY_BYTES } from '../../services/core/worker/session-table.ts';
import { NO_UNDO } from './no-undo.ts';
import { batchOf, servingWorker } from './serving-worker.ts';

type Step = (event: WorkerEvent) => WorkerEffect[];

/** What the worker answers to a batch, at once: results, the code of a refusal, or nothing because it waits. */
function ask(step: Step, sequence: number, fields: Partial<Batch> = {}): string | undefined {
  const messages = [{ ...batchOf(sequence), ...fields } as Batch];
  for (const effect of step({ kind: 'clientFrames', connection: 1, messages })) {
    if (effect.kind !== 'send') continue;
    if (effect.message.kind === 'error') return effect.message.code;
    if (effect.message.kind === 'reply') return 'reply';
  }
  return undefined;
}

/** All that is to be written is durable at once. */
function durably(step: Step): Step {
  return (event) => {
    const effects = step(event);
    const versions = effects.flatMap((effect) => (effect.kind === 'checkpoint' ? [effect.info] : []));
    return [...effects, ...versions.flatMap(({ worldLine, version }) => step({ kind: 'durable', worldLine, version }))];
  };
}

const apply = () => new Uint8Array(0);
const idOf = (index: number): string => index.toString(16).padStart(32, '0');

describe('a worker at its limits', () => {
  /** It has not joined yet, so batches wait. */
  function joining(): Step {
    const config = { ...WORKER_DEFAULTS, id: 0, type: 'count', host: '', port: 6380 };
    const worker = createWorker(config, { apply, ...NO_UNDO });
    return (event) => stepWorker(worker, event, 0, 0);
  }

  it('lets MAX_WAITING_BATCHES wait, and refuses the next', () => {
    const step = joining();
    for (let sequence = 1; sequence <= MAX_WAITING_BATCHES; sequence++) assert.equal(ask(step, sequence), undefined);
    assert.equal(ask(step, MAX_WAITING_BATCHES + 1), 'overloaded');
  });

  it('lets MAX_WAITING_BYTES of operations wait, and refuses one more', () => {
    const step = joining();
    const operations = new Uint8Array(MAX_BATCH_BYTES);
    const batches = MAX_WAITING_BYTES / MAX_BATCH_BYTES;
    for (let sequence = 1; sequence <= batches; sequence++) {
      assert.equal(ask(step, sequence, { operations }), undefined);
    }
    assert.equal(ask(step, batches + 1, { operations: new Uint8Array(1) }), 'overloaded');
    assert.equal(ask(step, batches + 1), undefined, 'one of none may');
  });

  it('executes MAX_UNACKNOWLEDGED_BATCHES of a session, and refuses the next until one is acknowledged', () => {
    const { step } = servingWorker(apply);
    for (let sequence = 1; sequence <= MAX_UNACKNOWLEDGED_BATCHES; sequence++) {
      assert.equal(ask(step, sequence), 'reply');
    }
    assert.equal(ask(step, MAX_UNACKNOWLEDGED_BATCHES + 1), 'windowExceeded');
    assert.equal(ask(step, MAX_UNACKNOWLEDGED_BATCHES + 1, { acknowledged: 1 }), 'reply');
  });

  it('goes ahead by MAX_VERSION_JUMP, and no further', () => {
    for (const [jump, expected] of [
      [MAX_VERSION_JUMP, 'reply'],
      [MAX_VERSION_JUMP + 1, 'absurdVersion'],
    ] as const) {
      const { worker, step } = servingWorker(apply);
      assert.equal(ask(step, 1, { version: worker.version + jump }), expected);
    }
  });

  it('goes ahead to MAX_VERSION, and no further', () => {
    for (const [version, expected] of [
      [MAX_VERSION, 'reply'],
      [MAX_VERSION + 1, 'absurdVersion'],
    ] as const) {
      const { step } = servingWorker(apply, { startWall: MAX_VERSION - 1 });
      assert.equal(ask(step, 1, { version }), expected);
    }
  });

  it('remembers MAX_SESSIONS, and refuses a batch of another', () => {
    const { worker, step } = servingWorker(apply);
    const { entries } = worker.sessions;
    assert.equal(ask(step, 1), 'reply');
    const [entry] = entries.values();
    assert.ok(entry);
    for (let number = entries.size; number < MAX_SESSIONS - 1; number++) entries.set(String(number), entry);
    assert.equal(ask(step, 1, { session: 'a'.repeat(32) }), 'reply');
    assert.equal(ask(step, 1, { session: 'b'.repeat(32) }), 'tooManySessions');
    assert.equal(ask(step, 2), 'reply', 'those that it knows go on');
  });

  it('remembers sessions of MAX_SESSION_BYTES, and refuses a batch of another', () => {
    const { worker, step } = servingWorker(apply, { maxSessions: Infinity });
    const { entries } = worker.sessions;
    const most = Math.floor(MAX_SESSION_BYTES / ENTRY_BYTES);
    assert.equal(ask(step, 1), 'reply');
    const [entry] = entries.values();
    assert.ok(entry);
    for (let number = entries.size; number < most - 1; number++) entries.set(String(number), entry);
    assert.equal(ask(step, 1, { session: 'a'.repeat(32) }), 'reply');
    assert.equal(ask(step, 1, { session: 'b'.repeat(32) }), 'tooManySessions');
  });

  it('keeps MAX_KEPT_REPLY_BYTES of replies, and refuses a batch whose reply would exceed them', () => {
    const bytes = 32 * 1024;
    const operations = new Uint8Array(bytes); // and results; all share one memory
    const { worker, step } = servingWorker((given) => operations.subarray(0, given.length));
    const keep = (session: number, sequence: number, size: number) =>
      ask(step, sequence, { session: idOf(session), operations: operations.subarray(0, size - REPLY_BYTES) });
    const [first, second] = [1, 2];
    const others = Array.from({ length: MAX_KEPT_REPLY_BYTES / (2 * bytes) - 1 }, (_, index) => index + 3);
    for (const session of [first, second]) assert.equal(keep(session, 1, bytes / 2), 'reply');
    for (const sequence of [1, 2]) {
      for (const session of others) assert.equal(keep(session, sequence, bytes), 'reply');
    }
    assert.equal(worker.sessions.replyBytes, MAX_KEPT_REPLY_BYTES - bytes);
    assert.equal(keep(first, 2, bytes + 1), 'overloaded');
    assert.equal(keep(first, 2, bytes), 'reply');
    assert.equal(worker.sessions.replyBytes, MAX_KEPT_REPLY_BYTES);
    assert.equal(keep(second, 2, REPLY_BYTES), 'overloaded');
  });

  it('has MAX_UNWRITTEN_BYTES of sessions that are not durable, and lets the next batch wait', () => {
    for (const [unwritten, expected] of [
      [MAX_UNWRITTEN_BYTES - 1, 'reply'],
      [MAX_UNWRITTEN_BYTES, undefined],
    ] as const) {
      const { worker, step } = servingWorker(apply);
      worker.unwrittenBytes = unwritten;
      assert.equal(ask(step, 1), expected);
    }
  });

  it('has MAX_UNDO_BYTES for rollbacks, and lets the next batch wait until the cut covers some', () => {
    let bytes = MAX_UNDO_BYTES - 1;
    const { worker, step } = servingWorker(apply, {}, { ...NO_UNDO, undoBytes: () => bytes });
    const durable = durably(step);
    assert.equal(ask(durable, 1), 'reply');
    assert.equal(ask(durable, 2), undefined, 'what the session was counts too');
    bytes = MAX_UNDO_BYTES - worker.sessions.undo.bytes - 1;
    durable({ kind: 'wake' });
    assert.equal(ask(durable, 3, { acknowledged: 2 }), 'reply', 'and what waited came before it');
  });

  /** One batch in each version; @returns how many were answered before one had to wait */
  function versionsUntilFull(worker: Worker, step: Step, dependencies: (nth: number) => number = () => 0): number {
    for (let sequence = 1; ; sequence++) {
      const needs = new Map(Array.from({ length: dependencies(sequence) }, (_, index) => [index + 1, 1]));
      const fields = { version: worker.version + 1, acknowledged: sequence - 1, dependencies: needs };
      if (ask(step, sequence, fields) === undefined) return sequence - 1;
      assert.ok(sequence <= MAX_UNCOMMITTED_CHECKPOINTS, 'it never waits');
    }
  }

  it('has MAX_UNWRITTEN_VERSIONS that are not durable, and lets the next batch wait until one is', () => {
    const { worker, step } = servingWorker(apply);
    const first = worker.version + 1;
    assert.equal(versionsUntilFull(worker, step), MAX_UNWRITTEN_VERSIONS);
    const effects = step({ kind: 'durable', worldLine: 1, version: first });
    assert.ok(effects.some((effect) => effect.kind === 'send' && effect.message.kind === 'reply'));
  });

  it('has MAX_UNCOMMITTED_CHECKPOINTS, and lets the next batch wait', () => {
    const { worker, step } = servingWorker(apply);
    assert.equal(versionsUntilFull(worker, durably(step)), MAX_UNCOMMITTED_CHECKPOINTS);
  });

  it('makes no more of them for versions that it skipped and others wait for, until some are in the cut', () => {
    const { worker, step } = servingWorker(apply);
    const durable = durably(step);
    const checkpoints = (message: MessageOf<'seal' | 'cut'>): number =>
      durable({ kind: 'finderFrame', message }).filter(({ kind }) => kind === 'checkpoint').length;
    for (let owed = 1; owed <= MAX_UNCOMMITTED_CHECKPOINTS + 1; owed++) {
      const made = checkpoints({ kind: 'seal', worldLine: 1, version: worker.version + 1, urgent: false });
      assert.equal(made, owed <= MAX_UNCOMMITTED_CHECKPOINTS ? 1 : 0);
    }
    const cut = new Map([[worker.config.id, worker.uncommitted[0]?.version ?? 0]]);
    assert.equal(
      checkpoints({ kind: 'cut', stamp: worker.stamp ?? assert.fail(), worldLine: 1, cut, decisions: [] }),
      1,
    );
    assert.equal(worker.uncommitted.length, MAX_UNCOMMITTED_CHECKPOINTS);
  });

  it('has MAX_UNCOMMITTED_DEPENDENCIES, and lets the next batch wait', () => {
    const whole = Math.floor(MAX_UNCOMMITTED_DEPENDENCIES / MAX_DEPENDENCIES);
    const rest = MAX_UNCOMMITTED_DEPENDENCIES - whole * MAX_DEPENDENCIES;
    for (const [last, expected] of [
      [rest, whole + 1],
      [rest - 1, whole + 2],
    ] as const) {
      const { worker, step } = servingWorker(apply);
      const needs = (nth: number) => (nth <= whole ? MAX_DEPENDENCIES : nth === whole + 1 ? last : 1);
      assert.equal(versionsUntilFull(worker, durably(step), needs), expected);
    }
  });
});
