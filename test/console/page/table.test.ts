import assert from 'node:assert/strict';
import { rowsInSight } from '../../../services/console/page/virtual-rows.ts';
import { sparkline } from '../../../services/console/page/sparkline.ts';
import { matching } from '../../../services/console/page/worker-filter.ts';
import { worker } from './views.ts';

describe('the search box', () => {
  const workers = [
    worker({ id: 0, address: '10.0.0.1:7100' }),
    worker({ id: 13, type: 'store', state: 'away', address: '10.0.0.3:7113', trouble: 'Nothing commits.' }),
    worker({ id: 3, type: '', address: '10.0.0.2:7103' }),
  ];
  const found = (query: string) => matching(workers, query).map(({ id }) => id);

  it('leaves all while it is empty', () => assert.equal(matching(workers, '  '), workers));
  it('finds types, states, names, addresses and trouble', () => {
    assert.deepEqual(found('STORE'), [13]);
    assert.deepEqual(found('away'), [13]);
    assert.deepEqual(found('worker-3'), [3]);
    assert.deepEqual(found('0.0.1:7'), [0]);
    assert.deepEqual(found('commits'), [13]);
  });
  it('takes a number for a whole one: an id, a port, a part of an address', () => {
    assert.deepEqual(found('3'), [13, 3]);
    assert.deepEqual(found('7103'), [3]);
    assert.deepEqual(found('710'), []);
  });
  it('wants all words', () => {
    assert.deepEqual(found('counter serving'), [0]);
    assert.deepEqual(found('counter away'), []);
  });
});

describe('the rows in the document', () => {
  const sight = { count: 1_000, rowPx: 40, scrolledPx: 0, heightPx: 400 };

  it('are those in sight and a few around them, with room for the others', () => {
    assert.deepEqual(rowsInSight(sight), { first: 0, last: 15, beforePx: 0, afterPx: 985 * 40 });
    assert.deepEqual(rowsInSight({ ...sight, scrolledPx: 4_010 }), {
      first: 96,
      last: 115,
      beforePx: 96 * 40,
      afterPx: 885 * 40,
    });
  });
  it('are all of a short table', () => {
    assert.deepEqual(rowsInSight({ ...sight, count: 8 }), { first: 0, last: 8, beforePx: 0, afterPx: 0 });
    assert.deepEqual(rowsInSight({ ...sight, count: 0 }), { first: 0, last: 0, beforePx: 0, afterPx: 0 });
  });
  it('are the last ones where the table became shorter than it is scrolled', () => {
    assert.deepEqual(rowsInSight({ ...sight, count: 20, scrolledPx: 30_000 }), {
      first: 5,
      last: 20,
      beforePx: 200,
      afterPx: 0,
    });
  });
  it('fill the sight wherever it is scrolled', () => {
    for (let scrolledPx = 0; scrolledPx <= 1_000 * 40 - 400; scrolledPx += 7) {
      const { first, last, beforePx, afterPx } = rowsInSight({ ...sight, scrolledPx });
      assert.ok(beforePx <= scrolledPx && last * 40 >= scrolledPx + 400, String(scrolledPx));
      assert.equal(beforePx + (last - first) * 40 + afterPx, 1_000 * 40);
    }
  });
});

describe('a sparkline', () => {
  it('goes from left to right, with the largest value at the top', () => {
    assert.equal(sparkline([0, 10, 5], 60, 16), 'M0 16L30 0L60 8');
  });
  it('lies on the ground while nothing happens', () => assert.equal(sparkline([0, 0], 60, 16), 'M0 16L60 16'));
  it('takes two values', () => {
    assert.equal(sparkline([], 60, 16), '');
    assert.equal(sparkline([7], 60, 16), '');
  });
});
