import { WORKER_DEFAULTS, sectionReader, type WorkerConfig, type WorkerEffect } from '@dpr/core';
import type { Batch, Decision, MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { ENTRY_BYTES, REPLY_BYTES } from '../../services/core/worker/session-table.ts';
import { batchOf, servingWorker } from './serving-worker.ts';

const idOf = (index: number): string => index.toString(16).padStart(32, '0');
const STAMP = { start: 'f'.repeat(16), counter: 2 };
const MIB = 1024 * 1024;
const { giveWayMs, replyGiveWayMs } = WORKER_DEFAULTS;
/** So that no connection is one that many sessions began on. */
const PER_CONNECTION = 16;

/** What a worker answers to clients of several addresses; results are as long as their operations. */
function serving(limits: Partial<WorkerConfig>, apply?: (operations: Uint8Array) => Uint8Array | undefined) {
  const { worker, step } = servingWorker(apply ?? ((operations) => new Uint8Array(operations.length)), limits);
  const sections: Uint8Array[] = [];
  const logged: Extract<WorkerEffect, { kind: 'log' }>[] = [];
  let connections = 0;
  let sessions = 0;
  const happen: typeof step = (event, now) => {
    const effects = step(event, now);
    for (const effect of effects) {
      if (effect.kind === 'checkpoint') sections.push(effect.sessions.bytes);
      if (effect.kind === 'log') logged.push(effect);
    }
    return effects;
  };
  function open(origin: string | undefined): number {
    happen({ kind: 'clientOpened', connection: ++connections, origin });
    return connections;
  }
  function send(connection: number, session: number, sequence: number, fields: Partial<Batch> = {}) {
    const messages = [batchOf(sequence, { session: idOf(session), ...fields })];
    const effects = happen({ kind: 'clientFrames', connection, messages });
    const [answer] = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
    return answer as MessageOf<'reply'> | MessageOf<'error'> | undefined;
  }
  const verdict = (answer: ReturnType<typeof send>): string =>
    answer?.kind === 'error' ? answer.code : (answer?.kind ?? 'nothing');
  return {
    worker,
    happen,
    logged,
    open,
    send: (...words: Parameters<typeof send>) => verdict(send(...words)),
    answer: send,
    /** Sessions of new numbers, until one is refused. @returns their numbers */
    flood: (origin: string | undefined, fields: Partial<Batch> = {}): number[] => {
      const begun: number[] = [];
      for (let connection = 0; ; begun.push(sessions)) {
        if (begun.length % PER_CONNECTION === 0) connection = open(origin);
        const said = verdict(send(connection, ++sessions, 1, fields));
        if (said === 'reply') continue;
        assert.equal(said, 'tooManySessions');
        return begun;
      }
    },
    /** Seal what executed, have it durable, and committed. */
    commit: (): void => {
      happen({ kind: 'wake' }, worker.now + 2 * worker.config.checkpointIntervalMs);
      for (const { version } of [...worker.unwritten]) happen({ kind: 'durable', worldLine: 1, version });
      const cut = new Map([[0, worker.predecessor]]);
      happen({ kind: 'finderFrame', message: { kind: 'cut', stamp: STAMP, worldLine: 1, decisions: [], cut } });
    },
    /** Let time pass in small steps. */
    pass: (ms: number): void => {
      for (const until = worker.now + ms; worker.now < until;)
        happen({ kind: 'wake' }, Math.min(until, worker.now + 10_000));
    },
    /** Go back to what is in the checkpoints, as a rollback does. */
    rollBack: (): void => {
      happen({ kind: 'wake' }, worker.now + 1_000);
      const { take, finish } = sectionReader();
      for (const section of sections) take(section);
      const version = worker.predecessor;
      const restored = finish(1, version);
      send(open(undefined), ++sessions, 1);
      const decision: Decision = { worldLine: 2, prefix: new Map([[0, version]]), entitled: new Map([[0, 1]]) };
      const cut = { kind: 'cut', stamp: STAMP, worldLine: 2, decisions: [decision], cut: decision.prefix } as const;
      happen({ kind: 'finderFrame', message: cut });
      happen({ kind: 'restored', version, sessions: restored });
    },
    held: (origin: string) => worker.sessions.holdings.get(origin)?.sessions ?? 0,
  };
}

describe('the sessions of clients at several addresses', () => {
  const hundred = { maxSessionBytes: 100 * ENTRY_BYTES };

  it('have half of the room that others leave, and one more is refused, by name', () => {
    const { flood, send, open, answer, logged } = serving(hundred);
    assert.equal(flood('a').length, 50);
    const refused = answer(open('a'), 999, 1);
    assert.ok(refused?.kind === 'error');
    assert.equal(refused.code, 'tooManySessions');
    assert.match(refused.text, /remembers 50 sessions in 24000 bytes, 50 of them of clients at this address: the rest/);
    assert.deepEqual(
      logged.map(({ event, details }) => [event, details.origin]),
      [['memoryShort', 'a']],
    );
    assert.equal(flood('b').length, 25);
    assert.equal(flood('c').length, 13);
    assert.equal(flood('d').length, 6);
    assert.equal(send(open('a'), 999, 1), 'tooManySessions');
    assert.equal(send(1, 1, 2), 'reply', 'those that are there go on');
  });

  it('have all of it where addresses say nothing', () => {
    const { flood, answer, open } = serving(hundred);
    assert.equal(flood(undefined).length, 100);
    const refused = answer(open(undefined), 999, 1);
    assert.match(
      refused?.kind === 'error' ? refused.text : '',
      /remembers 100 sessions .* as many as its memory allows/,
    );
  });

  it('have the last place there is', () => {
    const { flood } = serving({ maxSessionBytes: ENTRY_BYTES });
    assert.equal(flood('a').length, 1);
  });

  it('leave an eighth of their room to others of the same address, on a connection on which many began', () => {
    const { open, send } = serving(hundred);
    const crowded = open('a');
    let begun = 0;
    while (send(crowded, begun, 1) === 'reply') begun++;
    assert.equal(begun, 43);
    assert.equal(send(open('a'), begun, 1), 'reply');
  });

  it('make room for each other, those that were idle for longest, and those of an address that has fewer stay', () => {
    const { flood, send, open, commit, pass, held, worker } = serving(hundred);
    const many = flood('a');
    const few = flood('b');
    assert.deepEqual([held('a'), held('b')], [50, 25]);
    commit();
    pass(giveWayMs + 1);
    assert.equal(send(open('a'), 900, 1), 'reply', 'the oldest of its own give way');
    assert.deepEqual([held('a'), held('b')], [38, 25], 'half of what the other leaves by now');
    assert.equal(worker.sessions.entries.has(idOf(many[0] ?? 0)), false);
    assert.equal(send(open('b'), few[0] ?? 0, 2), 'reply');
  });

  it('make room for an address that has fewer, once they were idle for long and are committed, and not before', () => {
    const { flood, send, open, commit, pass, held } = serving({ maxSessionBytes: 3 * ENTRY_BYTES });
    for (const [origin, count] of [
      ['a', 2],
      ['b', 1],
    ] as const)
      assert.equal(flood(origin).length, count);
    pass(giveWayMs + 1);
    assert.equal(send(open('c'), 900, 1), 'tooManySessions', 'a rollback may ask for them');
    commit();
    assert.equal(send(open('c'), 900, 1), 'reply');
    assert.deepEqual([held('a'), held('b'), held('c')], [1, 1, 1]);
  });

  it('do not give way to an address that has as many', () => {
    const { flood, send, open, commit, pass, held } = serving({ maxSessionBytes: 2 * ENTRY_BYTES });
    assert.equal(flood('a').length, 1);
    assert.equal(flood('b').length, 1);
    commit();
    pass(giveWayMs + 1);
    assert.equal(send(open('b'), 900, 1), 'reply');
    assert.deepEqual([held('a'), held('b')], [1, 1]);
    assert.equal(send(1, 1, 2), 'reply');
  });

  it('count where they were heard of last', () => {
    const { open, send, held } = serving(hundred);
    const [home, away] = [open('a'), open('b')];
    send(home, 1, 1);
    send(home, 2, 1);
    assert.equal(send(away, 1, 2), 'reply');
    assert.deepEqual([held('a'), held('b')], [1, 1]);
    assert.equal(send(open(undefined), 1, 3), 'reply', 'a connection of which nothing is known changes nothing');
    assert.deepEqual([held('a'), held('b')], [1, 1]);
  });

  it('are free again for the address once they were closed and no copy can come', () => {
    const { flood, happen, send, open } = serving(hundred);
    const [first = 0] = flood('a');
    happen({ kind: 'clientFrames', connection: 1, messages: [{ kind: 'sessionEnded', session: idOf(first) }] }, 2);
    assert.equal(send(open('a'), 900, 1), 'tooManySessions');
    happen({ kind: 'clientsAsked' }, 3);
    happen({ kind: 'clientsAnswered' }, 4);
    assert.equal(send(open('a'), 900, 1), 'reply');
    assert.equal(send(open('a'), 901, 1), 'tooManySessions');
  });

  it('end the shortage once an address has a quarter of its room left', () => {
    const { flood, happen, logged, commit, pass, worker } = serving(hundred);
    flood('a');
    commit();
    pass(giveWayMs - 60_000);
    assert.equal(worker.isShort, true);
    for (const session of [...worker.sessions.entries.keys()].slice(0, 13))
      happen({ kind: 'clientFrames', connection: 1, messages: [{ kind: 'sessionEnded', session }] });
    happen({ kind: 'clientsAsked' }, worker.now + 1);
    happen({ kind: 'clientsAnswered' }, worker.now + 1);
    assert.deepEqual(
      logged.map(({ event }) => event),
      ['memoryShort', 'memoryEased'],
    );
  });

  it('keep their address over a rollback, so that one that has its half gets no more', () => {
    const { flood, rollBack, held } = serving(hundred);
    flood('a');
    rollBack();
    assert.equal(held('a'), 50);
    const now = { worldLine: 2 };
    assert.deepEqual(flood('a', now), []);
    assert.equal(flood('b', now).length, 25);
  });
});

describe('the replies to clients at several addresses', () => {
  const limited = { maxReplyBytes: 8 * MIB };
  const KIB = 1024;
  const operations = (kib: number) => ({ operations: new Uint8Array(kib * KIB) });

  it('have three quarters of the room that others leave, and of that as much as without others', () => {
    const { flood, send, open, worker } = serving(limited);
    const bytes = (origin: string): number => worker.sessions.holdings.get(origin)?.replyBytes ?? 0;
    const [first = 0] = flood('a', operations(1));
    assert.ok(
      bytes('a') <= 6 * MIB * (7 / 8) && bytes('a') > 6 * MIB * (7 / 8) - 2 * KIB,
      'what new sessions may take',
    );
    let sequence = 1;
    while (send(1, first, sequence + 1, { ...operations(1), acknowledged: sequence }) === 'reply' && sequence < 10)
      sequence++;
    assert.equal(sequence, 10, 'those that acknowledge go on');
    const room = ((8 * MIB - bytes('a')) * 3) / 4;
    flood('b', operations(1));
    assert.ok(bytes('b') <= room * (7 / 8) && bytes('b') > room * (7 / 8) - 2 * KIB);
    assert.equal(send(open('c'), 900_000, 1), 'reply');
  });

  it('of an address that has as much as it may are refused more by name', () => {
    const { send, answer, open } = serving(limited);
    const connection = open('a');
    let session = 1;
    while (send(connection, session, 1, operations(400)) === 'reply') session++;
    const refused = answer(connection, 1, 2, operations(400));
    assert.ok(refused?.kind === 'error');
    assert.equal(refused.code, 'overloaded');
    assert.match(refused.text, /may keep 8388608; \d+ of them are for clients at this address, and the rest/);
  });

  it('give way to those of the same address once their sessions were idle for a minute, and to none of one that has more', () => {
    const { flood, send, open, pass, worker } = serving(limited);
    const [few = 0] = flood('b', operations(256)).slice(0, 1);
    const many = flood('a', operations(64));
    const kept = (session = 0): number => worker.sessions.entries.get(idOf(session))?.replies.length ?? 0;
    pass(replyGiveWayMs);
    assert.equal(send(open('a'), 900, 1, operations(64)), 'tooManySessions', 'not at the limit');
    pass(1);
    assert.equal(send(open('a'), 900, 1, operations(64)), 'reply');
    assert.equal(kept(many[0]), 0);
    assert.equal(kept(few), 1);
  });

  it('count while they wait for another process, where their session came from', () => {
    const { open, send, happen, worker } = serving(limited, () => undefined);
    const connection = open('a');
    let begun = 0;
    while (send(connection, begun, 1, operations(1024)) === 'nothing') begun++;
    assert.equal(begun, 4, 'of 4.5 MiB for those that hold much');
    const holding = worker.sessions.holdings.get('a');
    assert.equal(holding?.inFlightBytes, 4 * (MIB + REPLY_BYTES));
    const other = open('b');
    assert.equal(send(other, 800, 1, operations(1024)), 'nothing');
    assert.equal(send(other, 0, 1, operations(1024)), 'nothing', 'a copy: the session is of the other address now');
    for (let ticket = 1; ticket <= 5; ticket++) happen({ kind: 'executed', ticket, results: new Uint8Array(8) });
    assert.equal(worker.inFlightBytes, 0);
    for (const one of worker.sessions.holdings.values()) assert.equal(one.inFlightBytes, 0);
    assert.equal(worker.sessions.holdings.get('b')?.replyBytes, 2 * (8 + REPLY_BYTES));
  });

  it('may be those of the largest batch, at a worker with the least memory', () => {
    const { open, send } = serving(limited);
    assert.equal(send(open('a'), 1, 1, { operations: new Uint8Array(4 * MIB) }), 'reply');
  });
});
