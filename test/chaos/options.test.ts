import assert from 'node:assert/strict';
import { duration, selectors, sequence, whole } from '@dpr/chaos';

describe('options', () => {
  it('read times with and without a unit', () => {
    assert.deepEqual(['250', '250ms', '5s', '1.5 m', '2h'].map(duration), [250, 250, 5_000, 90_000, 7_200_000]);
    for (const wrong of ['', 's', '5 days', '-1s', '1e3'])
      assert.throws(() => duration(wrong), /such as 250ms, 5s or 2m/);
  });

  it('read whole numbers within bounds', () => {
    assert.equal(whole(1, 9)('7'), 7);
    for (const wrong of ['0', '10', '1.5', '', 'x']) assert.throws(() => whole(1, 9)(wrong), /from 1 to 9/);
  });

  it('read whom to strike', () => {
    assert.deepEqual(selectors('workers, finder'), ['workers', 'finder']);
    assert.deepEqual(sequence('counter-0,finder,counter-0+counter-1,all'), [
      ['counter-0'],
      ['finder'],
      ['counter-0', 'counter-1'],
      ['all'],
    ]);
    for (const wrong of ['', 'counter-0,', 'a++b']) assert.throws(() => sequence(wrong), /with commas between/);
  });
});
