import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type Cluster, type Session } from '@dpr/client';
import { command, deployments, failureOf, kubectl, stepwise, type Deployments } from './deployments.ts';

const TOKENS = {
  'dpr:controlToken': 'a-control-token-of-a-test',
  'dpr:clientToken': 'a-client-token-of-a-test',
};
const SMALL = { storage: '1Gi', cpu: { request: '20m' }, memory: { request: '64Mi' } };
const TLS_SECRET = 'a-certificate';
/** How long the membership Job waits; half of it for a worker that is away. */
const MEMBERSHIP_TIMEOUT_SECONDS = 30;

describe('a secured cluster at the ports of nodes', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;
  let node: string;
  let ca: string;
  let cluster: Cluster | undefined;
  let session: Session;

  before(async () => {
    deployed = await deployments({ nodePorts: true });
    const addresses = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
    node = (await kubectl(['get', 'nodes', '-o', `jsonpath=${addresses}`])).join();
    ca = await certify(node, deployed.namespace);
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
        'dpr:ingress': { serviceType: 'NodePort', tlsSecretName: TLS_SECRET, replicas: 2 },
        'dpr:keepVolumes': false,
        'dpr:membershipTimeoutSeconds': MEMBERSHIP_TIMEOUT_SECONDS,
        'dpr:workers': workers,
        ...more,
      },
      TOKENS,
    );
  /** A worker that has everything of its own. */
  const own = () => ({
    id: 1,
    port: deployed.basePort + 4,
    image: `${deployed.images.registry}/dpr-counter:${deployed.images.tag}`,
    mountPath: '/var/lib/own',
    listenPort: 9_000,
    storage: '2Gi',
    cpu: { request: '30m', limit: '2' },
    memory: { request: '96Mi', limit: '384Mi' },
    checkpointIntervalMs: 25,
  });

  it('serves those outside who trust its certificate and show the token', async () => {
    await declare([{ id: 0 }, own()]);
    await deployed.up();
    const address = (await deployed.output('finderUrl')).replace('<node>', node);
    assert.equal(address, `wss://${node}:${deployed.basePort}`);
    const limits = { cluster: address, connectTimeoutMs: 2_000 };
    assert.match(await failureOf(connect({ ...limits, ca })), /token/);
    assert.match(await failureOf(connect({ ...limits, token: TOKENS['dpr:clientToken'] })), /certificate/);
    cluster = await connect({ ...limits, ca, token: TOKENS['dpr:clientToken'] });
    session = cluster.session();
    assert.equal(await session.counter(0).add(300), 300n);
    assert.equal(await session.counter(1).add(70), 70n);
    await session.commit();
  });

  it('gives a worker whatever its entry asks for', async () => {
    const pod = JSON.parse(
      (await kubectl(['get', 'pod', 'counter-1-0', ...inNamespace(), '-o', 'json'])).join(''),
    ) as Pod;
    const [container] = pod.spec.containers;
    assert.deepEqual(container?.resources, {
      requests: { cpu: '30m', memory: '96Mi' },
      limits: { cpu: '2', memory: '384Mi' },
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

  it('keeps its tokens from whoever reads the stack', async () => {
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
    await declare([{ id: 0 }]);
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
    await declare([{ id: 0 }], { 'dpr:forceRemove': [1] });
    await deployed.up();
    assert.deepEqual(await kubectl(['get', 'statefulset', ...inNamespace(), '-o', 'name']), [
      'statefulset.apps/counter-0',
      'statefulset.apps/dpr-finder',
    ]);
    const fresh = cluster?.session();
    assert.equal(await fresh?.counter(0).add(1), 301n);
  });

  it('leaves nothing behind where volumes are not kept', async () => {
    await cluster?.close();
    await deployed.destroy();
    await kubectl(['wait', '--for=delete', 'pvc', '--all', '--timeout=60s', ...inNamespace()]);
    const kinds = 'all,pvc,networkpolicy,poddisruptionbudget,role,rolebinding,secret';
    assert.deepEqual(await kubectl(['get', kinds, ...inNamespace(), '-o', 'name']), [`secret/${TLS_SECRET}`]);
  });

  function inNamespace(): string[] {
    return ['-n', deployed.namespace];
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

/** Makes a certificate for an address, and a secret of it. @returns what clients have to trust */
async function certify(address: string, namespace: string): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'dpr-certificate-'));
  try {
    const [certificate, key] = [path.join(directory, 'tls.crt'), path.join(directory, 'tls.key')];
    const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    const subject = ['-subj', '/CN=dpr test', '-addext', `subjectAltName=IP:${address}`];
    await command('openssl', ['req', ...form, ...subject, '-keyout', key, '-out', certificate], {});
    const files = ['--cert', certificate, '--key', key];
    await kubectl(['create', 'secret', 'tls', TLS_SECRET, ...files, '-n', namespace]);
    return await readFile(certificate, 'utf8');
  } finally {
    await rm(directory, { recursive: true });
  }
}
