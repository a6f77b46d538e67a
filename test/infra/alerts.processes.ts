/** Each alert by Prometheus' own program: when it says nothing, when it fires, and that it clears. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { ALERTS, ruleGroups } from '../../infra/monitoring/index.ts';
import { promtool } from './promtool.ts';

interface Case {
  /** By name and labels: a value each half minute, as promtool writes series. */
  readonly series: Readonly<Record<string, string>>;
  readonly quiet: string;
  readonly fires: string;
  readonly clears: string;
}

/** For two minutes it is well, then for ten it is not. */
const flag = (name: string): Record<string, string> => ({ [`${name}{instance="a"}`]: '0x4 1x20 0x60' });
/** Of a histogram of 10 writes in each half minute: all take up to the first bound, then up to the second. */
function slow(name: string, from: string, to: string): Record<string, string> {
  return {
    [`${name}_bucket{instance="a",le="${from}"}`]: '0+10x10 100x60 100+10x60',
    [`${name}_bucket{instance="a",le="${to}"}`]: '0+10x10 110+10x59 710+10x60',
    [`${name}_bucket{instance="a",le="+Inf"}`]: '0+10x10 110+10x59 710+10x60',
  };
}
const USUAL = { quiet: '1m', fires: '10m', clears: '25m' };
const RISE = '0x4 0+1x20 20x60';

const CASES: Readonly<Record<string, Case>> = {
  DprFinderDown: { series: { 'dpr_finder_world_line{instance="a"}': '1x4 stale _x20 1x60' }, ...USUAL },
  DprFinderRefusing: { series: flag('dpr_finder_refusing'), ...USUAL },
  DprWorkerAway: { series: { 'dpr_finder_members{state="away"}': '0x4 2x20 0x60' }, ...USUAL },
  DprWorkerSilent: { series: { 'dpr_finder_members{state="silent"}': '0x4 1x20 0x60' }, ...USUAL },
  DprCommitsStalled: { series: { 'dpr_worker_commit_lag_seconds{instance="a"}': '30x4 0+30x20 0x60' }, ...USUAL },
  DprCommitsBlocked: { series: flag('dpr_finder_blocked_members'), ...USUAL },
  DprWritesFailing: { series: { 'dpr_worker_checkpoint_write_failures_total{instance="a"}': RISE }, ...USUAL },
  DprWritesSlow: {
    series: slow('dpr_worker_checkpoint_write_seconds', '0.1', '1'),
    ...{ quiet: '4m', fires: '30m', clears: '60m' },
  },
  DprWritesVerySlow: {
    series: slow('dpr_finder_record_write_seconds', '0.5', '5'),
    ...{ quiet: '4m', fires: '30m', clears: '60m' },
  },
  DprManyRollbacks: {
    series: { 'dpr_finder_rollbacks_total{instance="a"}': '0x4 0+1x20 20x60' },
    ...USUAL,
    clears: '40m',
  },
  DprUndoNearLimit: {
    series: { ...limit('dpr_worker_undo', '_limit_bytes'), 'dpr_worker_undo_bytes{instance="a"}': '90x4 91x20 90x60' },
    ...USUAL,
  },
  DprMemoryShort: { series: flag('dpr_worker_memory_short'), ...USUAL },
  DprStoreNearlyFull: {
    series: {
      ...limit('dpr_store_used', '_limit_bytes'),
      'dpr_store_used_bytes{instance="a"}': '90x4 91x20 91x60',
      // It begins to evict, which is what it was told to do.
      'dpr_store_evicted_keys_total{instance="a"}': '0x24 0+1x60',
    },
    ...USUAL,
  },
  DprIngressStale: { series: flag('dpr_ingress_watch_failing'), ...USUAL },
  DprIngressUnknownServices: { series: flag('dpr_ingress_unknown_services'), ...USUAL },
};

function limit(name: string, end: string): Record<string, string> {
  return { [`${name}${end}{instance="a"}`]: '100x84' };
}

describe('alerts, by promtool', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'dpr-alerts-'));
  after(() => rmSync(directory, { recursive: true }));

  const tool = (...words: string[]): string => promtool(words, { cwd: directory });

  before(() => writeFileSync(path.join(directory, 'rules.yml'), stringify({ groups: ruleGroups('runbooks') })));

  it('are rules as Prometheus wants them, of one cluster too', () => {
    tool('check', 'rules', 'rules.yml');
    writeFileSync(path.join(directory, 'one.yml'), stringify({ groups: ruleGroups('runbooks', 'dpr-a') }));
    tool('check', 'rules', 'one.yml');
  });

  it('are each tried', () => {
    assert.deepEqual(
      Object.keys(CASES),
      ALERTS.map(({ name }) => name),
    );
  });

  for (const [name, { series, quiet, fires, clears }] of Object.entries(CASES)) {
    it(`${name} says nothing, fires and clears`, () => {
      const expr = `count(ALERTS{alertname="${name}", alertstate="firing"})`;
      const at = (eval_time: string, samples: object[]) => ({ expr, eval_time, exp_samples: samples });
      const test = {
        interval: '30s',
        input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
        promql_expr_test: [at(quiet, []), at(fires, [{ labels: '{}', value: 1 }]), at(clears, [])],
      };
      writeFileSync(
        path.join(directory, 'test.yml'),
        stringify({ rule_files: ['rules.yml'], evaluation_interval: '30s', tests: [test] }),
      );
      tool('test', 'rules', 'test.yml');
    });
  }
});
