import {
  createFinder,
  createSession,
  FINDER_DEFAULTS,
  MalformedOperations,
  sessionWakeAt,
  stepFinder,
} from '@dpr/core';
import { stepSession, type FinderEffect, type FinderEvent, type SessionEvent, type WorkerEffect } from '@dpr/core';
import {
  draftBytes,
  draftOf,
  MAX_EXACT_U64,
  MAX_UNACKNOWLEDGED_BATCHES,
  type Message,
  type MessageOf,
} from '@dpr/protocol';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MESSAGES } from '../protocol/arbitraries.ts';
import { batchOf, servingWorker, SESSION } from './serving-worker.ts';

const CLIENT = 7;
const MAX_U32 = 2 ** 32 - 1;
const A_TICK_MS = 100;

const sentBy = (effects: readonly WorkerEffect[]): Message[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
const toldFinder = (effects: readonly WorkerEffect[]): Message[] =>
  effects.flatMap((effect) => (effect.kind === 'toFinder' ? [effect.message] : []));

/** As `batch`, but for the world-line. */
const inWorldLine = (batch: Message, worldLine: number): Message => ({ ...batch, worldLine }) as Message;

describe('a worker that a client tells of a newer world-line', () => {
  const QUERY: Message = { kind: 'table', session: SESSION, worldLine: 1, generation: 1 };
  for (const worldLine of [2, MAX_U32]) {
    for (const asked of [batchOf(1), QUERY]) {
      it(`refuses the ${asked.kind} of world-line ${worldLine}, and does nothing more on that account`, () => {
        const { worker, step } = servingWorker(() => new Uint8Array(1));
        const messages = [inWorldLine(asked, worldLine)];
        const but = { state: undefined, effects: [], refused: undefined }; // it counts what it refuses
        const before = structuredClone({ ...worker, ...but });
        const effects = step({ kind: 'clientFrames', connection: CLIENT, messages });
        assert.deepEqual(
          sentBy(effects).map((one) => one.kind === 'error' && [one.code, one.detail]),
          [['needDecisions', 1]],
        );
        assert.equal(effects.length, 1);
        assert.deepEqual({ ...worker, ...but }, before);
      });
    }
  }

  it('goes on in it once the Finder has told it', () => {
    const { worker, step } = servingWorker(() => new Uint8Array(1));
    const stamp = { start: 'f'.repeat(16), counter: 2 };
    const decisions = [{ worldLine: 2, prefix: new Map([[0, 0]]), entitled: new Map([[0, 1]]) }];
    step({ kind: 'finderFrame', message: { kind: 'cut', stamp, worldLine: 2, decisions, cut: new Map() } });
    assert.deepEqual([worker.worldLine, worker.stamp], [2, stamp]);
    const batch = inWorldLine(batchOf(1), 2);
    const effects = step({ kind: 'clientFrames', connection: CLIENT, messages: [batch] });
    assert.deepEqual(
      sentBy(effects).map(({ kind }) => kind),
      ['reply'],
    );
  });
});

describe('a worker whose connection leads to a Finder of another cluster', () => {
  it('remembers no stamp and no decision of it', () => {
    const { worker, step } = servingWorker(() => new Uint8Array(1));
    const { stamp } = worker;
    step({ kind: 'finderClosed' });
    const forged: MessageOf<'cut'> = {
      kind: 'cut',
      stamp: { start: 'a'.repeat(16), counter: 9 },
      worldLine: 2,
      decisions: [{ worldLine: 2, prefix: new Map(), entitled: new Map([[0, 2]]) }],
      cut: new Map(),
    };
    const effects = step({ kind: 'finderFrame', message: forged });
    assert.deepEqual(effects, []);
    assert.deepEqual([worker.worldLine, worker.stamp, worker.phase], [1, stamp, 'serving']);
  });
});

describe('a worker that serves', () => {
  for (const code of ['volumeRefused', 'surveyAgain'] as const) {
    it(`goes on when the Finder answers '${code}' to a claim that it did not make`, () => {
      const { worker, step } = servingWorker(() => new Uint8Array(1));
      const refusal = { kind: 'error', code, session: undefined, sequence: 0, detail: 1, text: 'no' } as const;
      const effects = step({ kind: 'finderFrame', message: refusal });
      assert.deepEqual(
        effects.map((effect) => effect.kind === 'log' && effect.event),
        ['finderRefused'],
      );
      step({ kind: 'finderClosed' });
      const greeting = toldFinder(step({ kind: 'finderOpened' }));
      assert.deepEqual([worker.phase, greeting.map(({ kind }) => kind)], ['serving', ['graph']]);
    });
  }
});

describe('a worker that is asked for the same commit again and again', () => {
  it('tells the Finder once', () => {
    const { step } = servingWorker(() => new Uint8Array(1));
    step({ kind: 'clientFrames', connection: CLIENT, messages: [batchOf(1)] });
    const sealed = step({ kind: 'wake' }, A_TICK_MS, A_TICK_MS).find((effect) => effect.kind === 'checkpoint');
    assert.ok(sealed);
    const { worldLine, version } = sealed.info;
    step({ kind: 'durable', worldLine, version }, A_TICK_MS, A_TICK_MS);
    const commit: Message = { kind: 'commit', worldLine, version: MAX_EXACT_U64 };
    const messages = Array.from({ length: 1_024 }, () => commit);
    const ask = () => toldFinder(step({ kind: 'clientFrames', connection: CLIENT, messages }, A_TICK_MS, A_TICK_MS));
    assert.deepEqual(
      ask().map((one) => one.kind === 'checkpoint' && [one.version, one.urgent]),
      [[version, true]],
    );
    assert.deepEqual(ask(), []);
    step({ kind: 'finderClosed' }, A_TICK_MS, A_TICK_MS);
    step({ kind: 'finderOpened' }, A_TICK_MS, A_TICK_MS);
    assert.equal(ask().length, 1, 'once more on another connection');
  });
});

describe('a worker whose state is in another process', () => {
  it('lets no more batches of a session run than it keeps replies of, also if the client says that it has more', () => {
    const tickets: number[] = [];
    const { step } = servingWorker((_operations, _count, ticket) => void tickets.push(ticket));
    const messages = Array.from({ length: MAX_UNACKNOWLEDGED_BATCHES + 1 }, (_, index): Message => {
      return { ...batchOf(index + 1), acknowledged: index };
    });
    const last = messages.slice(-1);
    const take = (batches: readonly Message[]) =>
      sentBy(step({ kind: 'clientFrames', connection: CLIENT, messages: batches }));
    assert.deepEqual(
      take(messages).map((one) => one.kind === 'error' && [one.code, one.sequence]),
      [['windowExceeded', MAX_UNACKNOWLEDGED_BATCHES + 1]],
    );
    for (const ticket of tickets) step({ kind: 'executed', ticket, results: new Uint8Array(1) });
    const effects = step({ kind: 'wake' }, A_TICK_MS, A_TICK_MS);
    assert.ok(
      effects.some(({ kind }) => kind === 'checkpoint'),
      'what ended can be written',
    );
    assert.deepEqual(take(last), []);
    assert.equal(tickets.length, MAX_UNACKNOWLEDGED_BATCHES + 1, 'the next one runs');
  });
});

describe('a session whose worker has not heard of its world-line', () => {
  it('sends the same again, after longer and longer pauses, and nothing else', () => {
    const limits = { maxInFlight: 16, retryMs: 5, maxRetryMs: 40, retryLimitMs: 1e6, absurdRetryLimitMs: 60_000 };
    const session = createSession({ id: SESSION, worldLine: 2, mode: 'relaxed', replay: false, ...limits });
    let now = 0;
    const step = (event: SessionEvent): Message[] =>
      stepSession(session, event, now).flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
    step({ kind: 'submit', calls: [{ worker: 0, operations: new Uint8Array(8), count: 1 }] });
    const first = step({ kind: 'connected', worker: 0, generation: 1 });
    assert.equal(first.length, 1);
    const refusal = {
      kind: 'error',
      code: 'needDecisions',
      session: SESSION,
      sequence: 1,
      detail: 1,
      text: '',
    } as const;
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      assert.deepEqual(step({ kind: 'frames', worker: 0, messages: [refusal] }), []);
      pauses.push(sessionWakeAt(session) - now);
      now = sessionWakeAt(session);
      assert.deepEqual(step({ kind: 'wake' }), first);
    }
    assert.deepEqual(pauses, [10, 20, 40, 40, 40]);
  });
});

