import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseConfig } from '@dpr/infra/config';
import { straysInFile } from '@dpr/infra/stack-file';
import type { Output } from '@pulumi/pulumi';
import type { StackOutputs } from '../../infra/deploy-stack.ts';
import { dashboardText } from '../../infra/monitoring/index.ts';
import { plain, type Registered, stackConfig, underMocks } from './mocks.ts';

const TOKENS = { 'dpr:controlToken': 'a-control-token-of-a-test', 'dpr:clientToken': 'a-client-token-of-a-test' };
/** The example stacks, and what their files leave to secrets. */
const STACKS = { dev: {}, aks: TOKENS, production: TOKENS, fleet: TOKENS };
const STACK_NAMES = Object.keys(STACKS) as (keyof typeof STACKS)[];
/** Of each pool of the fleet the first worker. */
const FIRST_OF_FLEET = ['0', '8', '9', '10'];
const GOLDEN = new URL('golden/', import.meta.url);
/** `npm run golden` sets it. */
const UPDATE = process.env.UPDATE_GOLDEN !== undefined;

/** A resource, or as much of it as a golden file has. */
type Dumped = Pick<Registered, 'type' | 'name'>;

async function deploy(config: Record<string, string>, last = {}) {
  const { deployStack } = await import('../../infra/deploy-stack.ts');
  return underMocks(config, deployStack, last);
}

type Deployment = Awaited<ReturnType<typeof deploy>>;
const deployments = new Map<keyof typeof STACKS, Promise<Deployment>>();

/** The first deployment of an example stack, which tests only look at. */
function deployed(stack: keyof typeof STACKS): Promise<Deployment> {
  const known = deployments.get(stack) ?? stackConfig(stack).then((config) => deploy({ ...config, ...STACKS[stack] }));
  deployments.set(stack, known);
  return known;
}

function dump(resources: readonly Dumped[]): string {
  const order = (a: Dumped, b: Dumped) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1);
  return `${JSON.stringify(plain([...resources].sort(order)), undefined, 2)}\n`;
}

/** What a fleet registers, but of its workers those that are the first of their pool, and of the others types and names. */
function shortened(resources: readonly Registered[]): Dumped[] {
  return resources.map((resource) => {
    const [, id] = /^dpr-counter-(\d+)/.exec(resource.name) ?? [];
    return id === undefined || FIRST_OF_FLEET.includes(id) ? resource : { type: resource.type, name: resource.name };
  });
}

/** With the golden file of this name. */
async function compare(name: string, resources: readonly Dumped[]): Promise<void> {
  const file = new URL(`${name}.json`, GOLDEN);
  const dumped = dump(resources);
  if (UPDATE) await mkdir(GOLDEN, { recursive: true }).then(() => writeFile(file, dumped));
  const golden = await readFile(file, 'utf8');
  assert.deepEqual(dumped.split('\n'), golden.split('\n'), `${name}: "npm run golden" writes what there is now`);
}

