/** Bad settings of pods, and what is said of each: part of the table of bad configurations. */
import { OWNED_FIELDS } from '../../infra/config/schema/owned-fields.ts';

const OWN_VARIABLE =
  'it must be a name of your own: the program sets those that begin with DPR_, and GLIBC_TUNABLES, NODE_NO_WARNINGS, NODE_TLS_REJECT_UNAUTHORIZED';
const OWN_VOLUME = 'it must be a name of your own: the program has account, data, run, tls';
const OWN_LABEL = 'it must stand at a name of your own: the program selects pods by this label, or lets them in by it';
const ONE = { workers: [{ id: 0 }] };
const SIDECAR = { name: 'exporter', image: 'exporter:1' };

/** Fields of the program by where they would stand. */
const OWNED = Object.entries(OWNED_FIELDS).flatMap(([below, fields]) =>
  Object.entries(fields).map(([field, reason]) => {
    const [at, pod] = placed(below, field);
    return {
      what: `${field} in ${below}, which the program owns`,
      raw: { ...ONE, pod },
      says: [`${at}.${field} is the program's own: ${reason}`],
    };
  }),
);

export const POD_MISTAKES: { what: string; target?: 'kubernetes'; raw: object; says: string[] }[] = [
  ...OWNED,
  {
    what: 'containers and replicas of a pod, with the reasons',
    raw: { ...ONE, finder: { pod: { containers: [], replicas: 2 } } },
    says: [
      "dpr:finder.pod.containers is the program's own: it runs one process in each pod; containers beside it stand under sidecars or initContainers",
      "dpr:finder.pod.replicas is the program's own: the Finder and each worker run once; the ingress has a key of its own, dpr:ingress.replicas",
    ],
  },
  {
    what: 'mistyped keys of pods, wherever these stand',
    raw: {
      workers: [{ id: 0, pod: { tolerations: [{ keys: 'a' }] } }],
      pod: { nodeSelektor: {} },
      console: { pod: { afinity: {} } },
      jobs: { pod: { dnsConfig: { search: [] } } },
      ingress: { pod: { affinity: { nodeAfinity: {} } } },
    },
    says: [
      'dpr:workers[0].pod.tolerations[0].keys is not a key that exists: did you mean key?',
      'dpr:ingress.pod.affinity.nodeAfinity is not a key that exists: did you mean nodeAffinity?',
      'dpr:console.pod.afinity is not a key that exists: did you mean affinity?',
      'dpr:pod.nodeSelektor is not a key that exists: did you mean nodeSelector?',
      'dpr:jobs.pod.dnsConfig.search is not a key that exists: did you mean searches?',
    ],
  },
  {
    what: 'a console that is neither on nor off',
    raw: { ...ONE, console: 'yes' },
    says: ['dpr:console is "yes": it must be true, false, or { pod }'],
  },
  {
    what: 'variables of the program, and those without one value',
    raw: {
      ...ONE,
      pod: {
        env: [
          { name: 'DPR_PORT', value: '1' },
          { name: 'GLIBC_TUNABLES', value: 'x' },
          { name: 'A-B', value: 'x' },
          { name: 'A' },
          { name: 'B', valueFrom: {} },
        ],
      },
    },
    says: [
      `dpr:pod.env[0].name is "DPR_PORT": ${OWN_VARIABLE}`,
      `dpr:pod.env[1].name is "GLIBC_TUNABLES": ${OWN_VARIABLE}`,
      'dpr:pod.env[2].name is "A-B": it must be the name of a variable: letters, digits and underscores',
      'dpr:pod.env[3] is {"name":"A"}: it must have either value or valueFrom',
      'dpr:pod.env[4].valueFrom is {}: it must name one source: secretKeyRef, configMapKeyRef, fieldRef or resourceFieldRef',
    ],
  },
  {
    what: 'a variable twice in one list',
    raw: { ...ONE, finder: { pod: { env: ['x', 'y'].map((value) => ({ name: 'A', value })) } } },
    says: [
      'dpr:finder.pod.env is [{"name":"A","value":"x"},{"name":"A","value":"y"}]: it must list variables, such as [{ name: TZ, value: Europe/Berlin }], each name once',
    ],
  },
  {
    what: 'names and labels of the program',
    raw: {
      ...ONE,
      pod: {
        labels: { 'app.kubernetes.io/component': 'worker', 'dpr-cluster/operator': 'true' },
        volumes: [{ name: 'data', emptyDir: {} }],
        volumeMounts: [{ name: 'tls', mountPath: '/x' }],
        sidecars: [
          { ...SIDECAR, name: 'nginx' },
          { ...SIDECAR, ports: [{ name: 'control', containerPort: 1 }] },
        ],
      },
    },
    says: [
      `dpr:pod.labels.app.kubernetes.io/component is "worker": ${OWN_LABEL}`,
      `dpr:pod.labels.dpr-cluster/operator is "true": ${OWN_LABEL}`,
      `dpr:pod.volumes[0].name is "data": ${OWN_VOLUME}`,
      `dpr:pod.volumeMounts[0].name is "tls": ${OWN_VOLUME}`,
      'dpr:pod.sidecars[0].name is "nginx": it must be a name of your own: the program has client, console, feeder, finder, membership, nginx, worker',
      'dpr:pod.sidecars[1].ports[0].name is "control": it must be a name of your own: the program has admin, control, http, public, resp',
    ],
  },
  {
    what: 'less time than pods need to end, and more than a deployment waits',
    raw: {
      workers: [{ id: 0, pod: { terminationGracePeriodSeconds: 3_601 } }],
      pod: { terminationGracePeriodSeconds: 32 },
      finder: { pod: { terminationGracePeriodSeconds: 14 } },
      ingress: { pod: { terminationGracePeriodSeconds: 32 } },
      jobs: { pod: { terminationGracePeriodSeconds: 0 } },
    },
    says: (
      [
        ['workers[0]', 3_601, '15 to 3600: a process saves its work before it ends'],
        ['finder', 14, '15 to 3600: a process saves its work before it ends'],
        ['ingress', 32, '33 to 3600: the ingress lets connections drain before it ends'],
        ['', 32, '33 to 3600: the ingress lets connections drain before it ends'],
        ['jobs', 0, '1 to 3600: a program that gets no time cannot end'],
      ] as const
    ).map(
      ([at, seconds, rule]) =>
        `dpr:${at === '' ? '' : `${at}.`}pod.terminationGracePeriodSeconds is ${seconds}: it must be a whole number from ${rule}`,
    ),
  },
  {
    what: 'an account that exists and is to be made',
    raw: { ...ONE, pod: { serviceAccount: { name: 'a', annotations: {} } } },
    says: [
      'dpr:pod.serviceAccount is {"name":"a","annotations":{}}: it must have either name, of an account that exists, or annotations, of one to make',
    ],
  },
  {
    what: 'a volume without a source, and one of a kind that there is not',
    raw: { ...ONE, pod: { volumes: [{ name: 'x' }, { name: 'y', configmap: {} }] } },
    says: [
      'dpr:pod.volumes[0] is {"name":"x"}: it must have a name and one source, such as configMap, secret, emptyDir or persistentVolumeClaim',
      'dpr:pod.volumes[1].configmap is not a key that exists: did you mean configMap?',
    ],
  },
  {
    what: 'mounts of volumes that the pod does not have, or where the program has its own',
    target: 'kubernetes',
    raw: {
      workers: [{ id: 0, pod: { sidecars: [{ ...SIDECAR, volumeMounts: [{ name: 'y', mountPath: '/y' }] }] } }],
      pod: { volumes: [{ name: 'a', emptyDir: {} }] },
      finder: { pod: { volumeMounts: [{ name: 'a', mountPath: '/data/dpr' }] } },
      ingress: { pod: { volumeMounts: [{ name: 'a', mountPath: '/run' }] } },
      workerDefaults: { pod: { volumeMounts: [{ name: 'b', mountPath: '/b' }] } },
    },
    says: [
      'dpr:finder.pod.volumeMounts[0].mountPath is /data/dpr, and the program has its own volume at /data: choose another directory',
      'dpr:ingress.pod.volumeMounts[0].mountPath is /run, and the program has its own volume at /run/dpr: choose another directory',
      'dpr:workerDefaults.pod.volumeMounts[0].name is "b", and no volume of the pod has that name: add it to dpr:workerDefaults.pod.volumes',
      'dpr:workers[0].pod.sidecars[0].volumeMounts[0].name is "y", and no volume of the pod has that name: add it to dpr:workers[0].pod.volumes',
    ],
  },
  {
    what: 'two containers of one name',
    raw: { ...ONE, pod: { sidecars: [SIDECAR] }, finder: { pod: { initContainers: [SIDECAR] } } },
    says: [
      'dpr:finder.pod has "exporter" among sidecars and among initContainers: give each container of a pod its own name',
    ],
  },
  {
    what: 'extended resources without a domain, of Kubernetes itself, and by halves',
    raw: { ...ONE, finder: { extended: { gpu: 1, 'kubernetes.io/x': 1, 'nvidia.com/gpu': 0.5 } } },
    says: [
      'dpr:finder.extended.gpu is 1: it must stand at the name of an extended resource, such as nvidia.com/gpu',
      'dpr:finder.extended.kubernetes.io/x is 1: it must stand at the name of an extended resource, such as nvidia.com/gpu',
      'dpr:finder.extended.nvidia.com/gpu is 0.5: it must be a whole number from 0 to 1000000',
    ],
  },
  {
    what: 'less disk than is asked for',
    raw: { ...ONE, workerDefaults: { ephemeralStorage: { request: '2Gi', limit: '1Gi' } } },
    says: ['dpr:workerDefaults.ephemeralStorage has limit 1Gi, below request 2Gi: raise limit or lower request'],
  },
];

/** The key below which a field would stand, and settings that have it there. */
function placed(below: string, field: string): [at: string, pod: object] {
  const wrong = { [field]: {} };
  if (below === 'pod') return ['dpr:pod', wrong];
  if (below === 'sidecars') return ['dpr:pod.sidecars[0]', { sidecars: [{ ...SIDECAR, ...wrong }] }];
  if (below === 'volumes') return ['dpr:pod.volumes[0]', { volumes: [{ name: 'x', ...wrong }] }];
  if (below === 'ports')
    return ['dpr:pod.sidecars[0].ports[0]', { sidecars: [{ ...SIDECAR, ports: [{ containerPort: 1, ...wrong }] }] }];
  return [`dpr:pod.sidecars[0].${below}`, { sidecars: [{ ...SIDECAR, [below]: wrong }] }];
}
