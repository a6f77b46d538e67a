import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type Cluster, type Session } from '@dpr/client';
import { Redis } from 'ioredis';
import { type Certificate, certify, shownAt, store } from './certificates.ts';
import { deployments, failureOf, kubectl, SMALL, stepwise, type Deployments } from './deployments.ts';
import { until } from '../cluster/harness.ts';
import { helloOf } from '../console/hello.ts';
import { startLoad } from './load.ts';
import { ANY_POD, checkPods, prepare, SOURCE, workerPod } from './pod-settings.ts';
import { portForward } from './port-forward.ts';

const TOKENS = {
  'dpr:controlToken': 'a-control-token-of-a-test',
  'dpr:clientToken': 'a-client-token-of-a-test',
};
const TLS_SECRET = 'a-certificate';
/** How long the membership Job waits; half of it for a worker that is away. */
const MEMBERSHIP_TIMEOUT_SECONDS = 60;
const REPLICAS = 2;
/** The kubelet may take its time to bring a changed Secret into a pod. */
const RENEWAL_LIMIT_MS = 180_000;
const POLL_MS = 500;
/** Its port for Redis clients is the one that worker 1 would have, if that had none of its own. */
const STORE = 2;
const INGRESS_PODS = ['--selector', 'app.kubernetes.io/component=ingress'];
/** So many connections in a row that are shown the same certificate have reached every pod. */
const IN_A_ROW = 20;