describe('the example stacks', () => {
  for (const stack of STACK_NAMES) {
    it(`${stack} registers exactly the resources of its golden file`, async () => {
      const { resources } = await deployed(stack);
      await compare(stack, stack === 'fleet' ? shortened(resources) : resources);
    });
  }

  it('get what monitoring needs where they ask for it, and nothing else by it', async () => {
    const { resources, reads } = await deployed('dev');
    const monitoring = { labels: { release: 'prometheus' }, runbooks: 'https://example.com/OPERATIONS.md' };
    const monitored = await deploy({ ...(await stackConfig('dev')), 'dpr:monitoring': JSON.stringify(monitoring) });
    const known = new Set(resources.map((resource) => JSON.stringify(resource)));
    const added = monitored.resources.filter((resource) => !known.has(JSON.stringify(resource)));
    assert.equal(added.length, monitored.resources.length - resources.length);
    const whole = JSON.stringify(added);
    const text = JSON.stringify(dashboardText()); // which has a file of its own
    assert.ok(whole.includes(text));
    await compare('monitoring', JSON.parse(whole.replace(text, '"dashboard.json"')) as Registered[]);
    const definitions = ['podmonitors.monitoring.coreos.com', 'prometheusrules.monitoring.coreos.com'];
    assert.deepEqual(
      monitored.reads.filter((id) => !reads.includes(id)),
      definitions,
    );
  });

  it('are reached by IPv6 alone where they say so', async () => {
    const { resources, result } = await deploy({ ...(await stackConfig('dev')), 'dpr:ipFamilies': '["IPv6"]' });
    await compare('ipv6', resources);
    assert.ok(!JSON.stringify(resources).includes('0.0.0.0'));
    assert.equal(await valueOf(result.finderUrl), 'ws://192.0.2.1:6379'); // as the Service tells
  });

  it('are known by a name, and have a certificate for it, where they ask for one', async () => {
    const { reads } = await deployed('dev');
    const ingress = { hostname: 'dpr.example.com', certificate: { issuer: 'letsencrypt' } };
    const named = await deploy({ ...(await stackConfig('dev')), 'dpr:ingress': JSON.stringify(ingress) });
    assert.equal(await valueOf(named.result.finderUrl), 'wss://dpr.example.com:6379');
    const certificate = named.resources.find(({ type }) => type.endsWith(':Certificate'));
    assert.deepEqual(certificate?.inputs.spec, {
      secretName: 'dpr-ingress-certificate',
      dnsNames: ['dpr.example.com'],
      issuerRef: { group: 'cert-manager.io', kind: 'ClusterIssuer', name: 'letsencrypt' },
      privateKey: { rotationPolicy: 'Always' },
    });
    assert.ok(JSON.stringify(named.resources).includes('"secretName":"dpr-ingress-certificate"}'));
    assert.deepEqual(
      named.reads.filter((id) => !reads.includes(id)),
      ['certificates.cert-manager.io'],
    );
  });

  it('have one address for many Services where a cloud takes few ports of each', async () => {
    const offered = async (...workers: number[]) => {
      const { resources, result } = await deploy({
        'dpr:workers': JSON.stringify(workers.map((id) => ({ id }))),
        'dpr:ipFamilies': '["IPv6", "IPv4"]',
        'dpr:ingress':
          '{"address":"2001:db8::7","internal":true,"sourceRanges":["2001:db8::/32"],"portsPerService":10}',
      });
      assert.equal(await valueOf(result.finderUrl), 'ws://[2001:db8::7]:6379');
      const services = resources.filter(({ inputs }) => JSON.stringify(inputs).includes('loadBalancerIP'));
      return new Map(services.map(({ name, inputs }) => [name, inputs]));
    };
    const all = await offered(0, 1, 5, 12);
    assert.deepEqual(
      [...all.keys()].sort(),
      [6370, 6380, 6390].map((first) => `dpr-ingress-${first}-service`),
    );
    assert.deepEqual(all.get('dpr-ingress-6390-service'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'dpr-ingress-6390',
        namespace: 'dpr',
        labels: (all.get('dpr-ingress-6370-service')?.metadata as { labels: object }).labels,
        annotations: {
          'metallb.io/allow-shared-ip': 'dpr-ingress',
          'service.beta.kubernetes.io/azure-load-balancer-internal': 'true',
          'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',
          'networking.gke.io/load-balancer-type': 'Internal',
          'service.beta.kubernetes.io/azure-load-balancer-ipv6': '2001:db8::7',
        },
      },
      spec: {
        type: 'LoadBalancer',
        ipFamilyPolicy: 'RequireDualStack',
        ipFamilies: ['IPv6', 'IPv4'],
        loadBalancerSourceRanges: ['2001:db8::/32'],
        loadBalancerIP: '2001:db8::7',
        selector: (all.get('dpr-ingress-6370-service')?.spec as { selector: object }).selector,
        ports: [{ name: 'worker-12', port: 6392, targetPort: 6392 }],
      },
    });
    const fewer = await offered(5, 12);
    assert.deepEqual(fewer.get('dpr-ingress-6390-service'), all.get('dpr-ingress-6390-service'));
  });

  it('are the same with any file that the machine has for the address of its cluster', async () => {
    const before = process.env.KUBECONFIG;
    process.env.KUBECONFIG = '/somewhere/else';
    try {
      const { resources } = await deploy(await stackConfig('dev'));
      assert.ok(!JSON.stringify(resources).includes('/somewhere/else'));
      assert.equal(process.env.KUBECONFIG, '/somewhere/else');
    } finally {
      if (before === undefined) delete process.env.KUBECONFIG;
      else process.env.KUBECONFIG = before;
    }
  });

  it("are followed by a program of one's own that embeds a cluster", async () => {
    const { resources, result } = await underMocks(
      { 'dpr-cluster:controlToken': TOKENS['dpr:controlToken'] },
      () => import('../../infra/examples/embedded/index.ts'),
    );
    assert.equal(await valueOf(result.finderUrl), 'ws://192.0.2.1:6379');
    assert.equal(resources.filter(({ type }) => type === 'dpr:index:Worker').length, 2);
  });

  it('keep their tokens secret: in a Secret, marked as such, and nowhere else', async () => {
    const { resources } = await deploy({ ...(await stackConfig('dev')), ...TOKENS });
    const holders = resources.filter((resource) => JSON.stringify(resource).includes('token-of-a-test'));
    assert.deepEqual(
      holders.map(({ type, inputs }) => ({ type, stringData: inputs.stringData })),
      [
        {
          type: 'kubernetes:core/v1:Secret',
          stringData: {
            secret: { DPR_CONTROL_TOKEN: TOKENS['dpr:controlToken'], DPR_CLIENT_TOKEN: TOKENS['dpr:clientToken'] },
          },
        },
      ],
    );
  });

  it('run the membership Job after everything that the cluster is made of', async () => {
    const { resources } = await deployed('dev');
    const job = resources.find(({ type }) => type === 'kubernetes:batch/v1:Job');
    const others = resources.filter(({ type, parent }) => type.startsWith('kubernetes:') && parent !== 'dpr');
    assert.deepEqual(
      others.map(({ name }) => name).filter((name) => name !== job?.name && !job?.dependsOn.includes(name)),
      [],
    );
  });

  it('tell clients where to go, by every kind of Service', async () => {
    const workers = '[{"id":0},{"id":3,"port":30200}]';
    const told = async (ingress: object) => {
      const config = { 'dpr:workers': workers, 'dpr:basePort': '30100', 'dpr:ingress': JSON.stringify(ingress) };
      const { result } = await deploy(config);
      return Promise.all([valueOf(result.finderUrl), valueOf(result.endpoints)]);
    };
    assert.deepEqual(await told({}), [
      'ws://192.0.2.1:30100',
      [
        { id: 0, type: 'counter', url: 'ws://192.0.2.1:30101' },
        { id: 3, type: 'counter', url: 'ws://192.0.2.1:30200' },
      ],
    ]);
    assert.equal((await told({ serviceType: 'NodePort' }))[0], 'ws://<node>:30100');
    const inside = await told({ serviceType: 'ClusterIP', tlsSecretName: 'cert' });
    assert.equal(inside[0], 'wss://dpr-ingress.dpr.svc:30100');
  });

  it('have nodes let the addresses of clients through only where NGINX is to see them, and the Service has such nodes', async () => {
    const policyOf = async (ingress: object) => {
      const ports = { 'dpr:workers': '[{"id":0}]', 'dpr:basePort': '30100' };
      const { resources } = await deploy({ ...ports, 'dpr:ingress': JSON.stringify(ingress) });
      const service = resources.find(({ name }) => name.endsWith('ingress-service'));
      assert.ok(service);
      return (service.inputs.spec as Record<string, unknown>).externalTrafficPolicy;
    };
    assert.equal(await policyOf({}), undefined);
    assert.equal(await policyOf({ clientAddresses: 'proxied' }), 'Local');
    assert.equal(await policyOf({ clientAddresses: 'proxied', serviceType: 'NodePort' }), 'Local');
    assert.equal(await policyOf({ clientAddresses: 'proxied', serviceType: 'ClusterIP' }), undefined);
  });

  it('let a node be drained of pods that do not serve anyway', async () => {
    const { resources } = await deployed('dev');
    const budgets = resources.filter(({ type }) => type.endsWith(':PodDisruptionBudget'));
    const policies = budgets.map(({ inputs }) => (inputs.spec as Record<string, unknown>).unhealthyPodEvictionPolicy);
    assert.deepEqual(policies, ['AlwaysAllow', 'AlwaysAllow']);
  });

  it('let the ingress read its own ConfigMap, and nothing more', async () => {
    const { resources } = await deployed('dev');
    const roles = resources.filter(({ type }) => type.endsWith(':Role'));
    // It asks for one by name, and watches that one.
    const own = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['dpr-ingress'], verbs: ['get', 'watch'] };
    assert.deepEqual(
      roles.map(({ inputs }) => inputs.rules),
      [[own]],
    );
  });

  it('hand the key to the API of Kubernetes to the program that reads the ConfigMap, and to no other container', async () => {
    const { resources } = await deployed('production');
    const pods = resources.flatMap(({ inputs }) => (inputs.spec as PodOwner | undefined)?.template?.spec ?? []);
    assert.ok(pods.length > 3);
    const holders = pods.flatMap(({ automountServiceAccountToken, volumes = [], initContainers = [], containers }) => {
      assert.equal(automountServiceAccountToken, false);
      const keys = volumes.filter((volume) => JSON.stringify(volume).includes('serviceAccountToken'));
      const holds = ({ name }: VolumeMount) => keys.some((key) => key.name === name);
      return [...initContainers, ...containers].filter(({ volumeMounts = [] }) => volumeMounts.some(holds));
    });
    assert.deepEqual(
      holders.map(({ name }) => name),
      ['feeder'],
    );
  });

  it('have no name in a pod that settings of pods could take', async () => {
    const settings = { 'dpr:console': 'true', 'dpr:clientRun': '{"arguments":["status"]}', 'dpr:respBasePort': '9000' };
    const { resources } = await deploy({ ...(await stackConfig('production')), ...TOKENS, ...settings });
    const store = await deployed('dev');
    const pods = [...resources, ...store.resources].flatMap(
      ({ inputs }) => (inputs.spec as PodOwner | undefined)?.template ?? [],
    );
    const containers = pods.flatMap(({ spec: { initContainers = [], containers } }) => [
      ...initContainers,
      ...containers,
    ]);
    const image = 'exporter:1';
    const taken: { names: (string | undefined)[]; pod: (name: string) => object }[] = [
      {
        names: containers.flatMap(({ env = [] }) => env.map(({ name }) => name)),
        pod: (name) => ({ env: [{ name, value: 'x' }] }),
      },
      {
        names: containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)),
        pod: (name) => ({ volumes: [{ name, emptyDir: {} }] }),
      },
      { names: containers.map(({ name }) => name), pod: (name) => ({ sidecars: [{ name, image }] }) },
      {
        names: containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)),
        pod: (name) => ({ sidecars: [{ name: 'x', image, ports: [{ name, containerPort: 1 }] }] }),
      },
      {
        names: pods.flatMap(({ metadata }) => Object.keys(metadata.labels)),
        pod: (name) => ({ labels: { [name]: 'x' } }),
      },
    ];
    for (const { names, pod } of taken) {
      assert.ok(names.length > 0);
      for (const name of new Set(names)) {
        const attempt = () => parseConfig({ workers: [], pod: pod(name ?? '') }, 'kubernetes');
        assert.throws(attempt, /a name of your own/, name);
      }
    }
  });

  it('refuse to make a StatefulSet anew, by what the stack told last time', async () => {
    const volumes = { 'counter-0': { size: '5Gi', storageClass: null, keep: true } };
    await assert.rejects(deploy(await stackConfig('dev'), { volumes }), {
      message:
        /^the configuration cannot be used:\ndpr:workers change the storage from 5Gi to 10Gi of worker 0, and Kubernetes does not change that/,
    });
  });

  it('may be deployed again, with the volumes that they told of last time, and change nothing by it', async () => {
    for (const stack of STACK_NAMES) {
      const { resources, result } = await deployed(stack);
      const again = await deploy({ ...(await stackConfig(stack)), ...STACKS[stack] }, await lastOf(result));
      assert.equal(dump(again.resources), dump(resources));
    }
  });

  it('restart no pod of a stack from before workers were spread, which begins with it when it is told to', async () => {
    const config = await stackConfig('dev');
    const { resources, result } = await deployed('dev');
    const { defaults, ...former } = await lastOf(result);
    assert.equal(defaults, 2);
    const before = await deploy(config, former);
    assert.equal(before.result.defaults, 1);
    assert.equal(dump(before.resources), dump(resources.map(withoutSpread)));
    assert.notEqual(dump(before.resources), dump(resources));
    const opted = await deploy({ ...config, 'dpr:spreadWorkers': 'true' }, former);
    assert.equal(dump(opted.resources), dump(resources));
    const off = await deploy({ ...config, 'dpr:spreadWorkers': 'false' });
    assert.equal(dump(off.resources), dump(before.resources));
  });

  it('deploy a size of a volume as it was written first, though it is written otherwise now', async () => {
    const written = (first: string, second: string) => ({
      'dpr:workers': JSON.stringify([{ id: 0, storage: first }, { id: 1 }]),
      'dpr:workerDefaults': JSON.stringify({ storage: second }),
      'dpr:finder': JSON.stringify({ storage: first }),
    });
    const { resources, result } = await deploy(written('10240Mi', '2Gi'));
    const again = await deploy(written('10Gi', '2048Mi'), await lastOf(result));
    assert.equal(dump(again.resources), dump(resources));
    assert.deepEqual(await valueOf(again.result.volumes), await valueOf(result.volumes));
  });

  it('refuse another namespace than last time, by its name and by its identity', async () => {
    const config = await stackConfig('dev');
    const last = await lastOf((await deployed('dev')).result);
    await assert.rejects(
      deploy({ ...config, 'dpr:namespace': 'other' }, last),
      /change the namespace from dpr to other/,
    );
    const elsewhere = { ...last, place: { ...last.place, uid: 'another' } };
    await assert.rejects(deploy(config, elsewhere), /is another namespace \(a-uid-of-a-test, not another\)/);
    const given = { ...config, 'dpr:createNamespace': 'false' };
    await assert.rejects(deploy(given, elsewhere), /is another namespace/);
    await deploy(given, last);
    await deploy({ ...config, 'dpr:replace': '["all"]' }, elsewhere);
    await deploy(config, { volumes: last.volumes });
    await deploy({ ...config, 'dpr:namespace': 'other' }, { ...last, place: { ...last.place, uid: undefined } });
    assert.equal((await valueOf((await deploy(given)).result.place)).uid, 'a-uid-of-a-test');
  });

  it('refuse to let go of a namespace that would be deleted', async () => {
    const config = { ...(await stackConfig('dev')), 'dpr:keepVolumes': 'false' };
    const last = await lastOf((await deploy(config)).result);
    await assert.rejects(deploy({ ...config, 'dpr:createNamespace': 'false' }, last), /would delete the namespace dpr/);
  });

  it('refuse keys of ours that nothing would read, in the configuration and beside it', async () => {
    const stray = { 'dpr:workers': '[]', 'dpr-cluster:finder': '{}', 'kubernetes:namespace': 'x' };
    await assert.rejects(deploy(stray), /\nfinder is not read, for lack of the prefix "dpr:": write dpr:finder$/);
    const directory = await mkdtemp(path.join(tmpdir(), 'dpr-'));
    const file = path.join(directory, 'Pulumi.x.yaml');
    assert.deepEqual(await straysInFile(file), []);
    await writeFile(file, 'dpr:finder: { <<: *none }\nconfig:\n  dpr:workers: []\n');
    assert.deepEqual(
      (await straysInFile(file)).map(({ key }) => key),
      ['Pulumi.x.yaml: dpr:finder'],
    );
    await rm(directory, { recursive: true });
  });

  it('refuse a configuration that cannot be used, by every mistake in it', async () => {
    const config = { 'dpr:basePort': '0', 'dpr:namespace': 'X', 'dpr:workers': '[{"id":0},{"id":0}]' };
    await assert.rejects(deploy(config), (error: Error) => {
      assert.deepEqual(
        error.message.split('\n').map((line) => line.split(' ')[0]),
        ['the', 'dpr:namespace', 'dpr:basePort', 'dpr:workers[1].id'],
      );
      return true;
    });
  });
});

