import assert from 'node:assert/strict';
import { parseConfig, type PodSettings } from '@dpr/infra/config';
import { mergePods, planKubernetes } from '@dpr/infra/plan';

const plan = (raw: object) => planKubernetes(parseConfig(raw, 'kubernetes'));
const SIDECAR = { name: 'exporter', image: 'exporter:1' };
const spread = (topologyKey: string, maxSkew: number) => ({
  maxSkew,
  topologyKey,
  whenUnsatisfiable: 'ScheduleAnyway' as const,
  labelSelector: {},
});

/** What a general layer, a specific one and both together say. */
const MERGES: { what: string; general: PodSettings; specific: PodSettings; both: PodSettings }[] = [
  {
    what: 'labels, annotations and selectors of nodes by key',
    general: { labels: { a: '1', b: '1' }, annotations: { a: '1' }, nodeSelector: { pool: 'x' } },
    specific: { labels: { b: '2' }, annotations: { c: '2' }, nodeSelector: { zone: 'y' } },
    both: { labels: { a: '1', b: '2' }, annotations: { a: '1', c: '2' }, nodeSelector: { pool: 'x', zone: 'y' } },
  },
  {
    what: 'affinity at every depth, but for its lists',
    general: { affinity: { nodeAffinity: { a: { b: [1], c: 1 } }, podAffinity: { d: 1 } } },
    specific: { affinity: { nodeAffinity: { a: { b: [2] } } } },
    both: { affinity: { nodeAffinity: { a: { b: [2], c: 1 } }, podAffinity: { d: 1 } } },
  },
  {
    what: 'tolerations by all but their seconds, others behind',
    general: { tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 30 }, { key: 'b' }] },
    specific: { tolerations: [{ key: 'c' }, { key: 'a', operator: 'Exists', tolerationSeconds: 60 }] },
    both: { tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 60 }, { key: 'b' }, { key: 'c' }] },
  },
  {
    what: 'constraints by topology and whether they are hard',
    general: { topologySpreadConstraints: [spread('host', 1), spread('zone', 1)] },
    specific: {
      topologySpreadConstraints: [spread('zone', 2), { ...spread('zone', 3), whenUnsatisfiable: 'DoNotSchedule' }],
    },
    both: {
      topologySpreadConstraints: [
        spread('host', 1),
        spread('zone', 2),
        { ...spread('zone', 3), whenUnsatisfiable: 'DoNotSchedule' },
      ],
    },
  },
  {
    what: 'single values by the more specific one',
    general: { priorityClassName: 'a', runtimeClassName: 'a', schedulerName: 'a', terminationGracePeriodSeconds: 40 },
    specific: { priorityClassName: 'b', runtimeClassName: 'b', schedulerName: 'b', terminationGracePeriodSeconds: 50 },
    both: { priorityClassName: 'b', runtimeClassName: 'b', schedulerName: 'b', terminationGracePeriodSeconds: 50 },
  },
  {
    what: 'variables by name, wholly',
    general: {
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '1' },
      ],
    },
    specific: { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
    both: {
      env: [
        { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'B', value: '1' },
      ],
    },
  },
  {
    what: 'volumes by name, and mounts by path',
    general: { volumes: [{ name: 'a', emptyDir: {} }], volumeMounts: [{ name: 'a', mountPath: '/a' }] },
    specific: {
      volumes: [
        { name: 'a', secret: {} },
        { name: 'b', emptyDir: {} },
      ],
      volumeMounts: [
        { name: 'b', mountPath: '/a' },
        { name: 'b', mountPath: '/b' },
      ],
    },
    both: {
      volumes: [
        { name: 'a', secret: {} },
        { name: 'b', emptyDir: {} },
      ],
      volumeMounts: [
        { name: 'b', mountPath: '/a' },
        { name: 'b', mountPath: '/b' },
      ],
    },
  },
  {
    what: 'containers by name, and what they have by its own rules',
    general: {
      sidecars: [{ ...SIDECAR, env: [{ name: 'A', value: '1' }], resources: { requests: { cpu: '1' } }, args: ['a'] }],
      initContainers: [SIDECAR],
    },
    specific: {
      sidecars: [
        {
          ...SIDECAR,
          image: 'exporter:2',
          env: [{ name: 'B', value: '2' }],
          resources: { limits: { cpu: '2' } },
          args: ['b'],
        },
        { ...SIDECAR, name: 'other' },
      ],
      initContainers: [{ ...SIDECAR, restartPolicy: 'Always', ports: [{ containerPort: 1 }] }],
    },
    both: {
      sidecars: [
        {
          name: 'exporter',
          image: 'exporter:2',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
          resources: { requests: { cpu: '1' }, limits: { cpu: '2' } },
          args: ['b'],
        },
        { ...SIDECAR, name: 'other' },
      ],
      initContainers: [{ ...SIDECAR, restartPolicy: 'Always', ports: [{ containerPort: 1 }] }],
    },
  },
  {
    what: 'aliases by address, Secrets by name, DNS by field',
    general: {
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['a'] }],
      imagePullSecrets: [{ name: 'a' }],
      dnsConfig: { searches: ['a'], nameservers: ['192.0.2.1'] },
    },
    specific: {
      hostAliases: [
        { ip: '192.0.2.1', hostnames: ['b'] },
        { ip: '192.0.2.2', hostnames: ['c'] },
      ],
      imagePullSecrets: [{ name: 'b' }, { name: 'a' }],
      dnsConfig: { searches: ['b'] },
    },
    both: {
      hostAliases: [
        { ip: '192.0.2.1', hostnames: ['b'] },
        { ip: '192.0.2.2', hostnames: ['c'] },
      ],
      imagePullSecrets: [{ name: 'a' }, { name: 'b' }],
      dnsConfig: { searches: ['b'], nameservers: ['192.0.2.1'] },
    },
  },
  {
    what: 'annotations of accounts to make by key',
    general: { serviceAccount: { annotations: { a: '1', b: '1' }, mountToken: true } },
    specific: { serviceAccount: { annotations: { b: '2' } } },
    both: { serviceAccount: { annotations: { a: '1', b: '2' }, mountToken: true } },
  },
  {
    what: 'an account that exists in place of one to make',
    general: { serviceAccount: { annotations: { a: '1' } } },
    specific: { serviceAccount: { name: 'b' } },
    both: { serviceAccount: { name: 'b' } },
  },
  {
    what: 'an account to make in place of one that exists, without its name',
    general: { serviceAccount: { name: 'b' } },
    specific: { serviceAccount: { annotations: { a: '1' } } },
    both: { serviceAccount: { annotations: { a: '1' } } },
  },
];

