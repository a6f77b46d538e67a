import assert from 'node:assert/strict';
import type { ClusterStatus } from '@dpr/client';
import { parseConfig } from '@dpr/infra/config';
import { planLocal } from '@dpr/infra/plan';
import fc from 'fast-check';
import type { View } from '../../services/local/supervised-cluster.ts';
import type { LocalEvent } from '../../services/local/events.ts';
import { textOf } from '../../services/local/events.ts';
import type { Phase } from '../../services/local/events.ts';
import { jsonShow, plainShow, terminalShow } from '../../services/local/view/show.ts';
import { statusTable } from '@dpr/client/status-table';
import { notesOf, renderPicture, rowsOf } from '../../services/local/view/picture.ts';

const HOST = '127.0.0.1';
const OPTIONS = { dataDirectory: '/data', programDirectory: '/dist', node: '/bin/node', host: HOST };
const PLAN = planLocal(parseConfig({ workers: [{ id: 0 }, { id: 12 }] }, 'local'), OPTIONS);

function views(phases: readonly Phase[], waitingFor = ''): View[] {
  return [PLAN.finder, ...PLAN.workers].map((spec, index) => ({
    spec,
    state: { phase: phases[index] ?? 'serving', pid: 100 + index, since: 0, restarts: index, silentMs: 0 },
    log: `/data/logs/${spec.name}.log`,
    waitingFor: index === 2 ? waitingFor : '',
  }));
}

const STATUS: ClusterStatus = {
  cluster: '0'.repeat(32),
  worldLine: 3,
  membership: 2,
  removed: 0,
  undecided: [],
  workers: [
    {
      ...{
        id: 0,
        generation: 1,
        incarnation: 2,
        type: 'counter',
        host: '',
        port: 6380,
        address: 'ws://127.0.0.1:6380',
      },
      ...{
        state: 'serving',
        waitingFor: '',
        blockedBy: '',
        executed: 1_795_884_291_100,
        durable: 1_795_884_291_050,
        committed: 1_795_884_291_000,
        restarts: 3,
      },
      ...{ allCommitted: false, committedAgoMs: 100, durableAgoMs: 50 },
      silentMs: 0,
      ...{ lagOperations: 300, lagMs: 45 },
    },
  ],
};