/** Any frame at all, and those that look right more often. */
const sessions = fc.constantFrom(SESSION, '0'.repeat(32), 'f'.repeat(32));
const worldLines = fc.oneof(
  { arbitrary: fc.constant(1), weight: 8 },
  { arbitrary: fc.constantFrom(0, 2, MAX_U32), weight: 1 },
);
const large = fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(MAX_U32, 2 ** 42, MAX_EXACT_U64 - 2, MAX_EXACT_U64));
const nearly = fc.oneof(
  fc
    .tuple(
      MESSAGES.batch,
      sessions,
      worldLines,
      fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(MAX_EXACT_U64)),
      large,
    )
    .map(([batch, session, worldLine, sequence, acknowledged]) => {
      const own = { session, worldLine, generation: 1, sequence, acknowledged, version: batch.version % 1_000 };
      return { ...batch, ...own, dependencies: new Map([...batch.dependencies.keys()].map((id) => [id, 0])) };
    }),
  fc.record({ kind: fc.constant('commit' as const), worldLine: worldLines, version: large }),
  fc.record({ kind: fc.constant('refresh' as const), worldLine: worldLines }),
  fc.record({ kind: fc.constant('table' as const), session: sessions, worldLine: worldLines, generation: worldLines }),
  fc.record({ kind: fc.constant('sessionEnded' as const), session: sessions }),
);
const anyFrames = fc.array(fc.oneof<fc.Arbitrary<Message>[]>(nearly, ...Object.values(MESSAGES)), { maxLength: 40 });