describe('settings of pods', () => {
  for (const { what, general, specific, both } of MERGES) {
    it(`merge ${what}`, () => {
      assert.deepEqual(mergePods([general, undefined, specific]), both);
      assert.deepEqual(mergePods([undefined, general]), general);
    });
  }

  it('reach every pod by its layers, the most specific of which wins', () => {
    const label = (value: string) => ({ pod: { labels: { layer: value, [value]: 'x' } } });
    const planned = plan({
      ...{ pod: label('all').pod, finder: label('finder'), ingress: label('ingress'), console: label('console') },
      ...{ jobs: label('jobs'), workerDefaults: label('workers') },
      workers: [{ id: 0 }, { id: 1, ...label('own') }],
      clientRun: { arguments: ['status'] },
    });
    const { finder, ingress, console, membership, clientRun, workers } = planned;
    const pods = [finder, ingress, console, membership, clientRun, ...workers].map((one) => one?.pod.labels ?? {});
    assert.deepEqual(
      pods.map((labels) => [labels.layer, ...Object.keys(labels).filter((name) => labels[name] === 'x')]),
      [
        ['finder', 'all', 'finder'],
        ['ingress', 'all', 'ingress'],
        ['console', 'all', 'console'],
        ['jobs', 'all', 'jobs'],
        ['jobs', 'all', 'jobs'],
        ['workers', 'all', 'workers'],
        ['own', 'all', 'workers', 'own'],
      ],
    );
  });

  it('make one account for all workers, and one for a worker whose entry asks for annotations', () => {
    const account = (of: string) => ({ pod: { serviceAccount: { annotations: { of } } } });
    const { workers, serviceAccounts } = plan({
      workerDefaults: account('all'),
      workers: [
        { id: 0 },
        { id: 1 },
        { id: 2, ...account('own') },
        { id: 3, pod: { serviceAccount: { name: 'there' } } },
      ],
    });
    assert.deepEqual(
      workers.map(({ pod }) => pod.account?.name),
      ['dpr-worker', 'dpr-worker', 'counter-2', 'there'],
    );
    assert.deepEqual(
      serviceAccounts.map(({ name, annotations }) => [name, annotations.of]),
      [
        ['dpr-worker', 'all'],
        ['counter-2', 'own'],
      ],
    );
    assert.deepEqual(plan({ workers: [{ id: 0 }] }).serviceAccounts, []);
  });

  it('let Jobs end, by sidecars that Kubernetes ends with them', () => {
    const { membership, finder } = plan({ workers: [], pod: { sidecars: [SIDECAR] } });
    assert.equal(membership.pod.sidecars, undefined);
    assert.deepEqual(membership.pod.initContainers, [{ ...SIDECAR, restartPolicy: 'Always' }]);
    assert.deepEqual(finder.pod.sidecars, [SIDECAR]);
  });

  it('are a part of what Jobs are named by, where there are any', () => {
    const name = (raw: object) => plan({ workers: [], ...raw }).membership.name;
    assert.equal(name({}), name({ finder: { pod: { labels: { a: 'b' } } } }));
    assert.notEqual(name({}), name({ jobs: { pod: { labels: { a: 'b' } } } }));
  });

  it('leave it to the ingress and to workers how they are spread, unless they say so for the same topology', () => {
    const own = spread('kubernetes.io/hostname', 3);
    const settings = { spreadWorkers: true, pod: { topologySpreadConstraints: [own] } };
    const { workers, ingress, finder } = plan({ workers: [{ id: 0 }], ...settings });
    const skews = (pod?: { topologySpreadConstraints?: { maxSkew: number }[] | undefined }) =>
      pod?.topologySpreadConstraints?.map(({ maxSkew }) => maxSkew);
    assert.deepEqual([skews(workers[0]?.pod), skews(ingress.pod), skews(finder.pod)], [[3, 1], [3], [3]]);
  });

  it('take the least and the most seconds that pods may have to end', () => {
    const seconds = (least: number) => ({ pod: { terminationGracePeriodSeconds: least } });
    const { finder, ingress, membership, workers } = plan({
      ...{ finder: seconds(15), ingress: seconds(33), jobs: seconds(1) },
      workers: [{ id: 0, ...seconds(3_600) }, { id: 1 }],
    });
    assert.deepEqual(
      [finder, ingress, membership, ...workers].map(({ pod }) => pod.terminationGracePeriodSeconds),
      [15, 33, 1, 3_600, 15],
    );
  });

  it('come with resources that nodes have besides, of which an entry may want none', () => {
    const { workers } = plan({
      workerDefaults: { ephemeralStorage: { request: '1Gi' }, extended: { 'nvidia.com/gpu': 1 } },
      workers: [{ id: 0 }, { id: 1, ephemeralStorage: { limit: '2Gi' }, extended: { 'nvidia.com/gpu': 0 } }],
    });
    const some = workers.map(({ resources: { ephemeralStorage, extended } }) => ({ ephemeralStorage, extended }));
    assert.deepEqual(some, [
      { ephemeralStorage: { request: '1Gi' }, extended: { 'nvidia.com/gpu': 1 } },
      { ephemeralStorage: { request: '1Gi', limit: '2Gi' }, extended: undefined },
    ]);
  });
});
