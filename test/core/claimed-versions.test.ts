import assert from 'node:assert/strict';
import {
  createFinder,
  FINDER_DEFAULTS,
  finderWakeAt,
  stepFinder,
  type FinderEvent,
  type WorkerEffect,
  type WorkerEvent,
} from '@dpr/core';
import {
  encode,
  MAX_EXACT_U64,
  MAX_VERSION,
  MAX_VERSION_JUMP,
  REACHED_SPACING_MS,
  type Message,
  type MessageOf,
} from '@dpr/protocol';
import { batchOf, servingWorker } from './serving-worker.ts';

const NOON = 1_800_000_000_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A worker whose clock says noon, with a disk that takes no time. Every frame is encoded, as it will be. */
function workerAtNoon(base = 0, wall = NOON) {
  const { worker, step } = servingWorker(() => new Uint8Array(8), { startWall: wall, base });
  const seals: number[] = [];
  let sequence = 0;
  function take(effects: readonly WorkerEffect[], now: number): Message[] {
    return effects.flatMap((effect) => {
      if (effect.kind === 'checkpoint') {
        const { version } = effect.info;
        seals.push(version);
        return take(step({ kind: 'durable', worldLine: 1, version }, now, wall + now), now);
      }
      if (effect.kind !== 'send' && effect.kind !== 'toFinder') return [];
      encode(effect.message);
      return [effect.message];
    });
  }
  return {
    worker,
    seals,
    wake: (now: number) => take(step({ kind: 'wake' }, now, wall + now), now),
    fromFinder: (message: Message, now = worker.now) =>
      take(step({ kind: 'finderFrame', message }, now, wall + now), now),
    /** A batch of a session that claims to have seen this version. */
    claim: (version: number, now = worker.now): Message[] => {
      const messages = [batchOf(sequence + 1, { version, acknowledged: sequence })];
      const told = take(step({ kind: 'clientFrames', connection: 1, messages }, now, wall + now), now);
      if (told.some(({ kind }) => kind === 'reply')) sequence++;
      return told;
    },
  };
}

const codes = (messages: readonly Message[]) =>
  messages.map((message) => (message.kind === 'error' ? message.code : message.kind));

describe('a version that a client claims', () => {
  it('moves a worker by no more than MAX_VERSION_JUMP above what is known, however many batches claim it', () => {
    const { worker, claim } = workerAtNoon();
    for (let batch = 0; batch < 2_048; batch++) {
      claim(worker.version + MAX_VERSION_JUMP);
    }
    assert.equal(worker.version, NOON + MAX_VERSION_JUMP);
  });

  it('is refused without any change, with the largest that is believed, and the Finder is asked at most every REACHED_SPACING_MS', () => {
    const { worker, seals, claim } = workerAtNoon();
    const before = worker.version;
    const [refusal, question] = claim(NOON + DAY_MS, 0);
    assert.ok(refusal?.kind === 'error' && refusal.code === 'absurdVersion');
    assert.equal(refusal.detail, NOON + MAX_VERSION_JUMP);
    assert.equal(question?.kind, 'fetchReached');
    for (let batch = 0; batch < 1_000; batch++) {
      assert.deepEqual(codes(claim(NOON + DAY_MS, REACHED_SPACING_MS - 1)), ['absurdVersion']);
    }
    assert.deepEqual(codes(claim(NOON + DAY_MS, REACHED_SPACING_MS)), ['absurdVersion', 'fetchReached']);
    assert.deepEqual([worker.version, worker.sessions.entries.size, seals.length], [before, 0, 0]);
  });

  it('is believed once a worker reported it, though that worker is a day ahead', () => {
    const { worker, claim, fromFinder } = workerAtNoon();
    assert.deepEqual(codes(claim(NOON + DAY_MS)), ['absurdVersion', 'fetchReached']);
    fromFinder({ kind: 'reached', version: NOON + DAY_MS - 50 });
    assert.deepEqual(codes(claim(NOON + DAY_MS)), ['reply']);
    assert.equal(worker.version, NOON + DAY_MS);
    assert.ok(codes(claim(NOON + DAY_MS + 60_000, 55_000)).includes('reply'), 'what was reported goes on with time');
  });

  it('is never beyond MAX_VERSION, by a clock or by a claim', () => {
    const { worker, claim, wake } = workerAtNoon(0, 2 * MAX_VERSION);
    assert.deepEqual(codes(claim(MAX_VERSION + 1)), ['absurdVersion', 'fetchReached']);
    assert.deepEqual(codes(claim(MAX_VERSION)), ['reply']);
    for (let now = 0; now < 10_000; now += 50) wake(now);
    assert.ok(worker.version <= MAX_VERSION + 10_000, 'it goes on with time, and no faster');
  });
});