type VolumeMount = { readonly name: string };
type Named = { readonly name: string };
type Container = Named & {
  readonly env?: readonly Named[];
  readonly ports?: readonly Named[];
  readonly volumeMounts?: readonly VolumeMount[];
};
type PodOwner = {
  readonly template?: {
    readonly metadata: { readonly labels: object };
    readonly spec: {
      readonly automountServiceAccountToken: boolean;
      readonly volumes?: readonly { readonly name: string }[];
      readonly initContainers?: readonly Container[];
      readonly containers: readonly Container[];
    };
  };
};

/** A worker's StatefulSet as it was before workers were spread; any other resource as it is. */
function withoutSpread(resource: Registered): Registered {
  if (!resource.type.endsWith(':StatefulSet')) return resource;
  const copy = structuredClone(resource);
  const { template } = copy.inputs.spec as { template: { spec: Record<string, unknown> } };
  delete template.spec.topologySpreadConstraints;
  return copy;
}

/** What it tells the next deployment. */
async function lastOf({ volumes, place, defaults }: StackOutputs) {
  return { volumes: await valueOf(volumes), place: await valueOf(place), defaults };
}

async function valueOf<Value>(output: Output<Value>): Promise<Value> {
  return (output as unknown as { promise(): Promise<Value> }).promise();
}
