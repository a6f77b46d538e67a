/** Commands on as many elements, and bytes, as one may read. */
import { MAX_BYTES_AT_ONCE, MAX_ELEMENTS_AT_ONCE } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { BY } from '../../../services/store/sorted-sets/sorted-range.ts';
import { asking, calls, fill, read } from './sorted-set-calls.ts';

describe('large sorted sets of a store', () => {
  it('are removed and copied in parts that are not too large, and removed as a whole at once', () => {
    const ask = asking();
    fill(ask, 'key', MAX_ELEMENTS_AT_ONCE + 2);
    const from = (first: number, last: number) => ({ by: BY.rank, first, last });
    assert.equal(read.integer(ask(calls.removeRange('key', from(1, -1)))), 'tooMuch');
    assert.equal(read.integer(ask(calls.rangeStore('other', 'key', from(1, -1)))), 'tooMuch');
    assert.deepEqual(read.elements(ask(calls.range('other'))), []);
    assert.equal(read.integer(ask(calls.rangeStore('other', 'key', from(2, -1)))), MAX_ELEMENTS_AT_ONCE);
    assert.equal(read.integer(ask(calls.removeRange('key', from(2, -1)))), MAX_ELEMENTS_AT_ONCE);
    assert.deepEqual(
      read.elements(ask(calls.range('key'))),
      [0, 1].map((place) => [String(place), place]),
    );
    assert.equal(read.integer(ask(calls.removeRange('other', from(0, -1)))), MAX_ELEMENTS_AT_ONCE);
    assert.equal(read.integer(ask(calls.count('other', from(0, -1)))), 0);
  });

  it('are removed and copied in parts whose members have no more bytes than they may', () => {
    const ask = asking();
    const megabyte = 2 ** 20;
    const large = MAX_BYTES_AT_ONCE / megabyte;
    for (let place = 1; place <= large; place++) ask(calls.add('key', [[String(place).padEnd(megabyte, '.'), place]]));
    ask(
      calls.add('key', [
        ['first', 0],
        ['l', large + 1],
      ]),
    );
    const from = (first: number, last: number) => ({ by: BY.rank, first, last });
    assert.equal(read.integer(ask(calls.removeRange('key', from(1, -1)))), 'tooMuch');
    assert.equal(read.integer(ask(calls.rangeStore('other', 'key', from(1, -1)))), 'tooMuch');
    assert.equal(read.integer(ask(calls.rangeStore('other', 'key', from(1, -2)))), large);
    assert.equal(read.integer(ask(calls.removeRange('key', from(1, -2)))), large);
    assert.equal(read.integer(ask(calls.count('key', from(0, -1)))), 2);
    assert.equal(read.integer(ask(calls.count('other', from(0, -1)))), large);
  });
});
