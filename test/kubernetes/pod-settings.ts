/** Settings of pods for each role, and what the API server holds of them. */
import assert from 'node:assert/strict';
import type { Deployments } from './deployments.ts';
import { kubectl } from './deployments.ts';

/** A Secret and a ConfigMap that variables come from. */
export const SOURCE = 'pod-settings';
const FROM_SECRET = 'a-word-of-a-secret';
const FROM_MAP = 'a-word-of-a-map';

/** Run in a worker's container: prints the variables that its process, and no other, was started with. */
const TELL_VARIABLES = `
  const { readdirSync, readFileSync } = require('node:fs');
  for (const id of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)) {
    const variables = readFileSync('/proc/' + id + '/environ', 'utf8').split('\\0');
    if (!variables.some((one) => one.startsWith('DPR_WORKER_ID='))) continue;
    for (const one of variables) if (one.startsWith('FROM_')) console.log(one);
  }`;

/** What all pods have. */
export const ANY_POD = {
  labels: { team: 'orders' },
  annotations: { 'sidecar.istio.io/inject': 'false' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
  schedulerName: 'default-scheduler',
  hostAliases: [{ ip: '192.0.2.7', hostnames: ['db.example.com'] }],
  dnsConfig: { options: [{ name: 'ndots', value: '3' }] },
  imagePullSecrets: [{ name: 'registry' }],
  serviceAccount: { annotations: { 'example.com/identity': 'orders' } },
  terminationGracePeriodSeconds: 40,
  volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '1Mi' } }],
  volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
  env: [
    { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: SOURCE, key: 'word' } } },
    { name: 'FROM_MAP', valueFrom: { configMapKeyRef: { name: SOURCE, key: 'word' } } },
  ],
};

/** What one worker has of its own, by a sidecar of an image that there is. */
export const workerPod = (image: string) => ({
  priorityClassName: 'system-node-critical',
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] }],
      },
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 2,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { team: 'orders' } },
    },
  ],
  terminationGracePeriodSeconds: 60,
  serviceAccount: { annotations: { 'example.com/identity': 'its-own' } },
  sidecars: [sleeper('exporter', image)],
  initContainers: [{ ...sleeper('shipper', image), restartPolicy: 'Always' }],
});

function sleeper(name: string, image: string) {
  const resources = { requests: { memory: '32Mi' }, limits: { memory: '128Mi' } };
  return { name, image, command: ['node', '-e', 'setInterval(() => undefined, 1000)'], resources };
}

/** Makes what the settings name. */
export async function prepare({ namespace }: Deployments): Promise<void> {
  const inNamespace = ['--namespace', namespace];
  await kubectl(['create', 'secret', 'generic', SOURCE, `--from-literal=word=${FROM_SECRET}`, ...inNamespace]);
  await kubectl(['create', 'configmap', SOURCE, `--from-literal=word=${FROM_MAP}`, ...inNamespace]);
}

/** The pod of each role, with the name of its account and its main container. */
export const ROLES = [
  { role: 'finder', account: 'dpr-finder', container: 'finder' },
  { role: 'worker', account: 'dpr-worker', container: 'worker' },
  { role: 'ingress', account: 'dpr-ingress', container: 'nginx' },
  { role: 'console', account: 'dpr-console', container: 'console' },
  { role: 'membership', account: 'dpr-membership', container: 'membership' },
];

/** Compares every pod of the cluster with what all have, and the one of worker 1 with its own. */
export async function checkPods(deployed: Deployments, image: string): Promise<void> {
  const pods = await podsOf(deployed);
  for (const { role, account, container } of ROLES) {
    const found = pods.filter(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === role);
    assert.ok(found.length > 0, role);
    for (const pod of found.filter(({ metadata }) => metadata.name !== 'counter-1-0')) {
      assert.equal(pod.spec.terminationGracePeriodSeconds, ANY_POD.terminationGracePeriodSeconds);
      assert.equal(pod.spec.serviceAccountName, account);
      checkCommon(pod, container);
    }
  }
  const own = pods.find(({ metadata }) => metadata.name === 'counter-1-0');
  assert.ok(own);
  checkCommon(own, 'worker');
  checkOwn(own, image);
  const where = ['--namespace', deployed.namespace];
  for (const account of [...ROLES.map((one) => one.account), 'counter-1']) {
    const [text = ''] = await kubectl([
      'get',
      'serviceaccount',
      account,
      ...where,
      '-o',
      'jsonpath={.metadata.annotations}',
    ]);
    assert.match(text, account === 'counter-1' ? /its-own/ : /orders/);
  }
  const words = ['exec', 'counter-1-0', '--container', 'worker', ...where, '--', 'node', '-e', TELL_VARIABLES];
  assert.deepEqual((await kubectl(words)).sort(), [`FROM_MAP=${FROM_MAP}`, `FROM_SECRET=${FROM_SECRET}`]);
}

