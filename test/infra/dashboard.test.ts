import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { makeDashboard } from '../../infra/monitoring/dashboard.ts';
import { dashboardText, monitoringResources } from '../../infra/monitoring/index.ts';
import { ROWS } from '../../infra/monitoring/panels.ts';
import { documentedMetrics, metricsIn } from './metrics-document.ts';

const FILE = fileURLToPath(new URL('../../infra/monitoring/dashboard.json', import.meta.url));

const queries = Object.values(ROWS)
  .flat()
  .flatMap(({ queries }) => Object.values(queries));

describe('the dashboard', () => {
  it('is the one that its panels make', async () => {
    const options = { ...(await prettier.resolveConfig(FILE)), filepath: FILE };
    const made = await prettier.format(JSON.stringify(makeDashboard()), options);
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(FILE, made);
    assert.equal(readFileSync(FILE, 'utf8'), made, 'UPDATE_GOLDEN=1 writes it');
  });

  it('fills its width with each row', () => {
    const lines = new Map<number, number>();
    for (const { gridPos } of makeDashboard().panels ?? []) {
      const { y = 0, w = 0 } = gridPos ?? {};
      lines.set(y, (lines.get(y) ?? 0) + w);
    }
    assert.deepEqual(new Set(lines.values()), new Set([24]));
  });

  it('names only metrics that processes have', () => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const known = new Set([...documentedMetrics(), ...registry.getMetricsAsArray().map(({ name }) => name)]);
    const named = queries.flatMap(metricsIn);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
    assert.ok(named.length >= queries.length);
  });

  it('asks each metric for the cluster that the reader chose', () => {
    const { panels } = JSON.parse(JSON.stringify(makeDashboard())) as { panels: { targets?: { expr: string }[] }[] };
    const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    assert.equal(asked.length, queries.length);
    for (const expr of asked) {
      const metrics = expr.match(/\b(?:dpr|process)_\w+/g)?.length;
      assert.equal(expr.match(/\{namespace=~"\$namespace",job=~"\$job"[,}]/g)?.length, metrics, expr);
    }
  });

  it("is where Grafana's sidecar looks for it, by the label that it was told to look for", () => {
    const labels = { grafana_dashboard: 'mine' };
    const { dashboard } = monitoringResources({ namespace: 'dpr', labels, dashboard: true });
    assert.deepEqual(Object.values(dashboard?.data ?? {}), [dashboardText()]);
    assert.equal(dashboard?.metadata.labels.grafana_dashboard, 'mine');
    const usual = monitoringResources({ namespace: 'dpr', labels: {}, dashboard: true }).dashboard;
    assert.equal(usual?.metadata.labels.grafana_dashboard, '1');
    assert.equal(monitoringResources({ namespace: 'dpr', labels: {}, dashboard: false }).dashboard, undefined);
  });
});
