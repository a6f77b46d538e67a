import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ALERTS, monitoringResources } from '../../infra/monitoring/index.ts';

const read = (file: string): string => readFileSync(new URL(`../../infra/${file}`, import.meta.url), 'utf8');
/** What a histogram's metrics end with, beside its name. */
const PART = /_(?:bucket|sum|count)$/;

describe('alerts', () => {
  it('name only metrics that processes have', () => {
    const documented = new Set([...read('METRICS.md').matchAll(/^\| `(dpr_\w+)`/gm)].map(([, name]) => name));
    const named = ALERTS.flatMap(({ expr }) => expr.match(/\bdpr_\w+/g) ?? []).map((name) => name.replace(PART, ''));
    assert.deepEqual(
      named.filter((name) => !documented.has(name)),
      [],
    );
    assert.ok(named.length >= ALERTS.length);
  });

  it('have a section each that says what to do', () => {
    const sections = [...read('OPERATIONS.md').matchAll(/^#### (Dpr\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(
      sections,
      ALERTS.map(({ name }) => name),
    );
  });

  it('are told with the section, by resources that carry the labels that were asked for', () => {
    const [monitor, rules] = monitoringResources({
      namespace: 'dpr-a',
      labels: { release: 'prometheus' },
      runbooks: 'https://example.com/OPERATIONS.md',
    });
    for (const resource of [monitor, rules]) {
      const { namespace, labels } = resource?.metadata ?? assert.fail();
      assert.deepEqual(
        [namespace, labels],
        ['dpr-a', { 'app.kubernetes.io/part-of': 'dpr-cluster', release: 'prometheus' }],
      );
    }
    assert.match(JSON.stringify(rules), /"runbook_url":"https:\/\/example\.com\/OPERATIONS\.md#dprfinderdown"/);
  });
});