describe('all frames that a client may send', () => {
  it('to a worker: it goes on, every answer can be sent, and no other peer is told anything but checkpoints', () => {
    fc.assert(
      fc.property(anyFrames, fc.boolean(), (frames, isElsewhere) => {
        const running: number[] = [];
        const { worker, step } = servingWorker((operations, _count, ticket) => {
          if (operations.length % 2 === 1) throw new MalformedOperations('an odd number of bytes');
          if (isElsewhere) running.push(ticket);
          return isElsewhere ? undefined : new Uint8Array(8);
        });
        const { stamp, decisions } = worker;
        let now = 0;
        function happen(messages: readonly Message[]): Message[] {
          const sent: Message[] = [];
          now += A_TICK_MS / 2;
          const effects = step({ kind: 'clientFrames', connection: CLIENT, messages }, now, now);
          for (const ticket of running.splice(0)) {
            effects.push(...step({ kind: 'executed', ticket, results: new Uint8Array(8) }, now, now));
          }
          effects.push(...step({ kind: 'wake' }, now, now));
          for (const effect of effects) {
            assert.notEqual(effect.kind, 'stop');
            if (effect.kind === 'send') sent.push(effect.message);
            if (effect.kind === 'send' || effect.kind === 'toFinder')
              assert.ok(draftBytes(draftOf(effect.message)) > 0);
            if (effect.kind === 'toFinder') assert.match(effect.message.kind, /^(checkpoint|progress)$/);
            if (effect.kind === 'checkpoint') step({ kind: 'durable', ...effect.info }, now, now);
          }
          return sent;
        }
        for (const frame of frames) happen([frame]);
        happen(frames);
        assert.deepEqual(
          [worker.phase, worker.worldLine, worker.stamp, worker.decisions],
          ['serving', 1, stamp, decisions],
        );
        const other = { ...batchOf(1), session: 'a'.repeat(32) } as Message;
        assert.deepEqual(
          happen([other]).map(({ kind }) => kind),
          ['reply'],
          'another session is served',
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('to the Finder: its record stays as it is, and it serves', () => {
    fc.assert(
      fc.property(fc.option(MESSAGES.hello, { nil: undefined }), anyFrames, (hello, frames) => {
        const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 1 });
        const step = (event: FinderEvent): FinderEffect[] => stepFinder(finder, event, 0);
        const cluster = 'c'.repeat(32);
        step({ kind: 'loaded', record: undefined, start: '5'.repeat(16), cluster });
        step({ kind: 'written', counter: finder.record.counter });
        const { record } = finder;
        for (const message of frames) {
          step({ kind: 'opened', connection: CLIENT, role: 'client', cluster: hello?.cluster, stamp: hello?.stamp });
          for (const effect of step({ kind: 'frame', connection: CLIENT, message })) {
            assert.match(effect.kind, /^(send|close)$/);
            if (effect.kind === 'send') assert.ok(draftBytes(draftOf(effect.message)) > 0);
          }
        }
        assert.equal(finder.record, record);
        assert.equal(finder.phase, 'serving');
      }),
    );
  });
});
