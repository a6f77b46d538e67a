import assert from 'node:assert/strict';
import { briefDuration, bytes, committed, compact, lag, workerName } from '../../../services/console/page/format.ts';
import { worker } from './views.ts';

describe('in the page', () => {
  it('sizes have three digits and a unit', () => {
    const texts = { 0: '0 B', 999: '999 B', 1_000: '1 kB', 1_536: '1.54 kB', 999_949: '1 MB', 55_800_000: '55.8 MB' };
    for (const [number, text] of Object.entries(texts)) assert.equal(bytes(Number(number)), text);
    assert.equal(bytes(3e15), '3000 TB');
  });

  it('times in charts are short', () => {
    const texts = [0, 0.42, 4.26, 49.4, 1_000, 1_540, 120_000].map(briefDuration);
    assert.deepEqual(texts, ['0 ms', '0.42 ms', '4.3 ms', '49 ms', '1 s', '1.5 s', '2 min']);
  });

  it('numbers at an axis are short', () =>
    assert.deepEqual([0.25, 900, 12_500].map(compact), ['0.25', '900', '12.5K']));

  it('a worker is called by its type and id', () => {
    assert.equal(workerName(worker()), 'counter-3');
    assert.equal(workerName(worker({ type: '' })), 'worker-3');
  });

  it('a worker tells when it was committed last, and whether that was all', () => {
    const { committedAgoMs: _, ...never } = worker();
    assert.equal(committed(worker()), 'all, 49 ms ago');
    assert.equal(committed(worker({ allCommitted: false, committedAgoMs: 12_400 })), '12.4 s ago');
    assert.equal(committed(never), 'all');
    assert.equal(committed({ ...never, allCommitted: false }), 'nothing yet');
  });

  it('a worker tells what it has not committed, unless that is not known', () => {
    assert.equal(lag(worker()), '0');
    assert.equal(lag(worker({ allCommitted: false })), 'unknown');
    assert.equal(lag(worker({ allCommitted: false, lagOperations: 1, lagMs: 12 })), '1 op, 12 ms');
    assert.equal(lag(worker({ allCommitted: false, lagOperations: 1_234, lagMs: 7_200 })), '1,234 ops, 7.2 s');
  });
});