describe('a volume that is beyond MAX_VERSION', () => {
  for (const base of [MAX_VERSION + 10, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 53 + 2]) {
    it(`is opened at ${base}, and counts on by the least step at each tick`, () => {
      const { worker, seals, claim, wake } = workerAtNoon(base);
      for (let now = 0; now < 1_000; now += 10) {
        assert.ok(codes(claim(0, now)).includes('reply'));
        wake(now);
      }
      assert.equal(seals.length, 9);
      assert.ok(worker.version <= base + 20 && worker.version < MAX_EXACT_U64);
      assert.equal(new Set(seals).size, seals.length);
    });

    it(`lets sessions that have seen it, at ${base}, go on elsewhere`, () => {
      const other = workerAtNoon();
      assert.deepEqual(codes(other.claim(base)), ['absurdVersion', 'fetchReached']);
      other.fromFinder({ kind: 'reached', version: base });
      assert.deepEqual(codes(other.claim(base + 2)), ['reply']);
    });
  }
});

describe('a checkpoint that others wait for', () => {
  const seal = (version: number): Message => ({ kind: 'seal', worldLine: 1, version, urgent: false });

  it('is made of the state as it is, where nothing executed', () => {
    const { worker, seals, fromFinder } = workerAtNoon();
    const told = fromFinder(seal(3));
    assert.deepEqual(
      codes(told).filter((kind) => kind === 'checkpoint'),
      ['checkpoint'],
    );
    assert.deepEqual(seals, [3]);
    assert.equal(worker.version, 4);
    assert.deepEqual(fromFinder(seal(3)), [], 'once');
  });

  it('is the open version’s, where that is above what they wait for', () => {
    const { seals, fromFinder } = workerAtNoon(100);
    fromFinder(seal(100));
    assert.deepEqual(seals, [], 'there is one');
    fromFinder(seal(101));
    assert.deepEqual(seals, [101]);
  });

  it('waits for the clock’s tick, where something executed', () => {
    const { worker, seals, claim, wake, fromFinder } = workerAtNoon();
    claim(NOON + 5, 10);
    fromFinder(seal(NOON + 5), 20);
    assert.deepEqual(seals, []);
    wake(110);
    assert.deepEqual(seals, [NOON + 5]);
    assert.equal(worker.owed <= worker.predecessor, true);
  });

  it('is there after the second tick, however far above the clock, where a batch comes before each write has ended', () => {
    const { step } = servingWorker(() => new Uint8Array(8), { startWall: NOON });
    const seals: number[] = [];
    let sequence = 0;
    function dispatch(event: WorkerEvent, now: number): void {
      const effects = step(event, now, NOON + now);
      const messages = [batchOf(sequence + 1, { acknowledged: sequence++ })];
      step({ kind: 'clientFrames', connection: 1, messages }, now, NOON + now);
      for (const effect of effects) {
        if (effect.kind !== 'checkpoint') continue;
        seals.push(effect.info.version);
        dispatch({ kind: 'durable', worldLine: 1, version: effect.info.version }, now);
      }
    }
    dispatch({ kind: 'wake' }, 10);
    dispatch({ kind: 'wake' }, 20);
    dispatch({ kind: 'finderFrame', message: seal(NOON + 5_000) }, 30);
    for (let now = 40; now <= 210; now += 10) dispatch({ kind: 'wake' }, now);
    assert.deepEqual(seals, [1, NOON, NOON + 5_000]);
  });

  it('says nothing of what was reached: clients could drive versions on by one request after the other', () => {
    const { claim, fromFinder } = workerAtNoon();
    fromFinder({ kind: 'seal', worldLine: 1, version: NOON + MAX_VERSION_JUMP, urgent: true });
    assert.deepEqual(codes(claim(NOON + MAX_VERSION_JUMP + 1)), ['reply'], 'the version that is open now');
    assert.deepEqual(codes(claim(NOON + MAX_VERSION_JUMP + 2)), ['absurdVersion', 'fetchReached']);
  });
});

