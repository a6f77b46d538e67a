import assert from 'node:assert/strict';
import { type Cluster, connect } from '@dpr/client';
import { INGRESS_NAME } from '@dpr/infra/plan';
import { deployments, type Deployments, kubectl, SMALL, stepwise } from './deployments.ts';
import { ingressPod, told, waitFor } from './ingress-pods.ts';

/** A pod is started, or a change is served, within this, ms; on an idle machine it takes some seconds. */
const SOON_MS = 90_000;
const ROUTES = 3;

describe('the ingress of a cluster on Kubernetes that lacks something when it starts', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;
  let cluster: Cluster | undefined;
  let service: string;

  before(async () => {
    deployed = await deployments();
    await deployed.configure({
      'dpr:workerDefaults': SMALL,
      'dpr:finder': SMALL,
      'dpr:workers': [{ id: 0 }, { id: 1 }],
    });
    await deployed.up();
    cluster = await connect({ cluster: await deployed.output('finderUrl') });
  });
  after(async () => {
    await cluster?.close();
    await (deployed as Deployments | undefined)?.end();
  });

  it('serves every route but the one to a Service that is unknown, and tells that', async () => {
    const text = await kubectl(['get', 'service', 'counter-1', ...inNamespace(), '-o', 'json']);
    const { metadata, spec } = JSON.parse(text.join('')) as ServiceObject;
    const { clusterIP: _ip, clusterIPs: _ips, ...own } = spec;
    service = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: metadata.name }, spec: own });
    await kubectl(['delete', 'service', 'counter-1', ...inNamespace()]);
    // The cluster's DNS answers from memory for some seconds after a Service is gone, and who starts meanwhile knows it.
    const { serving, routes, refused, unknown } = await waitFor(SOON_MS, async () => {
      await startAnew();
      const now = await told(deployed, SOON_MS, ({ serving: served }) => served !== undefined);
      return now.unknown === undefined ? undefined : now;
    });
    assert.deepEqual([serving, routes, refused, unknown], [await version(), ROUTES - 1, undefined, ['counter-1']]);
    await ready();
    assert.equal(await cluster?.session().counter(0).add(300), 300n);
  });

  it('serves that one too as soon as it is known, with no pod started anew', async () => {
    const pod = await ingressPod(deployed, SOON_MS);
    await kubectl(['create', ...inNamespace(), '-f', '-'], service);
    const now = await told(deployed, SOON_MS, ({ routes }) => routes === ROUTES);
    assert.equal(now.unknown, undefined);
    assert.equal(await cluster?.session().counter(1).add(70), 70n);
    assert.equal(await ingressPod(deployed, SOON_MS), pod);
    assert.deepEqual(await restarts(pod), ['0', '0']);
  });

  it('tells why NGINX does not start, and starts it as soon as that is mended', async () => {
    const good = await configuration();
    await put(good.replace('stream {', 'stream { nonsense;'));
    await told(deployed, SOON_MS, ({ refused }) => refused !== undefined);
    assert.equal(await cluster?.session().counter(0).get(), 300n, 'the old one goes on');
    await startAnew();
    const { serving, refused } = await told(deployed, SOON_MS, (now) => now.refused !== undefined);
    assert.equal(serving, undefined);
    assert.match(refused?.reason ?? '', /^\[emerg\] unknown directive "nonsense"/);
    await put(good);
    await told(deployed, SOON_MS, (now) => now.serving !== undefined && now.refused === undefined);
    const pod = await ingressPod(deployed, SOON_MS);
    assert.deepEqual(await restarts(pod), ['0', '0'], 'which Kubernetes would have waited longer and longer for');
    await ready();
    assert.equal(await cluster?.session().counter(1).get(), 70n);
  });

  function inNamespace(): string[] {
    return ['-n', deployed.namespace];
  }

  async function startAnew(): Promise<void> {
    const pod = await ingressPod(deployed, SOON_MS);
    await kubectl(['delete', 'pod', pod, ...inNamespace(), '--grace-period=1']);
    await waitFor(SOON_MS, async () => ((await ingressPod(deployed, SOON_MS)) === pod ? undefined : true));
  }

  async function ready(): Promise<void> {
    const pod = await ingressPod(deployed, SOON_MS);
    await kubectl(['wait', '--for=condition=Ready', `pod/${pod}`, ...inNamespace(), `--timeout=${SOON_MS / 1_000}s`]);
  }

  async function restarts(pod: string): Promise<string[]> {
    const counts = '{.status.initContainerStatuses[0].restartCount}{"\\n"}{.status.containerStatuses[0].restartCount}';
    return kubectl(['get', 'pod', pod, ...inNamespace(), '-o', `jsonpath=${counts}`]);
  }

  async function configuration(): Promise<string> {
    const text = await kubectl(['get', 'configmap', INGRESS_NAME, ...inNamespace(), '-o', 'json']);
    return (JSON.parse(text.join('')) as { data: Record<string, string> }).data['nginx.conf'] ?? '';
  }

  async function version(): Promise<string | undefined> {
    return /version\.sock; return (\w+);/.exec(await configuration())?.[1];
  }

  async function put(text: string): Promise<void> {
    const patch = JSON.stringify({ data: { 'nginx.conf': text } });
    await kubectl(['patch', 'configmap', INGRESS_NAME, ...inNamespace(), '--patch', patch]);
  }
});

type ServiceObject = { readonly metadata: { readonly name: string }; readonly spec: Record<string, unknown> };
