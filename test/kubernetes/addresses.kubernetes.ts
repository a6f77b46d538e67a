import assert from 'node:assert/strict';
import { type Cluster, connect, type DprError } from '@dpr/client';
import { INGRESS_NAME } from '@dpr/infra/plan';
import { Redis } from 'ioredis';
import { deployments, type Deployments, kubectl, SMALL, stepwise } from './deployments.ts';
import { type Load, startLoad } from './load.ts';

const LIMITED = { ...SMALL, memory: { ...SMALL.memory, limit: '256Mi' } };
const STORE = 2;
/** The store's port for Redis clients lies above all others of the stack. */
const RESP_OFFSET = 10;
/** Sessions that begin in one tick. */
const AT_ONCE = 1_000;
/** More than the table of such a worker has room for. */
const MAX_SESSIONS = 100_000;

describe('a cluster on Kubernetes whose ingress tells of the addresses of clients', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;
  let address: string;
  let load: Load;
  const clients: Cluster[] = [];

  const declare = (clientAddresses: string) =>
    deployed.configure({
      'dpr:workerDefaults': LIMITED,
      'dpr:finder': LIMITED,
      'dpr:ingress': { clientAddresses, internal: true, sourceRanges: ['0.0.0.0/0'] },
      'dpr:respBasePort': deployed.basePort + RESP_OFFSET,
      'dpr:workers': [{ id: 0 }, { id: 1 }, { id: STORE, type: 'store' }],
    });
  const connected = async () => {
    const client = await connect({ cluster: address });
    clients.push(client);
    return client;
  };
  const object = async (...words: string[]) =>
    (await kubectl(['get', ...words, '--namespace', deployed.namespace])).join('\n');

  before(async () => {
    deployed = await deployments();
    await declare('hidden');
    await deployed.up();
    address = await deployed.output('finderUrl');
    load = await startLoad(await connected(), [0, 1]);
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await (deployed as Deployments | undefined)?.end();
  });

  it('is told so while clients work', async () => {
    await declare('proxied');
    await deployed.up();
    await load.more(5);
    assert.equal(await object('service', INGRESS_NAME, '--output', 'jsonpath={.spec.externalTrafficPolicy}'), 'Local');
    assert.equal(
      await object('service', INGRESS_NAME, '--output', 'jsonpath={.spec.loadBalancerSourceRanges[*]}'),
      '0.0.0.0/0',
    );
    assert.match(
      await object('service', INGRESS_NAME, '--output', 'jsonpath={.metadata.annotations}'),
      /"service.beta.kubernetes.io\/azure-load-balancer-internal":"true"/,
    );
    const variable = '{.spec.containers[0].env[?(@.name=="DPR_CLIENT_ADDRESSES")].value}';
    for (const pod of ['dpr-finder-0', 'counter-0-0', 'counter-1-0', 'store-2-0'])
      assert.equal(await object('pod', pod, '--output', `jsonpath=${variable}`), 'proxied');
  });

  it('tells a store, too, where its Redis clients are', async () => {
    const addresses = await redisAddresses();
    const pods = (await object('pods', '--output', 'jsonpath={.items[*].status.podIP}')).split(' ');
    for (const one of addresses) assert.ok(!pods.includes(one), `${one} is the address of a pod, not of a client`);
  });

  it('has a worker refuse the sessions that one address begins without end, and no others', async () => {
    const reason = await beginWithoutEnd(await connected());
    assert.match(reason, /of clients at this address: the rest of its room is for clients at others/);
    await load.more(5);
  });

  it('stops to tell while clients work, and every total is exact', async () => {
    await declare('hidden');
    await deployed.up();
    await load.more(5);
    assert.equal((await redisAddresses()).length, 1);
    await load.end();
    assert.deepEqual(load.rollbacks, []);
    assert.equal(
      await object('service', INGRESS_NAME, '--output', 'jsonpath={.spec.externalTrafficPolicy}'),
      'Cluster',
    );
  });

  /** Writes to the store as a Redis client, and asks it where that is. */
  async function redisAddresses(): Promise<string[]> {
    const { hostname } = new URL(address);
    const redis = new Redis({ host: hostname, port: deployed.basePort + RESP_OFFSET + STORE });
    try {
      const before = Number(await redis.get('visits'));
      assert.equal(await redis.incr('visits'), before + 1);
      assert.deepEqual(await redis.call('WAITAOF', '1', '0', '0'), [1, 0]);
      const [, found = ''] = / addr=(\S+):\d+ /.exec(String(await redis.call('CLIENT', 'INFO'))) ?? [];
      return [found];
    } finally {
      redis.disconnect();
    }
  }

  /** @returns why the worker refuses one of them in the end */
  async function beginWithoutEnd(cluster: Cluster): Promise<string> {
    for (let begun = 0; begun < MAX_SESSIONS; begun += AT_ONCE) {
      const calls = Array.from({ length: AT_ONCE }, () => cluster.session().counter(0).add(0));
      for (const outcome of await Promise.allSettled(calls)) {
        if (outcome.status === 'rejected') return (outcome.reason as DprError).message;
      }
    }
    return assert.fail(`a worker let one address begin ${MAX_SESSIONS} sessions`);
  }
});
