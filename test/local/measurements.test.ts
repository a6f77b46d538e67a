import assert from 'node:assert/strict';
import fc from 'fast-check';
import { showMs, showSummary, summarize } from '@dpr/local/measurements';

describe('statistics', () => {
  it('are percentiles by nearest rank', () => {
    const oneToTen = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5];
    assert.deepEqual(summarize(oneToTen), { count: 10, p50: 5, p90: 9, max: 10 });
    assert.deepEqual(summarize([4]), { count: 1, p50: 4, p90: 4, max: 4 });
    assert.deepEqual(summarize([]), { count: 0, p50: 0, p90: 0, max: 0 });
  });

  it('are values that occurred, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const { count, p50, p90, max } = summarize(values);
        assert.equal(count, values.length);
        assert.ok([p50, p90, max].every((one) => values.includes(one)));
        assert.ok(p50 <= p90 && p90 <= max);
        assert.ok(values.filter((value) => value <= p90).length >= 0.9 * count);
      }),
    );
  });

  it('read well', () => {
    assert.deepEqual([0.26, 9.94, 12.4, 999, 1234, 61_000].map(showMs), [
      '0.3 ms',
      '9.9 ms',
      '12 ms',
      '999 ms',
      '1.23 s',
      '61.0 s',
    ]);
    assert.equal(showSummary(summarize([])), 'none');
    assert.equal(showSummary(summarize([100, 200])), 'p50 100 ms, p90 200 ms, max 200 ms');
  });
});
