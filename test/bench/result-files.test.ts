import {
  allCells,
  cellResults,
  cellTable,
  chart,
  replaceMarked,
  seriesOf,
  showCount,
  showTime,
  type CellRuns,
  type Measured,
} from '@dpr/bench';
import assert from 'node:assert/strict';
import fc from 'fast-check';

const OPTIONS = { title: 'A < B', xTitle: 'size', show: showCount };

function measured(operationsPerSecond: number, latencyNs: number | undefined): Measured {
  const at = latencyNs ?? 0;
  const latency = latencyNs === undefined ? undefined : { count: 1, p50: at, p90: at, p99: at, p999: at, max: at };
  return { operationsPerSecond, serverNs: 12.34, loadNs: 456, perSecond: 1, latency };
}

describe('tables of the benchmark', () => {
  it('show medians over the runs, and the spread of throughput', () => {
    const cell = { batch: 16, connections: 8, inFlight: 1 };
    const memory = { serverBytes: 1200, loadBytes: 80, serverCollections: 3, loadCollections: 1.5 };
    const runs: CellRuns = {
      cell,
      peer: 'DPR',
      runs: [measured(3e6, 2e6), measured(1e6, 1e3), measured(2e6, 5e4)],
      memory,
    };
    const results = cellResults([runs]);
    assert.deepEqual(results[0]?.operationsPerSecond, { median: 2e6, least: 1e6, most: 3e6 });
    const [head = '', rule, row] = cellTable(results).split('\n');
    assert.equal(
      row,
      '| B=16 c=8 f=1 | DPR    |       2.00 M | 1.00 M | 3.00 M |         12.3 |        456 |        1200 |      80.0 |         3.0 |       1.5 | 50 µs | 50 µs | 50 µs | 50 µs | 50 µs |',
    );
    assert.deepEqual([rule?.length, row?.length], [head.length, head.length]);
  });

  it('show a dash for what was not measured', () => {
    const cell = { batch: 1, connections: 1, inFlight: 1 };
    assert.match(cellTable(cellResults([{ cell, peer: 'DPR', runs: [measured(1, undefined)] }])), /\| +– \|$/);
  });

  it('show numbers in a few digits', () => {
    assert.deepEqual([NaN, 950, 9_500, 12_345, 4_560_000, 12_345_678].map(showCount), [
      '–',
      '950',
      '9.50 k',
      '12.3 k',
      '4.56 M',
      '12.3 M',
    ]);
    assert.deepEqual([NaN, 85_400, 1_230_000, 45_600_000].map(showTime), ['–', '85 µs', '1.2 ms', '46 ms']);
  });
});

describe('charts of the benchmark', () => {
  it('have a line for each peer that did every batch size', () => {
    const cells = allCells().map((cell): CellRuns => ({ cell, peer: 'DPR', runs: [measured(cell.batch * 100, 1e3)] }));
    const partial = cells.slice(0, 8).map((one) => ({ ...one, peer: 'Redis' }));
    const series = seriesOf(cellResults([...cells, ...partial]), (one) => one.operationsPerSecond.median);
    assert.deepEqual(series, [{ name: 'DPR', points: [1, 16, 64, 256, 1024].map((batch) => [batch, batch * 100]) }]);
  });

  it('keep every point, and every name, within the picture and names apart', () => {
    const positive = fc.double({ min: 1e-3, max: 1e9, noNaN: true });
    const point = fc.tuple(fc.integer({ min: 1, max: 4096 }), positive);
    const one = fc.record({ name: fc.string(), points: fc.array(point, { minLength: 1, maxLength: 5 }) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), (series) => {
        const svg = chart(series, OPTIONS);
        const circles = [...svg.matchAll(/<circle cx="([-\d.]+)" cy="([-\d.]+)"/g)].map(([, x, y]) => [
          Number(x),
          Number(y),
        ]);
        assert.equal(circles.length, series.flatMap(({ points }) => points).length);
        for (const [x = NaN, y = NaN] of circles) assert.ok(x >= 0 && x <= 760 && y >= 0 && y <= 420, `${x}, ${y}`);
        assert.ok(!svg.includes('NaN'));
      }),
    );
  });

  it('write names and titles as text', () => {
    const svg = chart(
      [
        {
          name: 'a & <b>',
          points: [
            [1, 10],
            [2, 100],
          ],
        },
      ],
      OPTIONS,
    );
    assert.ok(svg.includes('A &lt; B') && svg.includes('a &amp; &lt;b&gt;'));
  });

  it('refuse what they cannot show', () => {
    assert.throws(() => chart([], OPTIONS), /without a point/);
    assert.throws(() => chart([{ name: 'a', points: [[1, 0]] }], OPTIONS), /positive values only/);
  });
});

describe('a document with figures', () => {
  it('has them replaced between its marks, again and again', () => {
    const document = 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n';
    const once = replaceMarked(document, 'new');
    assert.equal(once, 'before\n<!-- bench -->\n\nnew\n\n<!-- /bench -->\nafter\n');
    assert.equal(replaceMarked(once, 'new'), once);
  });

  it('is refused without them', () => {
    assert.throws(() => replaceMarked('no marks', 'new'), /lacks <!-- bench --> and <!-- \/bench -->/);
  });
});