describe('the status', () => {
  it('is a table of the Finder and the workers, as `dpr status` shows it', () => {
    assert.deepEqual(statusTable(rowsOf(views(['serving', 'serving', 'waiting']), STATUS, HOST)), [
      'ID  TYPE     GEN  ADDRESS         STATE        COMMITTED    DURABLE             LAG  RESTARTS',
      '    finder        127.0.0.1:6379  serving                                                   0',
      ' 0  counter    1  127.0.0.1:6380  serving     100 ms ago  50 ms ago  300 ops, 45 ms         3',
      '12  counter       127.0.0.1:6392  restarting',
    ]);
  });

  it('tells what a leaving worker waits for', () => {
    const leaving = views([], 'worker 0, whose version 7 is not durable yet');
    assert.deepEqual(
      rowsOf(leaving, undefined, HOST).map(({ state }) => state),
      ['serving', 'serving', 'leaving'],
    );
    assert.deepEqual(notesOf(leaving, undefined), [
      'worker 12 is leaving; it waits for worker 0, whose version 7 is not durable yet',
    ]);
  });

  it('shows which process is silent, by what the supervisor or the Finder knows, and what that holds up', () => {
    const [finder, worker, other] = views(['silent', 'serving', 'silent']);
    assert.ok(finder && worker && other);
    const silent = (view: View, silentMs: number) => ({ ...view, state: { ...view.state, silentMs } });
    const shown = [silent(finder, 2_000), worker, silent(other, 3_000)];
    assert.deepEqual(
      rowsOf(shown, undefined, HOST).map(({ state }) => state),
      ['silent', 'serving', 'silent'],
    );
    assert.deepEqual(notesOf(shown, undefined), [
      'the Finder is silent for 2.0 s: nothing commits',
      'worker 12 is silent for 3.0 s: nothing that depends on it commits',
    ]);
    const status = {
      ...STATUS,
      workers: STATUS.workers.map((one) => ({ ...one, state: 'silent' as const, silentMs: 1_500 })),
    };
    assert.equal(rowsOf([worker], status, HOST)[0]?.state, 'silent');
    assert.deepEqual(notesOf([worker], status), ['worker 0 is silent for 1.5 s: nothing that depends on it commits']);
  });

  it('tells of which worker nothing commits, and what that waits for', () => {
    const [, worker] = views([]);
    assert.ok(worker);
    const blockedBy = 'worker 12, whose version 7 is not durable yet, and which is away';
    const status = { ...STATUS, workers: STATUS.workers.map((one) => ({ ...one, blockedBy })) };
    assert.deepEqual(notesOf([worker], status), [`worker 0 commits nothing; it waits for ${blockedBy}`]);
  });

  it('shows which workers are to be removed, when, and which ones wait for a word of the administrator', () => {
    const status = { ...STATUS, undecided: [{ id: 12, text: 'why' }] };
    const states = rowsOf(views([]), status, HOST, new Map([[0, 4_100]])).map(({ state }) => state);
    assert.deepEqual(states.slice(1), ['to be removed in 5 s', 'needs state: kept or empty']);
  });

  it('fits the terminal, at any size', () => {
    const event = fc.string({ maxLength: 200, unit: fc.constantFrom('a', ' ') });
    const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), lines: fc.integer({ min: 8, max: 60 }) });
    const rows = fc.integer({ min: 0, max: 40 });
    const notes = fc.array(event, { maxLength: 5 });
    fc.assert(
      fc.property(size, rows, notes, fc.array(event, { maxLength: 20 }), (terminal, count, told, events) => {
        const [row] = rowsOf(views([]), STATUS, HOST).slice(1);
        assert.ok(row !== undefined);
        const all = { title: 'title', rows: Array<typeof row>(count).fill(row), notes: told, events };
        const picture = renderPicture(all, terminal);
        assert.ok(picture.length < terminal.lines, `${picture.length} lines`);
        for (const line of picture) assert.ok(line.length <= terminal.columns);
        const newest = events.at(-1);
        if (newest !== undefined) assert.ok(newest.includes(picture.at(-1)?.replace(/…$/, '') ?? 'nothing'));
      }),
    );
  });

  it('shows all of the address of the console, however short lines are', () => {
    const console = `http://127.0.0.1:40123/#key=${'0123456789abcdef'.repeat(2)}`;
    for (const [columns, lines] of [
      [80, 1],
      [console.length, 1],
      [console.length - 1, 2],
      [20, 3],
    ] as const) {
      const size = { columns, lines: 20 };
      const picture = renderPicture({ title: 'title', console, rows: [], notes: [], events: ['event'] }, size);
      assert.equal(picture.slice(1, 1 + lines).join(''), console);
      assert.equal(picture.at(-1), 'event');
      assert.ok(picture.length < size.lines);
    }
  });

  it('shows the newest events whole, in as many lines as they need', () => {
    const events = ['old', 'a'.repeat(30), 'b'.repeat(45)];
    const shownIn = (lines: number) =>
      renderPicture({ title: 'title', rows: [], notes: [], events }, { columns: 20, lines }).slice(3);
    const [a, b] = [
      ['a'.repeat(20), 'a'.repeat(10)],
      ['b'.repeat(20), 'b'.repeat(20), 'b'.repeat(5)],
    ];
    assert.deepEqual(shownIn(20), ['old', ...a, ...b]);
    assert.deepEqual(shownIn(9), [...a, ...b]);
    assert.deepEqual(shownIn(8), b);
    assert.deepEqual(shownIn(6), ['b'.repeat(20), `${'b'.repeat(19)}…`]);
    events.push('one line of seven words, and more');
    assert.deepEqual(shownIn(6), ['one line of seven', 'words, and more']);
  });

  it('tells how many rows do not fit', () => {
    const [row] = rowsOf(views([]), STATUS, HOST).slice(1);
    assert.ok(row !== undefined);
    const rows = Array<typeof row>(30).fill(row);
    const picture = renderPicture(
      { title: 'title', rows, notes: [], events: ['a', 'b', 'c', 'd'] },
      { columns: 200, lines: 20 },
    );
    assert.ok(picture.includes('… and 18 more'), picture.join('\n'));
    assert.deepEqual(picture.slice(-3), ['b', 'c', 'd']);
  });

  it('is redrawn in its place on a terminal', () => {
    let written = '';
    const output = { write: (text: string) => (written = text), columns: 100, rows: 30, isTTY: true };
    const show = terminalShow(output, 'DPR cluster', HOST);
    show.snapshot({ views: views([]), status: STATUS, removals: new Map() });
    assert.ok(written.startsWith('\r\x1b[JDPR cluster · world-line 3\n'));
    show.event({ event: 'worldLine', worldLine: 4 });
    assert.ok(written.startsWith('\x1b[6A\r\x1b[J'), JSON.stringify(written));
    assert.ok(written.endsWith('world-line 4: what was not committed was rolled back\n'));
  });

  it('is, for scripts, a line per change of state, and none for a version or a lag', () => {
    const lines: string[] = [];
    const show = jsonShow({ write: (text: string) => lines.push(text) }, HOST);
    show.snapshot({ views: views([]), status: STATUS, removals: new Map() });
    const [worker] = STATUS.workers;
    assert.ok(worker !== undefined);
    show.snapshot({
      views: views([]),
      status: { ...STATUS, workers: [{ ...worker, executed: 999, lagMs: 1 }] },
      removals: new Map(),
    });
    assert.equal(lines.length, 1);
    show.snapshot({ views: views(['waiting']), status: { ...STATUS, worldLine: 4 }, removals: new Map() });
    assert.equal(lines.length, 2);
    const { time, ...content } = JSON.parse(lines[1] ?? '') as Record<string, unknown>;
    assert.match(String(time), /^\d{4}-.*Z$/);
    assert.deepEqual(content, {
      event: 'status',
      worldLine: 4,
      processes: [
        { process: 'dpr-finder', type: 'finder', address: '127.0.0.1:6379', state: 'restarting', restarts: 0 },
        {
          ...{ process: 'counter-0', type: 'counter', id: 0, generation: 1 },
          ...{ address: '127.0.0.1:6380', state: 'serving', restarts: 1 },
        },
        {
          ...{ process: 'counter-12', type: 'counter', id: 12, generation: null },
          ...{ address: '127.0.0.1:6392', state: 'serving', restarts: 2 },
        },
      ],
    });
  });
});

describe('an event', () => {
  it('is one line where the output is no terminal', () => {
    let written = '';
    plainShow({ write: (text: string) => (written += text) }).event({ event: 'workerLeft', worker: 2, forced: false });
    assert.match(
      written,
      /^\d\d:\d\d:\d\d worker 2 left the cluster; what was committed there is kept: added again, its entry says state: kept or state: empty\n$/,
    );
  });

  it('of a death tells what comes next', () => {
    const death = { event: 'processEnded', process: 'counter-0', reason: 'crashed' } as const;
    const cases: [LocalEvent, string][] = [
      [{ ...death, phase: 'waiting', restartInMs: 0 }, 'counter-0 crashed; restarting at once'],
      [{ ...death, phase: 'waiting', restartInMs: 400 }, 'counter-0 crashed; restarting in 400 ms'],
      [
        { ...death, phase: 'halted' },
        'counter-0 crashed; it stays down until the config is saved again: see to the reason first',
      ],
      [{ ...death, phase: 'left' }, 'counter-0 crashed; it is started again only if its entry in the config changes'],
    ];
    for (const [event, text] of cases) assert.equal(textOf(event), text);
  });
});
