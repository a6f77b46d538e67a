import assert from 'node:assert/strict';
import {
  createFinder,
  decodeRecord,
  encodeRecord,
  FINDER_DEFAULTS,
  finderWakeAt,
  stepFinder,
  type FinderEvent,
  type FinderRecord,
} from '@dpr/core';
import type { FinderConfig } from '@dpr/core';
import { MAX_FINDER_STARTS, MAX_HELD_ANSWERS, type Message, type Stamp } from '@dpr/protocol';

/** A Finder on a disk that takes no time, and what it says and writes. */
function startFinder(start: string, found?: FinderRecord, config: Partial<FinderConfig> = {}) {
  const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 1, decisionGraceMs: 0, ...config });
  const told: (readonly [connection: number, message: Message])[] = [];
  const written: FinderRecord[] = [];
  const events: string[] = [];
  let now = 0;
  let refusal = '';
  function happen(event: FinderEvent): void {
    for (const effect of stepFinder(finder, event, now)) {
      if (effect.kind === 'send') told.push([effect.connection, effect.message]);
      if (effect.kind === 'broadcast') for (const to of effect.connections) told.push([to, effect.message]);
      if (effect.kind === 'refusing') refusal = effect.reason;
      if (effect.kind === 'log') events.push(effect.event);
      if (effect.kind === 'write') {
        written.push(effect.record);
        happen({ kind: 'written', counter: effect.counter });
      }
    }
  }
  happen({ kind: 'loaded', record: found, start: start.repeat(16), cluster: 'c'.repeat(32) });
  const frame = (connection: number, message: Message): void => happen({ kind: 'frame', connection, message });
  return {
    written,
    events,
    refusal: () => refusal,
    phase: () => finder.phase,
    wakeAt: () => finderWakeAt(finder),
    record: () => written.at(-1) ?? assert.fail('nothing was written'),
    /** Kinds of what was told on a connection. */
    told: (connection: number) => told.filter(([to]) => to === connection).map(([, { kind }]) => kind),
    /** The last stamp that was told there. */
    stamp: (connection: number) =>
      told.flatMap(([to, message]) => (to === connection && 'stamp' in message ? [message.stamp] : [])).at(-1),
    pass(ms: number) {
      now += ms;
      happen({ kind: 'wake' });
    },
    open: (connection: number, stamp?: Stamp, role: 'worker' | 'operator' = 'worker') =>
      happen({ kind: 'opened', connection, role, cluster: undefined, stamp }),
    close: (connection: number) => happen({ kind: 'closed', connection }),
    frame,
    claim: (worker: number, generation = 1) =>
      frame(worker, {
        kind: 'claim',
        worker,
        generation,
        boot: boot(worker, start),
        checkpoints: [],
        state: 'unsaid',
        from: 0,
        removed: 0,
        kept: [],
      }),
    register: (worker: number, incarnation: number) =>
      frame(worker, {
        ...{ kind: 'register', worker, generation: 1, incarnation, boot: boot(worker, start), type: 'text' },
        ...{ host: '', port: 6380 + worker, checkpoints: [], clean: undefined },
      }),
    graph: (worker: number, worldLine = 1) =>
      frame(worker, { kind: 'graph', worker, generation: 1, incarnation: 1, worldLine, checkpoints: [] }),
    /** A registered worker comes back, on the connection of its number, and lists nothing. */
    comes(worker: number, stamp: Stamp | undefined) {
      this.open(worker, stamp);
      this.graph(worker);
      return this.stamp(worker) ?? assert.fail(`worker ${worker} was told no stamp`);
    },
  };
}

const boot = (worker: number, start: string): string => (start + String(worker)).repeat(16);

/** Two workers join a new cluster. Its record was copied; then the Finder went on with worker 0 alone, and that record is the newest. */
function fork() {
  const first = startFinder('1');
  for (const worker of [0, 1]) {
    first.open(worker);
    first.claim(worker, 0);
    first.register(worker, 1);
    first.graph(worker);
  }
  const stamps = [first.stamp(0), first.stamp(1)];
  const copy = first.record();
  const second = startFinder('2', copy);
  const newer = second.comes(0, stamps[0]);
  assert.deepEqual(newer, { start: '1'.repeat(16), counter: copy.counter });
  second.pass(FINDER_DEFAULTS.settleGraceMs + FINDER_DEFAULTS.writeSpacingMs);
  second.close(0);
  return { copy, newest: second.record(), seen: second.comes(0, newer), older: stamps[1] };
}

