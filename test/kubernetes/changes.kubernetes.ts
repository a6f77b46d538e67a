import assert from 'node:assert/strict';
import { type Cluster, connect, WorkerRemovedError } from '@dpr/client';
import { INGRESS_NAME, LISTEN_PORT, workerName } from '@dpr/infra/plan';
import { ingressConfiguration } from '../../infra/plan/nginx-configuration.ts';
import { deployments, type Deployments, kubectl, SMALL, stepwise } from './deployments.ts';
import { told } from './ingress-pods.ts';
import { type Load, startLoad } from './load.ts';

const STACK = {
  'dpr:workerDefaults': SMALL,
  'dpr:finder': SMALL,
};
const PLAIN = { withTls: false, tellsAddresses: false };
const CLIENTS = 12;
/** Of the port map alone, besides those that deployments make. */
const MAP_CHANGES = 8;
/** A change of the port map is served within this, and a new worker, ms; it takes a second on an idle machine. */
const AT_ONCE_MS = 20_000;

describe('a cluster on Kubernetes that is changed while clients work', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;
  let address: string;
  let load: Load;
  const clients: Cluster[] = [];
  const broken: string[] = [];

  const declare = (...ids: number[]) => deployed.configure({ ...STACK, 'dpr:workers': ids.map((id) => ({ id })) });
  const connected = async () => {
    const client = await connect({
      cluster: address,
      log: ({ event, message }) => {
        if (event === 'disconnected') broken.push(message);
      },
    });
    clients.push(client);
    return client;
  };

  before(async () => {
    deployed = await deployments();
    await declare(0, 1);
    await deployed.up();
    address = await deployed.output('finderUrl');
    for (let client = 0; client < CLIENTS; client++) {
      const session = (await connected()).session();
      await Promise.all([session.counter(0).get(), session.counter(1).get()]);
    }
    load = await startLoad(await connected(), [0, 1]);
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await (deployed as Deployments | undefined)?.end();
  });

  it('has a new worker served the moment that the deployment returns', async () => {
    await declare(0, 1, 2);
    await deployed.up();
    const returned = performance.now();
    assert.equal(await (await connected()).session().counter(2).add(7), 7n);
    assert.ok(performance.now() - returned < AT_ONCE_MS);
    await load.more(5);
  });

  it('serves each new port map soon', async () => {
    const map = await currentMap();
    const routes = ['finder', 0, 1, 2].map((who, index) => ({
      name: who === 'finder' ? who : `worker-${who}`,
      port: deployed.basePort + index,
      target: `${who === 'finder' ? 'dpr-finder' : workerName({ type: 'counter', id: Number(who) })}:${LISTEN_PORT}`,
    }));
    assert.equal(map, ingressConfiguration(routes, PLAIN).text);
    for (let change = 1; change < MAP_CHANGES; change++) {
      const more = {
        name: 'more',
        port: deployed.basePort + 10 + change,
        target: `${INGRESS_NAME}:${deployed.basePort}`,
      };
      await serve(ingressConfiguration([...routes, more], PLAIN));
    }
    await serve(ingressConfiguration(routes, PLAIN));
    await load.more(5);
  });

  it('lets a worker leave: what depends on it is committed, and its clients are told by name', async () => {
    const session = (await connected()).session();
    await session.counter(2).add(5);
    const dependent = session.counter(0).add(0);
    await dependent;
    await declare(0, 1);
    await deployed.up();
    await dependent.committed;
    await session.commit();
    const reason = await session
      .counter(2)
      .add(1)
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    assert.ok(reason instanceof WorkerRemovedError, String(reason));
    await load.more(5);
  });

  it('cut no connection to a worker that stayed, and every total is exact', async () => {
    assert.deepEqual(
      broken.filter((message) => !message.startsWith('worker 2:')),
      [],
    );
    await load.end();
    assert.deepEqual(load.rollbacks, []);
  });

  it('begins a removed worker anew, as a new generation, once told so', async () => {
    await deployed.configure({ ...STACK, 'dpr:workers': [{ id: 0 }, { id: 1 }, { id: 2, state: 'empty' }] });
    await deployed.up();
    const client = await connected();
    assert.equal(client.workers().find(({ id }) => id === 2)?.generation, 2);
    assert.equal(await client.session().counter(2).get(), 0n);
  });

  async function currentMap(): Promise<string> {
    const words = ['get', 'configmap', INGRESS_NAME, '--namespace', deployed.namespace, '--output', 'json'];
    const { data } = JSON.parse((await kubectl(words)).join('\n')) as { data: Record<string, string> };
    return data['nginx.conf'] ?? '';
  }

  /** Changes the port map as a deployment does, and waits until NGINX serves it. */
  async function serve({ text, version }: { text: string; version: string }): Promise<void> {
    const patch = JSON.stringify({ data: { 'nginx.conf': text } });
    await kubectl(['patch', 'configmap', INGRESS_NAME, '--namespace', deployed.namespace, '--patch', patch]);
    await told(deployed, AT_ONCE_MS, ({ serving }) => serving === version);
  }
});
