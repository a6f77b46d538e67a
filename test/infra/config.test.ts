import assert from 'node:assert/strict';
import { parseConfig } from '@dpr/infra/config';
import { INGRESS_MISTAKES } from './ingress-mistakes.ts';
import { itRefuses, type Mistake } from './mistakes.ts';
import { POD_MISTAKES } from './pod-mistakes.ts';

const NO_ORIGINS = [
  'https://app.example.com/',
  'https://a.example,https://b.example',
  '*',
  'https://a.example:443',
  'http://a.example:80',
];
const ONE = { workers: [{ id: 0 }] };
const LONG_TYPE = 'a'.repeat(51);
const CPU_RULE = 'it must be a Kubernetes quantity of at least 1m, such as "500m"';
const IMAGE_RULE = 'it must be a container image, such as "registry/name:tag": no https://, and names in lower case';
const REGISTRY_RULE =
  'it must be a registry, such as "registry.example.com/dpr": no https://, no slash at the end, and folders in lower case';

const MISTAKES: Mistake[] = [
  {
    what: 'no workers',
    raw: {},
    says: ['dpr:workers is missing: it must list the workers, such as [{ id: 0 }, { id: 1 }], or [] for none'],
  },
  {
    what: 'workers that are no list',
    raw: { workers: 2 },
    says: ['dpr:workers is 2: it must list the workers, such as [{ id: 0 }, { id: 1 }], or [] for none'],
  },
  {
    what: 'a mistyped key',
    raw: { ...ONE, baseport: 1 },
    says: ['dpr:baseport is not a key that exists: did you mean basePort?'],
  },
  {
    what: 'a mistyped key of a worker',
    raw: { workers: [{ id: 0, storge: '1Gi' }] },
    says: ['dpr:workers[0].storge is not a key that exists: did you mean storage?'],
  },
  {
    what: 'a key like no other',
    raw: { ...ONE, finder: { colour: 1 } },
    says: [
      'dpr:finder.colour is not a key that exists: choose from cpu, memory, ephemeralStorage, extended, storage, storageClass, mountPath, image, diskSku, pod',
    ],
  },
  {
    what: 'a worker without an id',
    raw: { workers: [{ type: 'counter' }] },
    says: ['dpr:workers[0].id is missing: it must be a whole number from 0 to 65535'],
  },
  {
    what: 'an id that is no id',
    raw: { workers: [{ id: -1 }] },
    says: ['dpr:workers[0].id is -1: it must be a whole number from 0 to 65535'],
  },
  {
    what: 'the same id twice',
    raw: { workers: [{ id: 3 }, { id: 4 }, { id: 3 }] },
    says: ['dpr:workers[2].id is 3, as in dpr:workers[0]: give every worker its own id'],
  },
  {
    what: 'a port of 0',
    raw: { ...ONE, basePort: 0 },
    says: ['dpr:basePort is 0: it must be a whole number from 1 to 65535'],
  },
  {
    what: 'a port as text',
    raw: { workers: [{ id: 0, port: '7000' }] },
    says: ['dpr:workers[0].port is "7000": it must be a whole number from 1 to 65535'],
  },
  {
    what: 'a base port without room for the control port',
    raw: { workers: [], basePort: 55_536 },
    says: [
      'dpr:basePort makes public port 55536, above 55535, the highest on one machine, since the control port is 10000 above: set a lower port',
    ],
  },
  {
    what: 'an id that leads past the last port',
    target: 'kubernetes',
    raw: { workers: [{ id: 65_000 }] },
    says: ['dpr:workers[0].id makes public port 71380, above 65535, the highest there is: set a lower port'],
  },
  {
    what: 'a port of two workers',
    raw: { workers: [{ id: 0 }, { id: 7, port: 6380 }] },
    says: ['dpr:workers give port 6380 to worker 0 and to worker 7: set another port for one of them'],
  },
  {
    what: "the Finder's port",
    target: 'kubernetes',
    raw: { workers: [{ id: 7, port: 6379 }] },
    says: ['dpr:workers give port 6379 to the Finder and to worker 7: set another port for one of them'],
  },
  {
    what: "the Finder's control port",
    raw: { workers: [{ id: 7, port: 16_379 }] },
    says: [
      "dpr:workers give port 16379 to worker 7 and to the Finder's control port: set another port for one of them",
    ],
  },
  {
    what: "a worker's admin port",
    raw: { workers: [{ id: 0 }, { id: 1, port: 26_380 }] },
    says: ["dpr:workers give port 26380 to worker 1 and to worker 0's admin port: set another port for one of them"],
  },
  {
    what: 'a type that no command starts',
    raw: { workers: [{ id: 0, type: 'kv' }] },
    says: [
      'dpr:workers[0] is of type "kv", and no command says how to start it: set dpr:commands.kv or the worker\'s command',
    ],
  },
  {
    what: 'a type that no image is named for',
    target: 'kubernetes',
    raw: { commands: { kv: 'kv' }, workers: [{ id: 0, type: 'kv', mountPath: '/kv' }] },
    says: [
      'dpr:workers[0] is of type "kv", which the project does not ship: set its image (or dpr:images.kv), listenPort',
    ],
  },
  {
    what: 'a type that is no name',
    raw: { workers: [{ id: 0, type: 'My_KV' }] },
    says: [
      'dpr:workers[0].type is "My_KV": it must be the name of a worker type: lower-case letters, digits and hyphens, a letter first, at most 63 characters',
    ],
  },
  {
    what: 'a type with a name of ours',
    raw: { workers: [{ id: 0, type: 'finder', command: 'x' }] },
    says: ['dpr:workers[0].type is "finder", which the cluster uses itself: choose another name'],
  },
  {
    what: 'a type too long for Kubernetes',
    raw: { commands: { [LONG_TYPE]: 'x' }, workers: [{ id: 10, type: LONG_TYPE }] },
    says: [
      `dpr:workers[0].type makes the name "${LONG_TYPE}-10" of 54 characters, and Kubernetes leaves 52: choose a shorter one`,
    ],
  },
  {
    what: 'a namespace that is none',
    raw: { ...ONE, namespace: 'Prod' },
    says: [
      'dpr:namespace is "Prod": it must be a Kubernetes namespace: lower-case letters, digits and hyphens, a letter first, at most 63 characters',
    ],
  },
  {
    what: 'a quantity that Kubernetes refuses',
    raw: { ...ONE, workerDefaults: { storage: '10GB' } },
    says: ['dpr:workerDefaults.storage is "10GB": it must be a Kubernetes quantity of at least 1Mi, such as "10Gi"'],
  },
  {
    what: 'half a byte of memory',
    raw: { workers: [{ id: 0, memory: { limit: '512m' } }] },
    says: ['dpr:workers[0].memory.limit is "512m": it must be a Kubernetes quantity of at least 1Mi, such as "512Mi"'],
  },
  {
    what: 'no CPU at all',
    raw: { ...ONE, finder: { cpu: { request: 0 } } },
    says: [`dpr:finder.cpu.request is 0: ${CPU_RULE}`],
  },
  {
    what: 'one amount instead of request and limit',
    raw: { ...ONE, finder: { cpu: '1' } },
    says: ['dpr:finder.cpu is "1": it must be the CPUs to request and its limit: { request, limit }'],
  },
  {
    what: 'a limit below its request',
    raw: { ...ONE, finder: { cpu: { request: '1100m', limit: 1 } } },
    says: ['dpr:finder.cpu has limit 1, below request 1100m: raise limit or lower request'],
  },
  {
    what: "a request above the default's limit",
    raw: { workerDefaults: { memory: { limit: '1Gi' } }, workers: [{ id: 0, memory: { request: '2G' } }] },
    says: ['dpr:workers[0].memory has limit 1Gi, below request 2G: raise limit or lower request'],
  },
  {
    what: 'defaults that contradict each other, once',
    raw: { workerDefaults: { cpu: { request: '3', limit: '2' } }, workers: [{ id: 0 }, { id: 1 }] },
    says: ['dpr:workerDefaults.cpu has limit 2, below request 3: raise limit or lower request'],
  },
  {
    what: 'a relative mount path',
    raw: { ...ONE, workerDefaults: { mountPath: 'data/' } },
    says: ['dpr:workerDefaults.mountPath is "data/": it must be an absolute directory, such as "/data"'],
  },
  {
    what: 'a mount path with a colon, which Kubernetes has another use for',
    raw: { ...ONE, finder: { mountPath: '/a:b' } },
    says: ['dpr:finder.mountPath is "/a:b": it must be an absolute directory, such as "/data"'],
  },
  {
    what: 'a storage class with a name that Kubernetes refuses',
    raw: { ...ONE, workerDefaults: { storageClass: 'fast..ssd' } },
    says: [
      'dpr:workerDefaults.storageClass is "fast..ssd": it must be the name of a storage class: words of lower-case letters, digits and hyphens, with single dots between them',
    ],
  },
  {
    what: 'a registry as a web address',
    raw: { ...ONE, images: { registry: 'https://registry.example.com/dpr' } },
    says: [`dpr:images.registry is "https://registry.example.com/dpr": ${REGISTRY_RULE}`],
  },
  {
    what: 'a registry with a slash at its end',
    raw: { ...ONE, images: { registry: 'registry.example.com/dpr/' } },
    says: [`dpr:images.registry is "registry.example.com/dpr/": ${REGISTRY_RULE}`],
  },
  {
    what: 'tags that are none',
    raw: { ...ONE, images: { tag: '0.1.0:latest' } },
    says: ['dpr:images.tag is "0.1.0:latest": it must be a tag, such as "0.1.0"'],
  },
  {
    what: 'a tag as a number, of which 1.10 would be 1.1',
    raw: { ...ONE, images: { tag: 1.1 } },
    says: ['dpr:images.tag is 1.1: it must be a text, in quotes where it looks like a number'],
  },
  {
    what: 'images with names that no kubelet takes',
    raw: { ...ONE, images: { kv: 'ghcr.io/MyTeam/kv:3' }, finder: { image: 'dpr-finder:0.1 ' } },
    says: [
      `dpr:images.kv is "ghcr.io/MyTeam/kv:3": ${IMAGE_RULE}`,
      `dpr:finder.image is "dpr-finder:0.1 ": ${IMAGE_RULE}`,
    ],
  },
  {
    what: 'an annotation that is no text',
    raw: { ...ONE, ingress: { annotations: { minutes: 30 } } },
    says: ['dpr:ingress.annotations.minutes is 30: it must be a text, in quotes where it looks like a number'],
  },
  {
    what: 'a command without a word',
    raw: { ...ONE, commands: { kv: ' ' } },
    says: ['dpr:commands.kv is " ": it must name the program to start'],
  },
  {
    what: 'an unknown service type',
    raw: { ...ONE, ingress: { serviceType: 'Loadbalancer' } },
    says: ['dpr:ingress.serviceType is "Loadbalancer": it must be LoadBalancer, NodePort or ClusterIP'],
  },
  {
    what: 'a word for addresses that only processes know',
    raw: { ...ONE, ingress: { clientAddresses: 'own' } },
    says: [
      'dpr:ingress.clientAddresses is "own": it must be hidden, or proxied where the load balancer lets the addresses of clients through',
    ],
  },
  {
    what: 'an interval of 0',
    raw: { ...ONE, checkpointIntervalMs: 0 },
    says: ['dpr:checkpointIntervalMs is 0: it must be a whole number from 1 to 60000'],
  },
  {
    what: 'a silence in which load balancers cut connections',
    raw: { ...ONE, receiveTimeoutMs: 900_000 },
    says: ['dpr:receiveTimeoutMs is 900000: it must be a whole number from 100 to 600000'],
  },
  {
    what: 'a token too short, unseen',
    raw: { ...ONE, controlToken: 'hunter2' },
    says: ['dpr:controlToken must be a text of 16 to 1024 characters without spaces'],
  },
  {
    what: 'an origin with a path, one that is a pattern of several, and those with a port that browsers leave out',
    raw: { ...ONE, allowedOrigins: NO_ORIGINS },
    says: NO_ORIGINS.map(
      (origin, index) =>
        `dpr:allowedOrigins[${index}] is "${origin}": it must be an origin: scheme and host, and a port unless it is the usual one, such as "https://app.example.com"`,
    ),
  },
  {
    what: 'a host name with a port, and one with capitals',
    raw: { ...ONE, hostNames: ['devbox.lan:6379', 'Devbox.lan'] },
    says: ['devbox.lan:6379', 'Devbox.lan'].map(
      (name, index) =>
        `dpr:hostNames[${index}] is "${name}": it must be a host name in lower case and without a port, such as "devbox.lan"`,
    ),
  },
  {
    what: 'a worker both declared and forced out',
    raw: { workers: [{ id: 3 }], forceRemove: [3] },
    says: ['dpr:forceRemove has 3, which dpr:workers[0] declares: a worker can be removed or kept, not both'],
  },
  {
    what: 'the port that the ingress needs itself',
    target: 'kubernetes',
    raw: { workers: [{ id: 3, port: 26_379 }] },
    says: ["dpr:workers give port 26379 to worker 3 and to the ingress's admin port: set another port for one of them"],
  },
  {
    what: 'public ports that no node has',
    target: 'kubernetes',
    raw: { ...ONE, ingress: { serviceType: 'NodePort' } },
    says: [
      'dpr:ingress.serviceType is NodePort, and public port 6379 is none: set dpr:basePort, and every port of a worker, within 30000 to 32767',
    ],
  },
  {
    what: 'more public ports than a load balancer finds on the nodes',
    target: 'kubernetes',
    raw: { workers: Array.from({ length: 2_768 }, (_, id) => ({ id })) },
    says: [
      'dpr:ingress.serviceType is LoadBalancer, which takes a port of the nodes for each of 2769 public ones, and of those there are 2768: declare fewer workers, or choose ClusterIP and bring a load balancer of your own',
    ],
  },
  {
    what: 'an ingress with less memory than it is promised',
    raw: { ...ONE, ingress: { memory: { limit: '32Mi' } } },
    says: ['dpr:ingress.memory has limit 32Mi, below request 64Mi: raise limit or lower request'],
  },
  {
    what: 'a StatefulSet of no worker',
    raw: { ...ONE, replace: ['Finder'] },
    says: ['dpr:replace[0] is "Finder": it must be a worker id, "finder" or "all"'],
  },
  {
    what: 'a client run without a command',
    raw: { ...ONE, clientRun: {} },
    says: ['dpr:clientRun.arguments is missing: it must list the words of the command, such as ["status"]'],
  },
  {
    what: 'labels, an address and a switch that are none',
    raw: {
      ...ONE,
      monitoring: { labels: { release: 1, team: 'a b', '-x': 'y' }, runbooks: 'infra/OPERATIONS.md', dashboard: 'yes' },
    },
    says: [
      'dpr:monitoring.labels.release is 1: it must be a text, in quotes where it looks like a number',
      'dpr:monitoring.labels.team is "a b": it must be the value of a label: letters, digits, hyphens, dots and underscores, at most 63 characters',
      'dpr:monitoring.labels.-x is "y": it must stand at the name of a label, such as release or example.com/team',
      'dpr:monitoring.runbooks is "infra/OPERATIONS.md": it must be the address of OPERATIONS.md, such as "https://git.example.com/dpr/infra/OPERATIONS.md"',
      'dpr:monitoring.dashboard is "yes": it must be true or false',
    ],
  },
  {
    what: 'monitoring as a switch',
    raw: { ...ONE, monitoring: true },
    says: ['dpr:monitoring is true: it must be what Prometheus is to know: { labels, runbooks, dashboard }'],
  },
  {
    what: 'Azure without a region',
    raw: { ...ONE, azure: {} },
    says: ['dpr:azure.location is missing: it must be an Azure region, such as "westeurope"'],
  },
  {
    what: 'a limit of memory for keys that is none, and a word for eviction that Redis has',
    raw: { workers: [{ id: 0, type: 'store', maxMemory: '256MB', eviction: 'allkeys-lru' }] },
    says: [
      'dpr:workers[0].maxMemory is "256MB": it must be a Kubernetes quantity of at least 1Mi, such as "256Mi"',
      'dpr:workers[0].eviction is "allkeys-lru": it must be none or lru',
    ],
  },
  {
    what: 'less memory for keys than an index takes',
    raw: { ...ONE, workerDefaults: { maxMemory: '1023Ki' } },
    says: [
      'dpr:workerDefaults.maxMemory is "1023Ki": it must be a Kubernetes quantity of at least 1Mi, such as "256Mi"',
    ],
  },
  {
    what: 'limits of a store for a worker that is none',
    raw: { workers: [{ id: 0, maxMemory: '1Mi', eviction: 'lru' }] },
    says: ['maxMemory', 'eviction'].map(
      (name) =>
        `dpr:workers[0].${name} is for workers of type "store", and this is of type "counter": remove it, or set type: store`,
    ),
  },
  {
    what: 'more memory for keys than the container has for them',
    target: 'kubernetes',
    raw: {
      workers: [
        { id: 0, type: 'store', maxMemory: '257Mi' },
        { id: 1, type: 'store', maxMemory: '193Mi', eviction: 'lru' },
        { id: 2, type: 'store', maxMemory: '256Mi' },
        { id: 3, type: 'store', maxMemory: '192Mi', eviction: 'lru' },
      ],
    },
    says: [
      'dpr:workers[0].maxMemory is 257Mi, and of the memory limit 512Mi keys may take half at most: raise memory.limit or lower maxMemory',
      'dpr:workers[1].maxMemory is 193Mi, and of the memory limit 512Mi keys may take three eighths, with eviction, at most: raise memory.limit or lower maxMemory',
    ],
  },
  {
    what: 'defaults with more memory for keys than there is, once',
    target: 'kubernetes',
    raw: {
      workerDefaults: { type: 'store', maxMemory: '1Gi' },
      workers: [{ id: 0 }, { id: 1 }, { id: 2, memory: { limit: '2Gi' } }, { id: 3, eviction: 'lru' }],
    },
    says: [
      'dpr:workerDefaults.maxMemory is 1Gi, and of the memory limit 512Mi keys may take half at most: raise memory.limit or lower maxMemory',
      'dpr:workers[3].maxMemory is 1Gi, and of the memory limit 512Mi keys may take three eighths, with eviction, at most: raise memory.limit or lower maxMemory',
    ],
  },
  {
    what: 'everything at once, and nothing that only follows from a mistake',
    raw: {
      basePort: 'x',
      workerDefaults: { typ: 'kv' },
      workers: [{ id: 0 }, 5, { id: 0, port: 6380 }, { id: 1, port: 6380 }],
    },
    says: [
      'dpr:basePort is "x": it must be a whole number from 1 to 65535',
      'dpr:workerDefaults.typ is not a key that exists: did you mean type?',
      'dpr:workers[1] is 5: it must be a worker, such as { id: 0 }',
      'dpr:workers[2].id is 0, as in dpr:workers[0]: give every worker its own id',
    ],
  },
];

