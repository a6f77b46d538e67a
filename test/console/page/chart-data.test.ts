import assert from 'node:assert/strict';
import { columnsOf, summary } from '../../../services/console/page/chart-data.ts';
import { NOON, sample } from './views.ts';

const noon = NOON / 1_000;

describe('the columns of a chart', () => {
  it('are times in seconds and the values then; what is not known breaks the line', () => {
    const history = [sample(0, { rate: 5, lagMs: 1 }), sample(1, { rate: 6 }), sample(2, { lagMs: 3 })];
    assert.deepEqual(columnsOf(history, [({ rate }) => rate, ({ lagMs }) => lagMs]), [
      [noon, noon + 1, noon + 2],
      [5, 6, null],
      [1, null, 3],
    ]);
  });

  it('break where no sample was taken for a while', () => {
    const history = [sample(0, { rate: 5 }), sample(3, { rate: 6 }), sample(7, { rate: 7 })];
    assert.deepEqual(columnsOf(history, [({ rate }) => rate]), [
      [noon, noon + 3, noon + 4, noon + 7],
      [5, 6, null, 7],
    ]);
  });

  it('are empty without samples', () => assert.deepEqual(columnsOf([], [({ rate }) => rate]), [[], []]));
});

describe('the words of a chart', () => {
  it('tell the newest value, the smallest and the largest', () => {
    assert.equal(summary([7, null, 3, 5], String), 'now 5, from 3 to 7');
    assert.equal(summary([7, 3, null], String), 'not known now, from 3 to 7');
    assert.equal(summary([null], String), 'not known');
    assert.equal(summary([], String), 'not known');
  });
});
