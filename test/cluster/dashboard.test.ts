/** Grafana's dashboard at a real Prometheus that watches a real cluster: each query of each panel has an answer. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dashboardText } from '../../infra/monitoring/index.ts';
import { ingressMetrics } from '../../services/ingress/metrics.ts';
import { addTo, refuseOne, tearDown, until } from './harness.ts';
import { type Prometheus, startPrometheus, targetsOf } from './prometheus.ts';
import { startStore } from './served-store.ts';

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

/** What Grafana puts into queries; no namespace is what there is without the operator. */
const CHOSEN = { namespace: '', job: '.*', __rate_interval: '10s' };

const { panels } = JSON.parse(dashboardText()) as { panels: { title: string; targets?: Target[] }[] };

/** One machine has no ingress. */
async function serveIngressMetrics(): Promise<Server> {
  const metrics = ingressMetrics(
    () => ({ serving: 'a', routes: 3 }),
    () => ({ failures: 0, reason: undefined }),
  );
  const server = createServer((_request, response) => {
    void metrics.metrics().then((page) => response.end(page));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('the dashboard of a cluster that a Prometheus watches', () => {
  let prometheus: Prometheus | undefined;
  let ingress: Server | undefined;

  before(async () => {
    const { place } = await startStore();
    await addTo(place, [0], 1);
    await refuseOne(place);
    ingress = await serveIngressMetrics();
    const { port } = ingress.address() as AddressInfo;
    const targets = targetsOf(place, ['dpr-finder', 'counter-0', 'store-1']);
    prometheus = await startPrometheus([...targets, `127.0.0.1:${port}`]);
  });
  after(() => prometheus?.end());
  after(() => ingress?.close());
  after(tearDown);

  for (const { title, targets = [] } of panels) {
    if (targets.length === 0) continue; // the title of a row
    it(`shows ${title}`, async () => {
      for (const { expr, legendFormat } of targets) {
        const query = Object.entries(CHOSEN).reduce((text, [name, value]) => text.replaceAll(`$${name}`, value), expr);
        const [sample] = await until(`an answer to ${query}`, async () => {
          const samples = await prometheus?.query(query);
          return samples?.length === 0 ? undefined : samples;
        });
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) assert.ok(sample?.metric[label], label);
      }
    });
  }
});
