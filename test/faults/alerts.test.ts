/** A real Prometheus that watches a cluster whose disk is full. */
import path from 'node:path';
import { promptRules, startPrometheus } from '../cluster/prometheus.ts';
import { waysToFill } from './disk.ts';
import { cleanUp, onCleanUp, startSite, until, within } from './harness.ts';

/** In place of minutes, over which failures are counted. */
const COUNTED = '[2s]';

describe('alerts of a cluster with a full disk', () => {
  afterEach(cleanUp);

  const [limited] = waysToFill().slice(-1);

  it('fire while nothing can be written, and clear once there is room', async () => {
    const scarce = limited?.make();
    if (scarce === undefined) throw new Error('there is no way to fill a disk here');
    const data = path.join(scarce.directory, 'data');
    const site = await startSite({ worker: (id): Record<string, string> => (id === 0 ? { DPR_DATA: data } : {}) });
    const [worker] = site.workers;
    if (worker === undefined) throw new Error('there is no worker');
    const targets = [site.ports.admin, site.workerAdminPort(0), site.workerAdminPort(1)];
    const prometheus = await startPrometheus(
      targets.map((port) => `127.0.0.1:${port}`),
      promptRules((expr) => expr.replaceAll('[5m]', COUNTED)),
    );
    onCleanUp(() => prometheus.end());
    const session = (await site.client()).session();
    await within('a commit', session.counter(0).add(1).committed);
    await until('no alert', async () => (await prometheus.firing()).length === 0);

    scarce.fill(worker);
    await session.counter(0).add(1);
    await until('the alert', async () => (await prometheus.firing()).includes('DprWritesFailing'));
    scarce.free(worker);
    await within('the commit', session.commit());
    await until('no alert', async () => (await prometheus.firing()).length === 0);
  });
});
