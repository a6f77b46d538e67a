import {
  cellName,
  judge,
  selection,
  showRatio,
  TARGET_CELLS,
  type Cell,
  type CellRuns,
  type Measured,
} from '@dpr/bench';
import assert from 'node:assert/strict';

function runs(cell: Cell, peer: string, throughputs: readonly number[], p99 = 1): CellRuns {
  return { cell, peer, runs: throughputs.map((one) => measured(one, p99)) };
}

function measured(operationsPerSecond: number, p99: number): Measured {
  const latency = { count: 1, p50: 1, p90: 1, p99, p999: p99, max: p99 };
  return { operationsPerSecond, serverNs: 1, loadNs: 1, perSecond: 1, latency };
}

describe('targets', () => {
  it('are judged by the median of ratios within one run', () => {
    const { medium } = TARGET_CELLS;
    const cells = [
      runs(medium, 'DPR', [100, 120, 30]),
      runs(medium, 'Redis everysec', [10, 10, 10]),
      runs(medium, 'bare ws', [200, 240, 60]),
    ];
    assert.deepEqual(judge({ cells }), [
      { name: 'B=64 c=8 f=16, against Redis everysec', target: '≥ 10.0×', result: '10.0× (3.00× to 12.0×)', met: true },
      { name: 'B=64 c=8 f=16, against bare ws', target: '≥ 0.60×', result: '0.50× (0.50× to 0.50×)', met: false },
    ]);
  });

  it('compare a store with Redis, for Redis clients', () => {
    const of = (peer: string, runs: number[]) => ({ command: 'SET', pipeline: 16, peer, runs });
    const resp = [of('DPR', [80, 90]), of('Redis no AOF', [100, 100]), of('Redis everysec', [90, 90])];
    assert.deepEqual(judge({ cells: [], resp }), [
      { name: 'RESP SET P=16, against Redis no AOF', target: '≥ 0.80×', result: '0.85× (0.80× to 0.90×)', met: true },
      {
        ...{ name: 'RESP SET P=16, against Redis everysec', target: '≥ 1.00×' },
        ...{ result: '0.94× (0.89× to 1.00×)', met: false },
      },
    ]);
  });

  it('leave out what was not measured', () => {
    assert.deepEqual(judge({ cells: [] }), []);
    assert.deepEqual(judge({ cells: [runs(TARGET_CELLS.large, 'DPR', [1])] }), []);
  });

  it('compare checkpoints on with off by throughput and by the 99th percentile', () => {
    const on = [measured(94, 2), measured(95, 3)];
    const off = [measured(100, 2), measured(100, 2)];
    const met = judge({ cells: [], checkpoints: { on, off } }).map((one) => one.met);
    assert.deepEqual(met, [false, true]);
  });

  it('know how long commits may take', () => {
    const times = (p50: number) => ({ count: 1, p50, p90: p50, max: p50 });
    const commits = { relaxed: times(60), brisk: times(15.1), onDemand: times(3) };
    assert.deepEqual(
      judge({ cells: [], commits }).map(({ result, met }) => [result, met]),
      [
        ['60 ms', true],
        ['15 ms', false],
        ['3.0 ms', true],
      ],
    );
  });

  it('know how late one reply in a thousand may be with many users', () => {
    const { users } = TARGET_CELLS;
    const last = (ns: number) =>
      judge({ cells: [runs(users, 'DPR', [1], ns)] }).map(({ result, met }) => [result, met]);
    assert.deepEqual(last(5e6), [['5.0 ms', true]]);
    assert.deepEqual(last(5.1e6), [['5.1 ms', false]]);
  });

  it('allow memory in proportion to the sessions', () => {
    const sessions = { sessions: 10_000, memoryBytes: 11e6, checkpointBytes: 190, checkpointBytesAlone: 92 };
    assert.deepEqual(
      judge({ cells: [], sessions }).map(({ met }) => met),
      [false, false],
    );
    const less = { ...sessions, memoryBytes: 10e6, checkpointBytes: 92 };
    assert.deepEqual(
      judge({ cells: [], sessions: less }).map(({ met }) => met),
      [true, true],
    );
  });

  it('are all among what is measured, quick or not', () => {
    for (const quick of [true, false]) {
      const { cells, sections } = selection({ quick, only: '' });
      for (const cell of Object.values(TARGET_CELLS)) assert.ok(cells.includes(cell), cellName(cell));
      assert.deepEqual(sections, ['checkpoints', 'commits', 'crossing', 'resp', 'sessions']);
    }
    assert.equal(selection({ quick: false, only: '' }).cells.length, 5 * 3 * 2 + 2 + 5);
  });

  it('can be chosen by a part of their names', () => {
    assert.deepEqual(selection({ quick: true, only: 'B=64' }), { cells: [TARGET_CELLS.medium], sections: [] });
    assert.deepEqual(selection({ quick: true, only: 'commit' }), { cells: [], sections: ['commits'] });
    assert.throws(
      () => selection({ quick: true, only: 'B=63' }),
      /nothing is named like 'B=63': there are B=1 c=1 f=1, /,
    );
  });

  it('are shown as ratios', () => {
    assert.deepEqual([0.6, 1, 12.34].map(showRatio), ['0.60×', '1.00×', '12.3×']);
  });
});