describe('the config', () => {
  itRefuses([...MISTAKES, ...INGRESS_MISTAKES, ...POD_MISTAKES]);

  it('fills in what it was not told', () => {
    const config = parseConfig(ONE, 'kubernetes');
    assert.deepEqual(config, {
      namespace: 'dpr',
      basePort: 6379,
      checkpointIntervalMs: 100,
      jobs: {},
      workerPod: undefined,
      logLevel: 'info',
      images: {},
      finder: {
        cpu: { request: '250m', limit: '1' },
        memory: { request: '256Mi', limit: '512Mi' },
        ephemeralStorage: undefined,
        extended: undefined,
        pod: undefined,
        storage: '10Gi',
        storageClass: undefined,
        image: undefined,
        mountPath: '/data',
      },
      createNamespace: true,
      ingress: {
        serviceType: 'LoadBalancer',
        isInternal: false,
        replicas: 1,
        sourceRanges: [],
        tlsSecretName: undefined,
        clientAddresses: 'hidden',
        annotations: {},
        cpu: { request: '100m', limit: '1' },
        memory: { request: '64Mi', limit: '256Mi' },
        ephemeralStorage: undefined,
        extended: undefined,
      },
      keepVolumes: true,
      forceRemove: [],
      allowedOrigins: [],
      hostNames: [],
      replace: [],
      membershipTimeoutSeconds: 300,
      workers: [
        {
          id: 0,
          type: 'counter',
          port: undefined,
          resp: false,
          state: undefined,
          maxMemory: undefined,
          eviction: undefined,
          pool: undefined,
          listenPort: 6379,
          mountPath: '/data',
          image: undefined,
          command: undefined,
          cpu: { request: '250m', limit: '1' },
          memory: { request: '256Mi', limit: '512Mi' },
          ephemeralStorage: undefined,
          extended: undefined,
          pod: undefined,
          storage: '10Gi',
          storageClass: undefined,
          checkpointIntervalMs: 100,
        },
      ],
    });
  });

  it('gives limits of stores to stores alone, and lets an entry say otherwise', () => {
    const { workers } = parseConfig(
      {
        workerDefaults: { maxMemory: '64Mi', eviction: 'lru' },
        workers: [{ id: 0 }, { id: 1, type: 'store' }, { id: 2, type: 'store', maxMemory: '1e8', eviction: 'none' }],
      },
      'local',
    );
    assert.deepEqual(
      workers.map(({ maxMemory, eviction }) => [maxMemory, eviction]),
      [
        [undefined, undefined],
        ['64Mi', 'lru'],
        ['1e8', 'none'],
      ],
    );
  });

  it('takes every name of an image that a kubelet takes', () => {
    const digest = `sha256:${'0a'.repeat(32)}`;
    const images = {
      ...{ registry: 'localhost:5000/some/team_a', tag: 'v1.0_rc-2' },
      ...{ finder: 'f', kv: `[fd00::1]:5000/a--b/c__d.e:3@${digest}`, nginx: `registry.k8s.io/n@${digest}` },
    };
    assert.deepEqual(parseConfig({ ...ONE, images }, 'kubernetes').images, images);
  });

  it("prefers a worker's own words to its type's, and those to the defaults", () => {
    const { workers } = parseConfig(
      {
        images: { kv: 'kv:type' },
        workerDefaults: {
          type: 'kv',
          image: 'any',
          mountPath: '/d',
          listenPort: 9,
          storage: 5e6,
          cpu: { request: 0.5 },
        },
        workers: [
          { id: 0 },
          { id: 1, image: 'kv:own', mountPath: '/own', listenPort: 10, storage: '1Gi', cpu: { limit: '700m' } },
          { id: 2, type: 'log' },
        ],
      },
      'kubernetes',
    );
    const [first, second, third] = workers;
    assert.deepEqual(
      [first?.image, first?.mountPath, first?.listenPort, first?.storage],
      ['kv:type', '/d', 9, '5000000'],
    );
    assert.deepEqual([second?.image, second?.mountPath, second?.listenPort], ['kv:own', '/own', 10]);
    assert.deepEqual([second?.storage, second?.cpu], ['1Gi', { request: '0.5', limit: '700m' }]);
    assert.deepEqual([third?.type, third?.image], ['log', 'any']);
  });
});
