import assert from 'node:assert/strict';
import { experimentLine, type ExperimentReport, experimentText } from '@dpr/chaos';

const REPORT: ExperimentReport = {
  exact: true,
  mistakes: [],
  expected: 70_200,
  counters: [
    { worker: 0, before: 0, committed: 70_200, restarted: 70_200 },
    { worker: 1, before: 0, committed: 70_200, restarted: 70_200 },
  ],
  operations: 468,
  blow: 'kill',
  strikes: { 'counter-0': 3, 'dpr-finder': 2 },
  worldLines: 3,
  rollbacks: 2,
  replayed: 1_234,
  recovery: { count: 5, p50: 150, p90: 200, max: 1_500 },
  reply: { count: 468, p50: 0.4, p90: 2, max: 180 },
  tookMs: 36_250,
};

const MISTAKE = 'counter 1 has 69900 to a new session, and must have 70200';
const WRONG: ExperimentReport = { ...REPORT, exact: false, mistakes: [MISTAKE] };

describe("an experiment's report", () => {
  it('shows totals, kills, rollbacks and times', () => {
    assert.equal(
      experimentText(REPORT, 7),
      [
        'counters      0: 70,200   1: 70,200   to a new session',
        '              0: 70,200   1: 70,200   after a restart of everything',
        'expected      70,200 each',
        'operations    468; to the reply p50 0.4 ms, p90 2.0 ms, max 180 ms',
        'kills         5: counter-0 × 3, dpr-finder × 2',
        'recovery      p50 150 ms, p90 200 ms, max 1.50 s',
        'world-lines   3 began',
        'rollbacks     2 of the session; 1,234 operations lost and replayed',
        'took          36.3 s with seed 7',
        '',
        'EXACT: nothing was lost, and nothing counted twice',
      ].join('\n'),
    );
  });

  it('fits into a line', () => {
    const facts = '70,200 70,200  5 kills, 3 world-lines, 2 rollbacks, 1234 replayed';
    const times = 'recovery p50 150 ms max 1.50 s, took 36.3 s, seed 7';
    assert.equal(experimentLine(REPORT, 7), `exact  ${facts}, ${times}`);
    assert.equal(experimentLine(WRONG, 7), `WRONG  ${facts}, ${times}: ${MISTAKE}`);
  });

  it('names every mistake', () => {
    assert.ok(experimentText(WRONG, 7).endsWith(`\n\nWRONG:\n  ${MISTAKE}`));
  });

  it('leaves out a restart that was not made, and tells what was there before', () => {
    const given = { ...REPORT, counters: [{ worker: 4, before: 100, committed: 70_300 }], strikes: {} };
    const lines = experimentText(given, 7).split('\n');
    assert.deepEqual(lines.slice(0, 2), [
      'counters      4: 70,300   to a new session',
      'expected      70,200 each, above what was there',
    ]);
    assert.ok(lines.includes('kills         none'));
  });
});