/** A Finder on a disk that takes no time, and its workers, each on the connection of its id. */
function finderOf(ids: readonly number[]) {
  const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 1, decisionGraceMs: 0 });
  const logged: [event: string, details: Readonly<Record<string, unknown>>][] = [];
  const sent: (readonly [connection: number, message: Message])[] = [];
  let now = 0;
  function dispatch(event: FinderEvent): void {
    for (const effect of stepFinder(finder, event, now)) {
      if (effect.kind === 'log') logged.push([effect.event, effect.details]);
      if (effect.kind === 'send') sent.push([effect.connection, effect.message]);
      if (effect.kind === 'write') dispatch({ kind: 'written', counter: effect.counter });
    }
  }
  const say = (connection: number, message: Message): void => dispatch({ kind: 'frame', connection, message });
  function join(id: number): void {
    const boot = String(id + 1)
      .repeat(32)
      .slice(0, 32);
    dispatch({ kind: 'opened', connection: id, role: 'worker', cluster: undefined, stamp: undefined });
    const claim = { worker: id, generation: 0, boot, checkpoints: [], from: 0, removed: 0, kept: [] } as const;
    say(id, { kind: 'claim', ...claim, state: 'unsaid' });
    const own = { worker: id, generation: 1, incarnation: 1 };
    say(id, { kind: 'register', ...own, boot, type: 'text', host: '', port: 6380, checkpoints: [], clean: undefined });
    say(id, { kind: 'graph', ...own, worldLine: 1, checkpoints: [] });
  }
  /** Let time pass, in steps in which the Finder wakes when it wants. */
  function pass(ms: number): void {
    const end = now + ms;
    while (finderWakeAt(finder) <= end) {
      now = Math.max(now, finderWakeAt(finder));
      dispatch({ kind: 'wake' });
    }
    now = end;
    dispatch({ kind: 'wake' });
  }
  dispatch({ kind: 'loaded', record: undefined, start: '5'.repeat(16), cluster: 'c'.repeat(32) });
  for (const id of ids) join(id);
  return {
    finder,
    logged,
    sent,
    say,
    pass,
    dispatch,
    join,
    /** The worker reports a checkpoint. */
    report: (
      id: number,
      version: number,
      predecessor: number,
      dependencies: readonly (readonly [number, number])[] = [],
    ): void => {
      const info = { worldLine: 1, version, predecessor, dependencies: new Map(dependencies) };
      say(id, { kind: 'checkpoint', ...info, urgent: false });
    },
    committed: (id: number) => finder.record.cut.get(id) ?? 0,
    asked: (id: number) =>
      sent.flatMap(([to, message]) => (to === id && message.kind === 'seal' ? [message.version] : [])),
    status: (): MessageOf<'statusAnswer'> => {
      dispatch({ kind: 'opened', connection: 999, role: 'operator', cluster: undefined, stamp: undefined });
      say(999, { kind: 'status' });
      const answer = sent.at(-1)?.[1];
      return answer?.kind === 'statusAnswer' ? answer : assert.fail('no status');
    },
  };
}

/** Nothing that is well takes longer than this to commit, with any claims of clients. */
const STATED_MS = 1_000;