function checkCommon({ metadata, spec }: Pod, main: string): void {
  assert.equal(metadata.labels.team, 'orders');
  assert.equal(metadata.annotations['sidecar.istio.io/inject'], 'false');
  for (const name of ['nodeSelector', 'schedulerName', 'hostAliases', 'dnsConfig', 'imagePullSecrets'] as const) {
    assert.deepEqual(spec[name], ANY_POD[name], name);
  }
  assert.deepEqual(spec.tolerations.slice(0, 1), ANY_POD.tolerations); // Kubernetes adds its own
  assert.equal(spec.automountServiceAccountToken, false);
  assert.ok(
    spec.volumes.some(
      (volume) => JSON.stringify(volume) === JSON.stringify({ emptyDir: { sizeLimit: '1Mi' }, name: 'scratch' }),
    ),
  );
  const container = spec.containers.find(({ name }) => name === main);
  assert.deepEqual(container?.env.slice(-ANY_POD.env.length), ANY_POD.env);
  assert.deepEqual(
    container.volumeMounts.filter(({ name }) => name === 'scratch'),
    ANY_POD.volumeMounts,
  );
}

function checkOwn({ spec, status }: Pod, image: string): void {
  const own = workerPod(image);
  assert.deepEqual(spec.affinity, own.affinity);
  assert.equal(spec.priorityClassName, own.priorityClassName);
  assert.equal(spec.terminationGracePeriodSeconds, own.terminationGracePeriodSeconds);
  assert.equal(spec.serviceAccountName, 'counter-1');
  const [host, zone] = spec.topologySpreadConstraints;
  assert.deepEqual(host, own.topologySpreadConstraints[0]);
  assert.deepEqual(zone, {
    maxSkew: 1,
    topologyKey: 'topology.kubernetes.io/zone',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: {
      matchLabels: { 'app.kubernetes.io/component': 'worker', 'app.kubernetes.io/part-of': 'dpr-cluster' },
    },
  });
  const running = [...status.containerStatuses, ...status.initContainerStatuses].filter(({ state }) => state.running);
  assert.deepEqual(running.map(({ name }) => name).sort(), ['exporter', 'shipper', 'worker']);
  const sidecar = spec.containers.find(({ name }) => name === 'exporter');
  assert.deepEqual(sidecar?.securityContext, {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
  });
}

async function podsOf({ namespace }: Deployments): Promise<readonly Pod[]> {
  const text = await kubectl(['get', 'pods', '--namespace', namespace, '-o', 'json']);
  return (JSON.parse(text.join('')) as { items: Pod[] }).items;
}

type Status = { readonly name: string; readonly state: { readonly running?: object } };
type Pod = {
  readonly metadata: { readonly name: string } & Record<'labels' | 'annotations', Readonly<Record<string, string>>>;
  readonly spec: Readonly<
    Record<'nodeSelector' | 'schedulerName' | 'hostAliases' | 'dnsConfig' | 'imagePullSecrets', unknown>
  > & {
    readonly affinity: object;
    readonly automountServiceAccountToken: boolean;
    readonly priorityClassName: string;
    readonly serviceAccountName: string;
    readonly terminationGracePeriodSeconds: number;
    readonly tolerations: readonly object[];
    readonly topologySpreadConstraints: readonly object[];
    readonly volumes: readonly object[];
    readonly containers: readonly {
      readonly name: string;
      readonly env: readonly object[];
      readonly securityContext: object;
      readonly volumeMounts: readonly { readonly name: string }[];
    }[];
  };
  readonly status: Readonly<Record<'containerStatuses' | 'initContainerStatuses', readonly Status[]>>;
};
