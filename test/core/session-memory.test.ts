import {
  sectionReader,
  WORKER_DEFAULTS,
  workerWakeAt,
  type RestoredSessions,
  type WorkerConfig,
  type WorkerEffect,
} from '@dpr/core';
import type { Batch, Decision, Message, MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { ENTRY_BYTES, REPLY_BYTES } from '../../services/core/worker/session-table.ts';
import { batchOf, servingWorker } from './serving-worker.ts';

const idOf = (index: number): string => index.toString(16).padStart(32, '0');
const STAMP = { start: 'f'.repeat(16), counter: 2 };

/** What a worker answers to batches whose results are as long as their operations. */
function serving(limits: Partial<WorkerConfig> = {}) {
  let executions = 0;
  const logged: string[] = [];
  const sections: Uint8Array[] = [];
  const apply = (operations: Uint8Array): Uint8Array => {
    executions++;
    return new Uint8Array(operations.length);
  };
  const core = servingWorker(apply, limits);
  const { worker } = core;
  const step: typeof core.step = (event, now) => {
    const effects = core.step(event, now);
    for (const effect of effects) {
      if (effect.kind === 'log') logged.push(effect.event);
      if (effect.kind === 'checkpoint') sections.push(effect.sessions.bytes);
    }
    return effects;
  };
  const hear = (message: Message, now?: number, connection = 1): readonly WorkerEffect[] =>
    step({ kind: 'clientFrames', connection, messages: [message] }, now);
  return {
    worker,
    step,
    hear,
    logged,
    executions: () => executions,
    /** @returns 'reply', or the code of the refusal */
    send: (session: number, sequence: number, fields: Partial<Batch> = {}, now?: number, connection = 1): string => {
      const effects = hear(batchOf(sequence, { session: idOf(session), ...fields }), now, connection);
      const [answer] = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
      return answer?.kind === 'error' ? answer.code : (answer?.kind ?? 'nothing');
    },
    refusal: (session: number, sequence: number, fields: Partial<Batch> = {}): MessageOf<'error'> => {
      const effects = hear(batchOf(sequence, { session: idOf(session), ...fields }));
      const [answer] = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
      assert.equal(answer?.kind, 'error');
      return answer;
    },
    end: (session: number, now?: number) => hear({ kind: 'sessionEnded', session: idOf(session) }, now),
    /** Seal what executed, have it durable, and committed. */
    commit: (): void => {
      step({ kind: 'wake' }, worker.now + 2 * worker.config.checkpointIntervalMs);
      for (const { version } of [...worker.unwritten]) step({ kind: 'durable', worldLine: 1, version });
      const cut = new Map([[0, worker.predecessor]]);
      step({ kind: 'finderFrame', message: { kind: 'cut', stamp: STAMP, worldLine: 1, decisions: [], cut } });
    },
    /** Let time pass as a process does that wakes when it wants to. */
    pass: (until: number): void => {
      while (worker.now < until)
        step({ kind: 'wake' }, Math.min(until, Math.max(worker.now + 1, workerWakeAt(worker))));
    },
    /** Seal, and read the table from all checkpoints. */
    sealed: (): RestoredSessions => {
      step({ kind: 'wake' }, worker.now + 1_000);
      const { take, finish } = sectionReader();
      for (const section of sections) take(section);
      return finish(1, worker.version);
    },
    accounted: (): { readonly table: number; readonly counted: number } => {
      const { replyBytes, entries } = worker.sessions;
      const replies = [...entries.values()].flatMap((entry) => entry.replies);
      return { table: replyBytes, counted: replies.reduce((sum, one) => sum + REPLY_BYTES + one.results.length, 0) };
    },
  };
}

const MINUTE = 60_000;
const { endedExpiryMs, giveWayMs, replyGiveWayMs } = WORKER_DEFAULTS;

describe("the bytes of a worker's sessions", () => {
  const three = { maxSessionBytes: 3 * ENTRY_BYTES + 1 };

  it('are reached by as many sessions as fit, and one more is refused by name', () => {
    const { send, refusal, logged } = serving(three);
    for (const session of [1, 2, 3]) assert.equal(send(session, 1), 'reply');
    const { code, text } = refusal(4, 1);
    assert.equal(code, 'tooManySessions');
    assert.match(text, /remembers 3 sessions in 1440 bytes/);
    assert.equal(send(4, 1), 'tooManySessions');
    assert.equal(send(1, 2), 'reply', 'those that are there go on');
    assert.deepEqual(logged, ['memoryShort'], 'it is told once');
  });

  it('are freed by the session that was idle for longest, once no client sends again what it executed', () => {
    const { send, commit, pass, worker } = serving(three);
    for (const session of [1, 2, 3]) send(session, 1, {}, session);
    assert.equal(send(1, 2, { acknowledged: 1 }, 10), 'reply');
    commit();
    pass(2 + giveWayMs);
    assert.equal(send(4, 1), 'tooManySessions', 'not at the limit');
    pass(3 + giveWayMs);
    assert.equal(send(4, 1), 'reply');
    assert.deepEqual([...worker.sessions.entries.keys()].sort(), [1, 3, 4].map(idOf));
    assert.equal(send(2, 2, { acknowledged: 1 }), 'sessionExpired');
  });

  it('are not freed by a session whose work is not committed: a rollback may ask for it', () => {
    const { send, commit, pass } = serving({ maxSessionBytes: ENTRY_BYTES });
    send(1, 1);
    pass(giveWayMs + MINUTE);
    assert.equal(send(2, 1), 'tooManySessions');
    commit();
    assert.equal(send(2, 1), 'reply');
  });

  it('are free again some minutes after sessions were closed, and not before copies of their batches have arrived', () => {
    const { send, end, pass, executions, worker } = serving(three);
    for (const session of [1, 2, 3]) send(session, 1);
    for (const session of [1, 2, 3]) end(session, 5);
    pass(5 + endedExpiryMs);
    assert.equal(send(4, 1), 'tooManySessions');
    assert.equal(send(1, 1), 'sequenceGap', 'a copy');
    assert.equal(executions(), 3);
    pass(6 + endedExpiryMs);
    assert.equal(send(4, 1), 'reply');
    assert.deepEqual([...worker.sessions.entries.keys()], [idOf(4)]);
  });

  it('are free again as soon as every client that was connected has given a sign, behind which no copy can come', () => {
    const { send, end, step, executions, worker } = serving(three);
    step({ kind: 'clientsAsked' }, 3);
    for (const session of [1, 2, 3]) send(session, 1, {}, 4);
    end(1, 5);
    step({ kind: 'clientsAnswered' }, 6);
    assert.equal(send(4, 1), 'tooManySessions', 'they were asked before it was closed');
    step({ kind: 'clientsAsked' }, 7);
    end(2, 7);
    assert.equal(send(4, 1, {}, 8), 'tooManySessions', 'they have not answered');
    assert.equal(send(1, 1, {}, 8), 'sequenceGap', 'a copy');
    step({ kind: 'clientsAnswered' }, 9);
    assert.deepEqual([...worker.sessions.entries.keys()], [2, 3].map(idOf), 'not what was closed when they were asked');
    assert.equal(send(4, 1), 'reply');
    assert.equal(executions(), 4);
    assert.equal(send(5, 1), 'tooManySessions');
  });

  it('are not freed by signs from before a rollback, which takes the up-time back too', () => {
    const { send, end, step } = serving(three);
    send(1, 1);
    step({ kind: 'clientsAsked' }, 50);
    step({ kind: 'clientsAnswered' }, 51);
    step({ kind: 'clientsAsked' }, 58);
    const decision: Decision = { worldLine: 2, prefix: new Map([[0, 0]]), entitled: new Map([[0, 1]]) };
    const cut = { kind: 'cut', stamp: STAMP, worldLine: 2, decisions: [decision], cut: decision.prefix } as const;
    step({ kind: 'finderFrame', message: cut }, 60);
    step({ kind: 'restored', version: 0, sessions: undefined });
    const now = { worldLine: 2 };
    for (const session of [1, 2, 3]) assert.equal(send(session, 1, now, 62), 'reply');
    end(1, 65);
    assert.equal(send(4, 1, now), 'tooManySessions', 'the first signs came before it was closed');
    step({ kind: 'clientsAnswered' }, 66);
    assert.equal(send(4, 1, now), 'tooManySessions', 'as did the second question');
    assert.equal(send(1, 1, now), 'sequenceGap', 'a copy');
    step({ kind: 'clientsAsked' }, 70);
    step({ kind: 'clientsAnswered' }, 71);
    assert.equal(send(4, 1, now), 'reply');
  });

  it('keep closed sessions for as long as there is room', () => {
    const { send, end, step, worker } = serving(three);
    send(1, 1);
    end(1, 5);
    step({ kind: 'clientsAsked' }, 6);
    step({ kind: 'clientsAnswered' }, 7);
    assert.deepEqual([...worker.sessions.entries.keys()], [idOf(1)]);
  });

  it('are left to others, an eighth of them, by a connection on which many began', () => {
    const hundred = { maxSessionBytes: 100 * ENTRY_BYTES };
    const { send, refusal, step, worker } = serving(hundred);
    let begun = 0;
    while (send(begun, 1) === 'reply') begun++;
    assert.equal(begun, 87);
    assert.match(refusal(begun, 1).text, /87 sessions/);
    let others = 0;
    while (send(200 + others, 1, {}, undefined, 2 + Math.floor(others / 16)) === 'reply') others++;
    assert.equal(begun + others, 100, 'up to 16 of each other connection');
    assert.deepEqual([...worker.sessions.begunBy.keys()], [1, 2]);
    step({ kind: 'clientClosed', connection: 1 });
    assert.deepEqual([...worker.sessions.begunBy.keys()], [2]);
  });

  it('are left by 16 sessions on a connection, and not by one fewer', () => {
    const { send, end, step, worker } = serving({ maxSessionBytes: 17 * ENTRY_BYTES });
    for (let session = 0; session < 16; session++) assert.equal(send(session, 1, {}, 1), 'reply');
    assert.equal(send(16, 1), 'tooManySessions');
    end(0, 2);
    step({ kind: 'clientsAsked' }, 3);
    step({ kind: 'clientsAnswered' }, 4);
    assert.equal(worker.sessions.begunBy.get(1), 15, 'a session that gave way does not count');
    assert.equal(send(16, 1), 'reply');
  });

  it('suffice for ever for a dozen short sessions a second', () => {
    const { send, end, pass, commit, worker } = serving({ maxSessionBytes: 10_000 * ENTRY_BYTES });
    let session = 0;
    for (let second = 1; second <= 3 * (endedExpiryMs / 1_000); second++) {
      pass(second * 1_000);
      commit();
      for (let count = 0; count < 12; count++) {
        assert.equal(send(++session, 1), 'reply');
        end(session);
      }
    }
    assert.ok(worker.sessions.entries.size < 12 * (endedExpiryMs / 1_000 + MINUTE / 1_000 + 1));
  });

  it('do not age while the process is frozen: copies of batches wait in its sockets', () => {
    const { send, end, step, executions } = serving();
    send(1, 1);
    end(1);
    step({ kind: 'wake' }, 24 * 60 * MINUTE);
    assert.equal(send(1, 1), 'sequenceGap');
    assert.equal(executions(), 1);
  });

  it('do not let a closed session begin again', () => {
    const { send, end, executions } = serving();
    send(1, 1);
    end(1);
    assert.equal(send(1, 2), 'sessionExpired');
    assert.equal(executions(), 1);
  });
});

describe("the bytes of a worker's replies", () => {
  const KIB = 1_024;
  const operations = (kib: number) => ({ operations: new Uint8Array(kib * KIB) });
  const MIB = KIB * KIB;
  const limited = { maxReplyBytes: 8 * MIB };

  it('of one session are an eighth of all, and it goes on as soon as it acknowledges', () => {
    const { send, refusal } = serving(limited);
    for (let sequence = 1; sequence <= 3; sequence++) assert.equal(send(1, sequence, operations(256)), 'reply');
    const { code, text } = refusal(1, 4, operations(256));
    assert.equal(code, 'windowExceeded');
    assert.match(text, /may take 1048576 bytes/);
    const rest = MIB - 3 * (256 * KIB + REPLY_BYTES) - REPLY_BYTES;
    assert.equal(send(1, 4, { operations: new Uint8Array(rest + 1) }), 'windowExceeded');
    assert.equal(send(1, 4, { operations: new Uint8Array(rest) }), 'reply', 'at the limit');
    assert.equal(send(1, 5, { ...operations(256), acknowledged: 4 }), 'reply');
    assert.equal(send(2, 1, operations(4 * KIB)), 'reply', 'one alone may always be');
  });

  it('leave the last quarter to sessions that hold little, and the last eighth to those that are there', () => {
    const { send, accounted } = serving(limited);
    let holders = 0;
    assert.equal(send(1, 1), 'reply');
    assert.equal(send(2, 1), 'reply');
    while (send(10 + holders, 1, operations(256)) === 'reply') holders++;
    assert.equal(holders, 23, 'of 256 KiB each, in six MiB');
    assert.equal(send(1, 2, operations(256)), 'overloaded');
    assert.equal(send(1, 2, operations(1)), 'reply');
    let little = 0;
    while (send(100 + little, 1, operations(1)) === 'reply') little++;
    assert.equal(send(100 + little, 1, operations(1)), 'tooManySessions');
    const { table, counted } = accounted();
    assert.equal(table, counted);
    assert.ok(table <= 7 * MIB && table > 7 * MIB - 2 * KIB, `${table}`);
    assert.equal(send(2, 2, { ...operations(1), acknowledged: 1 }), 'reply');
  });

  it('are freed by sessions that were idle for a minute, which know what they executed and go on if they have it', () => {
    const { send, pass, executions, worker, accounted } = serving(limited);
    let holders = 0;
    while (send(10 + holders, 1, operations(256), holders) === 'reply') holders++;
    const executed = executions();
    pass(replyGiveWayMs);
    assert.equal(send(1, 1, operations(256)), 'tooManySessions', 'not at the limit');
    pass(replyGiveWayMs + 1);
    assert.equal(send(1, 1, operations(256)), 'reply');
    assert.equal(worker.sessions.entries.get(idOf(10))?.replies.length, 0, 'the one that was idle for longest');
    assert.equal(worker.sessions.entries.get(idOf(11))?.replies.length, 1);
    assert.equal(send(10, 1, operations(256)), 'sessionExpired');
    assert.equal(executions(), executed + 1, 'not twice');
    assert.equal(send(10, 2, { ...operations(1), acknowledged: 1 }), 'reply');
    assert.equal(send(10, 1, operations(256)), 'sequenceGap', 'a copy of what had arrived harms nothing');
    const { table, counted } = accounted();
    assert.equal(table, counted);
  });

  it('are the same after a restart, which remembers which gave way and what was closed', () => {
    const { send, end, pass, worker, sealed } = serving(limited);
    let holders = 0;
    while (send(10 + holders, 1, operations(256)) === 'reply') holders++;
    pass(replyGiveWayMs + 1);
    send(1, 1, operations(256));
    end(11);
    const { table } = sealed();
    assert.equal(table.replyBytes, worker.sessions.replyBytes);
    assert.equal(table.entries.get(idOf(10))?.givenUp, 1);
    assert.equal(table.entries.get(idOf(11))?.ended, true);
  });

  it('are shed where a checkpoint has more of them than the process may keep, which serves all the same', () => {
    const whole = serving({ maxReplyBytes: 64 * MIB });
    for (let session = 0; session < 100; session++) whole.send(session, 1, operations(128));
    const small = serving(limited);
    const decision: Decision = { worldLine: 2, prefix: new Map([[0, 0]]), entitled: new Map([[0, 1]]) };
    small.send(500, 1);
    const cut = { kind: 'cut', stamp: STAMP, worldLine: 2, decisions: [decision], cut: decision.prefix } as const;
    small.step({ kind: 'finderFrame', message: cut });
    const effects = small.step({ kind: 'restored', version: 0, sessions: whole.sealed() });
    assert.ok(effects.some((effect) => effect.kind === 'log' && effect.event === 'memoryShort'));
    const now = { worldLine: 2 };
    assert.equal(small.send(200, 1, now), 'tooManySessions');
    assert.equal(small.send(3, 1, now), 'reply', 'a retry');
    small.pass(small.worker.now + 2 * MINUTE);
    assert.ok(small.worker.sessions.replyBytes <= 8 * MIB);
    assert.equal(small.send(200, 1, now), 'reply');
    small.pass(small.worker.now + 2 * MINUTE);
    small.send(200, 2, { ...now, acknowledged: 1 });
  });

  it('are accounted while they wait for another process', () => {
    const { worker, step } = servingWorker(() => undefined, limited);
    const hear = (session: number) =>
      step({
        kind: 'clientFrames',
        connection: 1,
        messages: [batchOf(1, { session: idOf(session), ...operations(1024) })],
      });
    let begun = 0;
    while (!hear(begun).some((effect) => effect.kind === 'send')) begun++;
    assert.equal(begun, 5);
    assert.equal(worker.inFlightBytes, 5 * (MIB + REPLY_BYTES));
    for (let ticket = 1; ticket <= 5; ticket++) step({ kind: 'executed', ticket, results: new Uint8Array(8) });
    assert.equal(worker.inFlightBytes, 0);
    assert.equal(worker.sessions.replyBytes, 5 * (8 + REPLY_BYTES));
  });

  it('do not keep what lies around them in memory', () => {
    const { worker, step } = servingWorker((operations) => Buffer.alloc(64 * KIB).subarray(0, operations.length));
    for (const session of [1, 2]) {
      const batch = batchOf(1, { session: idOf(session), operations: new Uint8Array(session === 1 ? 8 : 10 * KIB) });
      step({ kind: 'clientFrames', connection: 1, messages: [batch] });
    }
    step({ kind: 'wake' }, 1_000);
    for (const { replies } of worker.sessions.entries.values()) {
      for (const { results } of replies) assert.equal(results.buffer.byteLength, results.length);
    }
  });

  it('of checkpoints that wait for the disk are limited: batches wait, and go on', () => {
    const { worker, step } = servingWorker((given) => new Uint8Array(given.length), { maxUnwrittenBytes: MIB });
    const hear = (session: number) =>
      step({
        kind: 'clientFrames',
        connection: 1,
        messages: [batchOf(1, { session: idOf(session), ...operations(600) })],
      });
    hear(1);
    step({ kind: 'wake' }, 1_000);
    assert.ok(worker.unwrittenBytes < MIB);
    hear(2);
    const { version } = worker;
    step({ kind: 'wake' }, 2_000);
    assert.ok(worker.unwrittenBytes >= MIB);
    assert.deepEqual(hear(3), []);
    assert.equal(worker.waiting.length, 1);
    for (const { version: sealed } of [...worker.unwritten]) {
      assert.ok(sealed <= version);
      step({ kind: 'durable', worldLine: 1, version: sealed });
    }
    assert.equal(worker.waiting.length, 0);
    assert.equal(worker.unwrittenBytes, 0);
  });
});
