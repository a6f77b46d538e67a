import assert from 'node:assert/strict';
import { type ProcessCounts, ratesBetween, readCounts } from '../../services/console/process-metrics.ts';

const PAGE = `# HELP dpr_worker_operations_total Operations executed.
# TYPE dpr_worker_operations_total counter
dpr_worker_operations_total 1500
dpr_worker_operations_totally_else 9
dpr_worker_state_bytes 4096
dpr_worker_checkpoint_write_seconds_bucket{le="0.005"} 90
dpr_worker_checkpoint_write_seconds_bucket{le="0.01"} 100
dpr_worker_checkpoint_write_seconds_bucket{le="+Inf"} 100
dpr_worker_checkpoint_write_seconds_sum 0.4
process_cpu_user_seconds_total 3
`;

describe('the metrics that the console reads', () => {
  it('are taken from a page of Prometheus', () => {
    assert.deepEqual(readCounts(PAGE), {
      operations: 1_500,
      stateBytes: 4_096,
      writes: new Map([
        [0.005, 90],
        [0.01, 100],
        [Infinity, 100],
      ]),
    });
  });

  it('are of the Finder where it is its page', () => {
    const page = 'dpr_finder_record_write_seconds_bucket{le="+Inf"} 3\n';
    assert.deepEqual(readCounts(page), {
      operations: 0,
      stateBytes: undefined,
      writes: new Map([[Infinity, 3]]),
    });
  });

  const counts = (operations: number, writes: readonly (readonly [number, number])[]): ProcessCounts => ({
    operations,
    stateBytes: undefined,
    writes: new Map(writes),
  });

  it('become rates, and the time of the slowest hundredth', () => {
    const before = counts(1_000, [
      [0.01, 5],
      [0.1, 5],
      [Infinity, 5],
    ]);
    const after = counts(3_000, [
      [0.01, 105],
      [0.1, 205],
      [Infinity, 205],
    ]);
    const { rate, writeMs } = ratesBetween(before, after, 2);
    assert.equal(rate, 1_000);
    // 198 of 200: 98 of the 100 that took from 10 to 100 ms.
    assert.equal(writeMs?.toFixed(6), (10 + 0.98 * 90).toFixed(6));
  });

  it('say nothing of writes where there were none, and no more than the largest bound', () => {
    const none = counts(0, [[Infinity, 5]]);
    assert.equal(ratesBetween(none, none, 1).writeMs, undefined);
    const slow = counts(0, [
      [10, 0],
      [Infinity, 1],
    ]);
    assert.equal(ratesBetween(counts(0, []), slow, 1).writeMs, 10_000);
  });

  it('begin at 0 again where the process was started anew', () => {
    assert.equal(ratesBetween(counts(5_000, []), counts(100, []), 1).rate, 100);
  });
});
