import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ALERTS, monitoringResources } from '../../infra/monitoring/index.ts';
import { documentedMetrics, metricsIn } from './metrics-document.ts';

describe('alerts', () => {
  it('name only metrics that processes have', () => {
    const documented = new Set(documentedMetrics());
    const named = ALERTS.flatMap(({ expr }) => metricsIn(expr));
    assert.deepEqual(
      named.filter((name) => !documented.has(name)),
      [],
    );
    assert.ok(named.length >= ALERTS.length);
  });

  it('have a section each that says what to do', () => {
    const document = readFileSync(new URL('../../infra/OPERATIONS.md', import.meta.url), 'utf8');
    const sections = [...document.matchAll(/^#### (Dpr\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(
      sections,
      ALERTS.map(({ name }) => name),
    );
  });

  it('are told with the section, of one cluster alone, by resources that carry the labels that were asked for', () => {
    const { podMonitor, rules } = monitoringResources({
      namespace: 'dpr-a',
      labels: { release: 'prometheus' },
      runbooks: 'https://example.com/OPERATIONS.md',
      dashboard: true,
    });
    for (const { metadata } of [podMonitor, rules]) {
      const { namespace, labels } = metadata;
      assert.deepEqual(
        [namespace, labels],
        ['dpr-a', { 'app.kubernetes.io/part-of': 'dpr-cluster', release: 'prometheus' }],
      );
    }
    const [finderDown, ...others] = rules.spec.groups[0]?.rules ?? [];
    assert.equal(finderDown?.expr, 'absent(dpr_finder_world_line{namespace="dpr-a"})');
    assert.ok(others.some(({ expr }) => expr === 'dpr_finder_members{namespace="dpr-a",state="away"} > 0'));
    assert.ok(
      others.every(({ expr }) => expr.match(/\bdpr_\w+/g)?.length === expr.match(/namespace="dpr-a"/g)?.length),
    );
    assert.match(JSON.stringify(rules), /"runbook_url":"https:\/\/example\.com\/OPERATIONS\.md#dprfinderdown"/);
  });
});