describe('a secured cluster at the ports of nodes', function () {
  this.timeout(600_000);
  stepwise();
  let deployed: Deployments;
  let node: string;
  let certificate: Certificate;
  let cluster: Cluster | undefined;
  let session: Session;
  const broken: string[] = [];

  before(async () => {
    deployed = await deployments({ nodePorts: true });
    const addresses = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
    node = (await kubectl(['get', 'nodes', '-o', `jsonpath=${addresses}`])).join();
    certificate = await certify(node);
    await store(certificate, TLS_SECRET, deployed.namespace);
    await prepare(deployed);
  });
  after(async () => {
    await cluster?.close();
    await (deployed as Deployments | undefined)?.end();
  });

  const declare = (workers: object[], more: object = {}) =>
    deployed.configure(
      {
        'dpr:workerDefaults': SMALL,
        'dpr:finder': SMALL,
        'dpr:ingress': { serviceType: 'NodePort', tlsSecretName: TLS_SECRET, replicas: REPLICAS },
        'dpr:keepVolumes': false,
        'dpr:membershipTimeoutSeconds': MEMBERSHIP_TIMEOUT_SECONDS,
        'dpr:respBasePort': deployed.basePort,
        'dpr:console': true,
        'dpr:pod': ANY_POD,
        'dpr:workers': workers,
        ...more,
      },
      TOKENS,
    );
  const ownImage = () => `${deployed.images.registry}/dpr-counter:${deployed.images.tag}`;
  /** A worker that has everything of its own. */
  const own = () => ({
    id: 1,
    port: deployed.basePort + 4,
    image: ownImage(),
    mountPath: '/var/lib/own',
    listenPort: 9_000,
    storage: '2Gi',
    cpu: { request: '30m', limit: '2' },
    memory: { request: '96Mi', limit: '384Mi' },
    ephemeralStorage: { request: '1Mi', limit: '64Mi' },
    checkpointIntervalMs: 25,
    pod: workerPod(ownImage()),
  });

  it('serves those outside who trust its certificate and show the token', async () => {
    await declare([{ id: 0 }, own(), { id: STORE, type: 'store' }]);
    await deployed.up();
    const address = (await deployed.output('finderUrl')).replace('<node>', node);
    assert.equal(address, `wss://${node}:${deployed.basePort}`);
    const limits = { cluster: address, connectTimeoutMs: 5_000 };
    const { certificate: ca } = certificate;
    assert.match(await failureOf(connect({ ...limits, ca })), /token/);
    assert.match(await failureOf(connect({ ...limits, token: TOKENS['dpr:clientToken'] })), /certificate/);
    cluster = await connected();
    session = cluster.session();
    assert.equal(await session.counter(0).add(300), 300n);
    assert.equal(await session.counter(1).add(70), 70n);
    await session.commit();
  });

  it('serves Redis clients who do, by TLS', async () => {
    const { certificate: ca } = certificate;
    const token = TOKENS['dpr:clientToken'];
    const clients: Redis[] = [];
    const client = (tls: { ca?: string }, token = '', retryMs: number | null = null): Redis => {
      const at = { host: node, port: deployed.basePort + STORE };
      const redis = new Redis({ ...at, tls, password: token, retryStrategy: () => retryMs });
      redis.on('error', () => undefined);
      clients.push(redis);
      return redis;
    };
    const failure = async (redis: Redis): Promise<string> => String((await once(redis, 'error'))[0]);
    try {
      assert.match(await failure(client({}, token)), /self-signed certificate/);
      assert.match(await failure(client({ ca })), /NOAUTH/);
      const redis = client({ ca }, token, POLL_MS);
      assert.equal(await redis.set('a', '1'), 'OK');
      assert.deepEqual(await redis.call('WAITAOF', '1', '0', '0'), [1, 0]);
      const gone = once(redis, 'close');
      await kubectl(['delete', 'pod', `store-${STORE}-0`, '--force', '--grace-period=0', ...inNamespace()]);
      await gone;
      assert.equal(await redis.get('a'), '1');
    } finally {
      for (const redis of clients) redis.disconnect();
    }
  });

  it('shows a console to those who forward its port, and does what the control token asks for there', async () => {
    const { port, end } = await portForward(deployed.namespace, 'service/dpr-console', 80);
    try {
      const url = `http://localhost:${port}/`;
      assert.match(await (await fetch(url)).text(), /<script/);
      const now = await until('the console to see all, and what they do', async () => {
        const { now, can } = await helloOf(url);
        assert.deepEqual(can, { remove: true, injectFaults: false });
        const isWell = now.verdict.text.startsWith('All 3 workers serve'); // one of them was deleted just now
        return isWell && now.workers.some(({ rate }) => rate !== undefined) && now;
      });
      assert.equal(now.cluster?.length, 32);
      const body = JSON.stringify({ worker: 77, generation: 1 });
      const remove = (headers: Record<string, string>) => fetch(`${url}remove`, { method: 'POST', headers, body });
      assert.equal((await remove({})).status, 401);
      assert.equal((await remove({ authorization: `Bearer ${TOKENS['dpr:clientToken']}` })).status, 401);
      const answered = await remove({ authorization: `Bearer ${TOKENS['dpr:controlToken']}` });
      assert.equal(answered.status, 409, 'there is no worker 77');
      assert.equal((await fetch(url, { headers: { origin: 'http://evil.example' } })).status, 403);
    } finally {
      await end();
    }
  });

  it('serves a renewed certificate to clients that come, and leaves alone those that are there', async () => {
    assert.ok(cluster);
    const before = await ingressPods();
    assert.equal(before.length, REPLICAS);
    assert.equal(await shown(), certificate.fingerprint);
    const load = await startLoad(cluster, [1]);
    const renewed = await certify(node);
    await store(renewed, TLS_SECRET, deployed.namespace);
    await everyPodSays('accepted', renewed);
    assert.equal(await shown(), renewed.fingerprint);
    assert.deepEqual(await ingressPods(), before);
    await load.more(5);
    await load.end();
    assert.deepEqual(load.rollbacks, []);
    assert.equal(await session.counter(0).get(), 300n);
    assert.deepEqual(broken, []);
    await cluster.close();
    certificate = renewed;
    cluster = await connected(); // trusts nothing but the new one
    session = cluster.session();
    assert.equal(await session.counter(0).get(), 300n);
  });

  it('goes on with the certificate that it has where NGINX cannot use the next, and says why', async () => {
    const before = await ingressPods();
    const stranger = await certify(node);
    const onlyHalf = { data: { 'tls.crt': Buffer.from(stranger.certificate).toString('base64') } };
    await kubectl(['patch', 'secret', TLS_SECRET, ...inNamespace(), '--patch', JSON.stringify(onlyHalf)]);
    for (const { reason } of await everyPodSays('refused', stranger))
      assert.match(reason, /^\[emerg\].*tls\.key.*mismatch/);
    assert.equal(await shown(), certificate.fingerprint);
    await store(certificate, TLS_SECRET, deployed.namespace);
    await everyPodSays('accepted', certificate);
    assert.equal(await shown(), certificate.fingerprint);
    assert.deepEqual(await ingressPods(), before);
    assert.deepEqual(broken, []);
  });

  it('gives a worker all that its entry asks for', async () => {
    const pod = JSON.parse(
      (await kubectl(['get', 'pod', 'counter-1-0', ...inNamespace(), '-o', 'json'])).join(''),
    ) as Pod;
    const [container] = pod.spec.containers;
    assert.deepEqual(container?.resources, {
      requests: { cpu: '30m', memory: '96Mi', 'ephemeral-storage': '1Mi' },
      limits: { cpu: '2', memory: '384Mi', 'ephemeral-storage': '64Mi' },
    });
    assert.equal(container.image, own().image);
    assert.deepEqual(
      container.ports.map(({ containerPort }) => containerPort),
      [9_000, 29_000],
    );
    assert.ok(container.volumeMounts.some(({ mountPath }) => mountPath === '/var/lib/own'));
    const size = 'jsonpath={.spec.resources.requests.storage}';
    assert.deepEqual(await kubectl(['get', 'pvc', 'data-counter-1-0', ...inNamespace(), '-o', size]), ['2Gi']);
  });

  it('gives every pod what all have, and that worker its own besides', async () => {
    await checkPods(deployed, ownImage());
  });

  it('keeps its tokens from readers of the stack', async () => {
    const state = await deployed.state();
    for (const token of Object.values(TOKENS)) assert.ok(!state.includes(token));
  });

  it('fails a deployment that a dead worker cannot leave, with the reason and the switch', async () => {
    await kubectl(['scale', 'statefulset', 'counter-1', '--replicas=0', ...inNamespace()]);
    await kubectl([
      'delete',
      'pod',
      'counter-1-0',
      '--force',
      '--grace-period=0',
      '--ignore-not-found',
      ...inNamespace(),
    ]);
    await declare([{ id: 0 }, { id: STORE, type: 'store' }]);
    const failure = await failureOf(deployed.up());
    assert.match(
      failure,
      /worker 1 \(counter\) is no longer declared, and it is away.*force it out with dpr:forceRemove \[1\]/s,
    );
    assert.ok(
      (await kubectl(['get', 'statefulset', ...inNamespace(), '-o', 'name'])).includes('statefulset.apps/counter-1'),
    );
    assert.equal(await session.counter(0).get(), 300n);
  });

  it('lets it go where that is asked for', async () => {
    await declare([{ id: 0 }, { id: STORE, type: 'store' }], { 'dpr:forceRemove': [1] });
    await deployed.up();
    assert.deepEqual(await kubectl(['get', 'statefulset', ...inNamespace(), '-o', 'name']), [
      'statefulset.apps/counter-0',
      'statefulset.apps/dpr-finder',
      `statefulset.apps/store-${STORE}`,
    ]);
    const fresh = cluster?.session();
    assert.equal(await fresh?.counter(0).add(1), 301n);
  });

  it('leaves nothing behind where volumes are not kept', async () => {
    await cluster?.close();
    await deployed.destroy();
    await kubectl(['wait', '--for=delete', 'pvc', '--all', '--timeout=60s', ...inNamespace()]);
    const kinds = 'all,pvc,networkpolicy,poddisruptionbudget,role,rolebinding,secret';
    assert.deepEqual(await kubectl(['get', kinds, ...inNamespace(), '-o', 'name']), [
      `secret/${TLS_SECRET}`,
      `secret/${SOURCE}`,
    ]);
  });

  function inNamespace(): string[] {
    return ['-n', deployed.namespace];
  }

  /** A client that trusts the present certificate alone. */
  function connected(): Promise<Cluster> {
    return connect({
      cluster: `wss://${node}:${deployed.basePort}`,
      ca: certificate.certificate,
      token: TOKENS['dpr:clientToken'],
      log: ({ event, message }) => {
        if (event === 'disconnected') broken.push(message);
      },
    });
  }

  /** Which certificate new connections are shown, as soon as it is the same for all. */
  async function shown(): Promise<string | undefined> {
    const late = performance.now() + RENEWAL_LIMIT_MS;
    let last: string | undefined;
    for (let same = 0; same < IN_A_ROW; same++) {
      assert.ok(performance.now() < late, 'new connections are shown now this certificate and now that');
      const now = await shownAt(node, deployed.basePort);
      if (now !== last) same = 0;
      last = now;
    }
    return last;
  }

  /** Waits until the last that each pod of the ingress says is this of this certificate. */
  async function everyPodSays(event: string, { name }: Certificate): Promise<Verdict[]> {
    const late = performance.now() + RENEWAL_LIMIT_MS;
    for (;;) {
      // A pod that changes is looked after by its kubelet at once, and so are its Secrets.
      await kubectl(['annotate', 'pods', ...INGRESS_PODS, ...inNamespace(), '--overwrite', `looked-at=${Date.now()}`]);
      const words = ['logs', ...INGRESS_PODS, ...inNamespace(), '--container', 'feeder', '--tail', '1'];
      const said = (await kubectl(words)).map((line) => JSON.parse(line) as Verdict);
      const agreed = said.filter((verdict) => verdict.event === event && verdict.version.endsWith(`.${name}`));
      if (agreed.length === REPLICAS) return said;
      assert.ok(performance.now() < late, `${event} of ${name} was not said, but ${JSON.stringify(said)}`);
      await pause(POLL_MS);
    }
  }

  /** Which pods the ingress has, and how often each of their containers was started anew. */
  async function ingressPods(): Promise<object[]> {
    const text = await kubectl(['get', 'pods', ...INGRESS_PODS, ...inNamespace(), '-o', 'json']);
    const { items } = JSON.parse(text.join('')) as { items: IngressPod[] };
    return items.map(({ metadata, status }) => ({
      uid: metadata.uid,
      restarts: [...status.initContainerStatuses, ...status.containerStatuses].map(
        (container) => container.restartCount,
      ),
    }));
  }
});

type Pod = {
  readonly spec: {
    readonly containers: readonly {
      readonly image: string;
      readonly resources: object;
      readonly ports: readonly { readonly containerPort: number }[];
      readonly volumeMounts: readonly { readonly mountPath: string }[];
    }[];
  };
};

/** A line of the ingress's log. */
type Verdict = { readonly event: string; readonly version: string; readonly reason: string };

type IngressPod = {
  readonly metadata: { readonly uid: string };
  readonly status: Record<'initContainerStatuses' | 'containerStatuses', readonly { readonly restartCount: number }[]>;
};