describe('a Finder that starts', () => {
  it('serves an empty cluster at once, and one whose members all are there', () => {
    const first = startFinder('1');
    assert.deepEqual([first.written.length, first.phase()], [1, 'serving']);
    const { copy } = fork();
    const again = startFinder('3', copy);
    assert.deepEqual([again.written, again.phase()], [[copy], 'settling']);
    for (const worker of [0, 1]) again.comes(worker, undefined);
    assert.deepEqual([again.phase(), again.events], ['serving', []]);
    assert.deepEqual(again.record().starts.at(-1), { start: '3'.repeat(16), counter: copy.counter + 1 });
  });

  it('tells from an older copy only what the newest record includes, and changes nothing', () => {
    const { copy, newest, seen, older } = fork();
    const old = startFinder('3', copy);
    const told = old.comes(1, older);
    assert.deepEqual(told, { start: '1'.repeat(16), counter: copy.counter });
    old.open(0, seen);
    assert.deepEqual([old.told(0), old.phase()], [['error'], 'refusing']);
    assert.match(old.refusal(), /^a worker has seen record \d+ of this Finder's start 2{16}, .*; nothing was changed$/);
    assert.deepEqual(old.written, [copy]);
    const right = startFinder('4', newest);
    right.comes(1, told);
    right.comes(0, seen);
    assert.equal(right.phase(), 'serving');
    assert.deepEqual(
      right.record().starts.map(({ start }) => start[0]),
      ['1', '2', '4'],
    );
  });

  it('however often it is started from it', () => {
    const { copy, newest, seen, older } = fork();
    let record = copy;
    let told = older;
    for (const start of ['3', '4', '5']) {
      const old = startFinder(start, record);
      told = old.comes(1, told);
      record = old.record();
    }
    assert.deepEqual(record, copy);
    const right = startFinder('6', newest);
    right.comes(1, told);
    right.comes(0, seen);
    assert.equal(right.phase(), 'serving');
  });

  it('goes on without members that are away after a while, but not before any peer has come', () => {
    const { copy } = fork();
    const finder = startFinder('3', copy);
    assert.equal(finder.wakeAt(), Infinity);
    finder.pass(60_000);
    assert.equal(finder.phase(), 'settling');
    finder.comes(1, undefined);
    assert.equal(finder.wakeAt(), 60_000 + FINDER_DEFAULTS.settleGraceMs);
    finder.pass(FINDER_DEFAULTS.settleGraceMs - 1);
    assert.deepEqual(finder.written, [copy]);
    finder.pass(1);
    assert.deepEqual([finder.phase(), finder.events, finder.written.length], ['serving', ['unheard'], 2]);
  });

  it('answers a claim, which tells what its worker saw, once the others have been heard of', () => {
    const { copy } = fork();
    const finder = startFinder('3', copy);
    finder.open(0);
    finder.claim(0);
    assert.deepEqual([finder.told(0), finder.written], [['welcome'], [copy]]);
    finder.open(1);
    finder.claim(1);
    assert.deepEqual(
      [finder.told(0), finder.told(1)],
      [
        ['welcome', 'claimed'],
        ['welcome', 'claimed'],
      ],
    );
    assert.equal(finder.written.length, 2);
  });

  it('removes no worker before it has settled, and never with an older copy', () => {
    const { copy, seen } = fork();
    const remove: Message = { kind: 'deleteWorker', worker: 1, generation: 0, force: true };
    const finder = startFinder('3', copy);
    finder.open(9, undefined, 'operator');
    finder.frame(9, remove);
    assert.deepEqual([finder.told(9), finder.written], [['welcome'], [copy]]);
    finder.pass(FINDER_DEFAULTS.settleGraceMs);
    assert.deepEqual([finder.told(9), finder.record().members.size], [['welcome', 'deleteAnswer'], 1]);

    const old = startFinder('4', copy);
    old.open(9, undefined, 'operator');
    old.frame(9, remove);
    old.open(0, seen);
    old.pass(60_000);
    assert.deepEqual([old.told(9), old.written], [['welcome', 'error'], [copy]]);
  });

  it('refuses when a worker is in a world-line that it does not know', () => {
    const { copy, older } = fork();
    const old = startFinder('3', copy);
    old.open(1, older);
    old.graph(1, 2);
    assert.match(old.refusal(), /^worker 1 is in world-line 2, and the record on its volume does not include that: /);
  });

  it('says that it was in use, if it went on without the worker who knew better', () => {
    const { copy, seen, older } = fork();
    const old = startFinder('3', copy);
    old.comes(1, older);
    old.pass(FINDER_DEFAULTS.settleGraceMs);
    old.open(0, seen);
    assert.match(
      old.refusal(),
      /; this one was in use before that was known, by workers 1\. If .*remove the worker by force/,
    );
  });

  it('asks for no more wakes once it refuses', () => {
    const { copy, seen, older } = fork();
    for (const graceMs of [0, FINDER_DEFAULTS.settleGraceMs]) {
      const old = startFinder('3', copy, { settleGraceMs: graceMs, decisionGraceMs: 60_000, writeSpacingMs: 1_000 });
      old.comes(1, older);
      old.graph(1);
      old.open(0, seen);
      assert.deepEqual([old.phase(), old.wakeAt()], ['refusing', Infinity]);
    }
  });

  it('holds MAX_HELD_ANSWERS, and cuts off the peer that asks for one more', () => {
    const { copy } = fork();
    const finder = startFinder('3', copy);
    finder.open(0);
    for (let claims = 0; claims < MAX_HELD_ANSWERS; claims++) finder.claim(0);
    assert.deepEqual(finder.told(0), ['welcome']);
    finder.claim(0);
    assert.deepEqual(finder.told(0), ['welcome', 'error']);
    finder.comes(1, undefined);
    assert.equal(finder.phase(), 'serving');
    assert.deepEqual(finder.told(0), ['welcome', 'error'], 'its connection is closed');
  });

  it('remembers MAX_FINDER_STARTS of its starts, which its record has room for, and forgets the oldest then', () => {
    let record: FinderRecord | undefined;
    const firstStarts: string[] = [];
    for (let starts = 1; starts <= MAX_FINDER_STARTS + 1; starts++) {
      record = startFinder((starts % 16).toString(16), record).record();
      assert.equal(decodeRecord(encodeRecord(record)).starts.length, Math.min(starts, MAX_FINDER_STARTS));
      firstStarts.push(record.starts[0]?.start ?? '');
    }
    assert.deepEqual(firstStarts.slice(-2), ['1'.repeat(16), '2'.repeat(16)]);
    const { starts = [] } = record ?? {};
    assert.throws(
      () => encodeRecord({ ...(record ?? assert.fail()), starts: [...starts, ...starts.slice(-1)] }),
      RangeError,
    );
  });
});