describe('a dependency that a client claims', () => {
  it('is at most the version that it claims, or is refused without any change', () => {
    const { worker, step } = servingWorker(() => new Uint8Array(8), { startWall: NOON });
    const ask = (needed: number) => {
      const messages = [batchOf(1, { version: NOON, dependencies: new Map([[1, needed]]) })];
      const effects = step({ kind: 'clientFrames', connection: 1, messages });
      return codes(effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : [])));
    };
    const before = worker.version;
    assert.deepEqual(ask(NOON + 1), ['dependencyAboveVersion']);
    assert.deepEqual([worker.version, worker.dependencies.size, worker.sessions.entries.size], [before, 0, 0]);
    assert.deepEqual(ask(NOON), ['reply']);
    assert.deepEqual([worker.version, worker.dependencies.get(1)], [NOON, NOON]);
  });

  it('on a worker that never was is met, and told once', () => {
    const { report, pass, committed, logged } = finderOf([0]);
    report(0, 10, 0, [[999, 1]]);
    report(0, 20, 10, [[999, 2]]);
    pass(STATED_MS);
    assert.equal(committed(0), 20);
    assert.deepEqual(
      logged.filter(([event]) => event === 'impossibleDependency').map(([, { owner }]) => owner),
      [999],
    );
  });

  it('on a version that a removed worker never executed is met', () => {
    const { finder, report, say, dispatch, pass, committed } = finderOf([0, 1]);
    report(1, 5, 0);
    pass(STATED_MS);
    dispatch({ kind: 'opened', connection: 999, role: 'operator', cluster: undefined, stamp: undefined });
    say(999, { kind: 'deleteWorker', worker: 1, generation: 1, force: false });
    report(0, 10, 0, [[1, 9]]); // while it is a member
    say(1, { kind: 'drained', version: 5 });
    pass(STATED_MS);
    assert.equal(finder.record.members.has(1), false);
    assert.equal(committed(0), 10);
    report(0, 20, 10, [[1, 19]]); // and afterwards
    pass(STATED_MS);
    assert.equal(committed(0), 20);
  });

  it('on a version that an idle worker never executed is met by a checkpoint, which that worker is asked for', () => {
    const { report, pass, committed, asked } = finderOf([0, 1]);
    report(0, 10, 0, [[1, 3]]);
    pass(STATED_MS);
    assert.equal(committed(0), 0);
    assert.deepEqual([...new Set(asked(1))], [3]);
    report(1, 7, 0);
    pass(STATED_MS);
    assert.deepEqual([committed(0), committed(1)], [10, 7]);
  });

  it('on what its owner skips again and again holds up none but the newest', () => {
    const { finder, report, pass, committed } = finderOf([0, 1]);
    for (let version = 10; version < 1_000; version += 10) {
      report(0, version, version - 10, [[1, version]]);
      report(1, version + 5, version - 5 > 5 ? version - 5 : 0, [[0, version + 5]]);
    }
    pass(STATED_MS);
    assert.deepEqual([committed(0), committed(1)], [990, 985]);
    assert.equal(finder.graph.get(1)?.length, 1);
  });

  it('that is met soon is nothing to ask for', () => {
    const { report, pass, committed, asked } = finderOf([0, 1]);
    for (let version = 100; version <= 3_000; version += 100) {
      report(0, version, version - 100, [[1, version]]);
      pass(50);
      report(1, version, version - 100);
      pass(50);
    }
    assert.deepEqual(asked(1), []);
    assert.equal(committed(0), 3_000);
  });

  it('on a worker that is away is asked for when that is back', () => {
    const { report, pass, dispatch, asked, committed } = finderOf([0, 1, 2]);
    dispatch({ kind: 'closed', connection: 1 });
    report(0, 10, 0, [[1, 3]]);
    report(2, 10, 0);
    pass(STATED_MS);
    assert.deepEqual([asked(1), committed(0), committed(2)], [[], 0, 10]);
    dispatch({ kind: 'opened', connection: 1, role: 'worker', cluster: undefined, stamp: undefined });
    const graph = { worker: 1, generation: 1, incarnation: 1, worldLine: 1, checkpoints: [] };
    dispatch({ kind: 'frame', connection: 1, message: { kind: 'graph', ...graph } });
    pass(STATED_MS);
    assert.deepEqual([...new Set(asked(1))], [3]);
  });
});

describe('what workers reported', () => {
  it('is told anew no more often than every REACHED_SPACING_MS, so that clients drive versions no faster', () => {
    const { report, say, sent, pass } = finderOf([0, 1]);
    const ask = (): number => {
      say(1, { kind: 'fetchReached' });
      const answer = sent.at(-1)?.[1];
      return answer?.kind === 'reached' ? answer.version : assert.fail('no answer');
    };
    pass(REACHED_SPACING_MS);
    assert.equal(ask(), 0);
    report(0, 10_000, 0);
    assert.equal(ask(), 0);
    pass(REACHED_SPACING_MS - 1);
    assert.equal(ask(), 0);
    pass(1);
    assert.equal(ask(), 10_000);
  });
});

describe('workers of which nothing is committed', () => {
  it('are told of after 10 s, with what they wait for, and again when that is over', () => {
    const { report, pass, dispatch, logged, status } = finderOf([0, 1, 2]);
    const told = () => logged.filter(([event]) => event === 'blocked' || event === 'commitsAgain');
    dispatch({ kind: 'closed', connection: 1 });
    report(0, 10, 0, [[1, 3]]);
    report(2, 10, 0);
    pass(9_000);
    assert.deepEqual(told(), []);
    pass(2_000);
    const waitsFor = 'worker 1, whose version 3 is not durable yet, and which is away';
    assert.deepEqual(told(), [['blocked', { workers: [0], count: 1, forMs: 10_000, waitsFor }]]);
    assert.deepEqual(
      status().members.map(({ id, blockedBy }) => [id, blockedBy]),
      [
        [0, waitsFor],
        [1, ''],
        [2, ''],
      ],
    );
    pass(60_000);
    assert.equal(told().length, 1, 'once');
    dispatch({ kind: 'opened', connection: 1, role: 'worker', cluster: undefined, stamp: undefined });
    const checkpoints = [{ worldLine: 1, version: 4, predecessor: 0, dependencies: new Map() }];
    const graph = { worker: 1, generation: 1, incarnation: 1, worldLine: 1, checkpoints };
    dispatch({ kind: 'frame', connection: 1, message: { kind: 'graph', ...graph } });
    pass(1_000);
    assert.deepEqual(told().at(-1), ['commitsAgain', { workers: [0], count: 1 }]);
    assert.equal(status().members[0]?.blockedBy, '');
  });
});
