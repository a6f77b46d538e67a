import { ratios, spreadOf } from '@dpr/bench';
import assert from 'node:assert/strict';
import fc from 'fast-check';

describe('the spread of several runs', () => {
  it('is their median, the least and the most', () => {
    assert.deepEqual(spreadOf([5, 1, 3]), { median: 3, least: 1, most: 5 });
    assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, least: 1, most: 4 });
    assert.deepEqual(spreadOf([7]), { median: 7, least: 7, most: 7 });
    assert.deepEqual(spreadOf([]), { median: NaN, least: NaN, most: NaN });
  });

  it('has its median in the middle', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const { median, least, most } = spreadOf(values);
        assert.ok(least <= median && median <= most);
        assert.ok(2 * values.filter((value) => value <= median).length >= values.length);
        assert.ok(2 * values.filter((value) => value >= median).length >= values.length);
      }),
    );
  });
});

describe('ratios', () => {
  it('compare run with run, so that what slows both changes nothing', () => {
    assert.deepEqual(ratios([20, 2, 10], [10, 1, 5]), { median: 2, least: 2, most: 2 });
    assert.deepEqual(
      ratios([20, 9], [10]),
      { median: 2, least: 2, most: 2 },
      'runs without a counterpart do not count',
    );
    assert.ok(Number.isNaN(ratios([1], []).median));
  });
});
