import { z } from 'zod';
import { MAX_PORT } from '../plan/ports.ts';
import { quantityValue } from '../plan/quantity.ts';
import { EVICTIONS } from '../plan/worker-types.ts';

/** Largest worker id; the protocol's own limit. */
export const MAX_WORKER_ID = 65_535;
/** Most workers of one cluster; the protocol's own limit. */
export const MAX_WORKERS = 16_384;
/** Largest number of a generation that a config may name. */
const MAX_GENERATION = 999_999_999;
/** Programs of the client's image, the one that it starts by itself first. */
const CLIENT_PROGRAMS = ['dpr', 'experiment'] as const;
const MAX_CHECKPOINT_INTERVAL_MS = 60_000;
const MIN_RECEIVE_TIMEOUT_MS = 100;
/** Pings come three times as often: sooner than any load balancer takes a connection for idle, which Azure's does after 4 min. */
const MAX_RECEIVE_TIMEOUT_MS = 600_000;
const MAX_TIMEOUT_SECONDS = 3_600;
const MIN_TOKEN_CHARACTERS = 16;
const MAX_TOKEN_CHARACTERS = 1_024;
const MAX_IMAGE_CHARACTERS = 512;
const MAX_PATH_CHARACTERS = 4_096;
const MAX_ORIGIN_CHARACTERS = 270;
const MAX_ADDRESS_CHARACTERS = 2_048;
/** A domain, a slash and a word. */
const MAX_LABEL_CHARACTERS = 253 + 1 + 63;

/** A whole number; the message says the range. */
const whole = (from: number, to: number) => {
  const error = `must be a whole number from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
};
const port = whole(1, MAX_PORT);

const word = (error: string, pattern: RegExp, maximum: number) =>
  z.string({ error }).regex(pattern, { error }).max(maximum, { error });
const DNS_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const dnsLabel = (what: string) =>
  word(`must be ${what}: lower-case letters, digits and hyphens, a letter first, at most 63 characters`, DNS_LABEL, 63);
const text = z.string({ error: 'must be a text, in quotes where it looks like a number' });
const mountPath = word('must be an absolute directory, such as "/data"', /^\/[^:]*[^/:]$/, MAX_PATH_CHARACTERS);
const kubernetesName = (what: string) =>
  word(
    `must be the name of ${what}: words of lower-case letters, digits and hyphens, with single dots between them`,
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    253,
  );
const flag = z.boolean({ error: 'must be true or false' });

/** What a kubelet takes for the name of an image, with a registry and folders before it, and a tag or a digest behind. */
const IMAGE_HOST = String.raw`(?:[a-zA-Z0-9](?:[-.a-zA-Z0-9]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?`;
const IMAGE_NAME = String.raw`[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*`;
const IMAGE_TAG = String.raw`\w[-.\w]{0,127}`;
const IMAGE_DIGEST = String.raw`[a-z0-9]+:[0-9a-f]{32,}`;
const image = word(
  'must be a container image, such as "registry/name:tag": no https://, and names in lower case',
  new RegExp(`^(?:${IMAGE_HOST}/)?${IMAGE_NAME}(?:/${IMAGE_NAME})*(?::${IMAGE_TAG})?(?:@${IMAGE_DIGEST})?$`),
  MAX_IMAGE_CHARACTERS,
);
const registry = word(
  'must be a registry, such as "registry.example.com/dpr": no https://, no slash at the end, and folders in lower case',
  new RegExp(`^${IMAGE_HOST}(?:/${IMAGE_NAME})*$`),
  MAX_IMAGE_CHARACTERS,
);
const tag = word('must be a tag, such as "0.1.0"', new RegExp(`^${IMAGE_TAG}$`), MAX_IMAGE_CHARACTERS);

/** An image by the name of each, and what the names of the others are made of. */
const images = z
  .record(z.string(), text, { error: 'must map worker types to images, such as { kv: "registry/kv:3" }' })
  .superRefine((given, context) => {
    for (const [name, value] of Object.entries(given)) {
      const rule = name === 'registry' ? registry : name === 'tag' ? tag : image;
      const [issue] = rule.safeParse(value).error?.issues ?? [];
      if (issue !== undefined) context.addIssue({ code: 'custom', path: [name], message: issue.message });
    }
  });

/** A Kubernetes quantity of at least `least`; a plain number is taken as its text. */
const quantity = (example: string, least: number, leastText: string) => {
  const error = `must be a Kubernetes quantity of at least ${leastText}, such as "${example}"`;
  return z
    .union([z.string(), z.number()], { error })
    .transform(String)
    .refine((text) => (quantityValue(text) ?? 0) >= least, { error });
};
const cpuAmount = quantity('500m', 0.001, '1m');
const memoryAmount = quantity('512Mi', 2 ** 20, '1Mi');
const storage = quantity('10Gi', 2 ** 20, '1Mi');
const maxMemory = quantity('256Mi', 2 ** 20, '1Mi');

/** An object of these keys and no others; of an unknown key the message says which ones exist. */
const record = <Shape extends z.core.$ZodShape>(what: string, shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : `must be ${what}`),
  });
const range = (amount: typeof cpuAmount, what: string) =>
  record(`${what} to request and its limit: { request, limit }`, {
    request: amount.optional(),
    limit: amount.optional(),
  });

/** The start command of a process: its words, or one text that is cut at spaces. */
const command = z
  .union([z.string(), z.array(z.string())], {
    error: 'must be a command, such as "node my-kv/main.js", or the list of its words',
  })
  .transform((given) => (typeof given === 'string' ? given.split(/\s+/).filter((part) => part !== '') : given))
  .refine((words) => words.length > 0 && words[0] !== '', { error: 'must name the program to start' });

const named = <Value extends z.ZodType>(value: Value, error: string) => z.record(z.string(), value, { error });

/** What the Finder and every worker can be given. */
const resources = {
  cpu: range(cpuAmount, 'the CPUs').optional(),
  memory: range(memoryAmount, 'the memory').optional(),
  storage: storage.optional(),
  storageClass: kubernetesName('a storage class').optional(),
  mountPath: mountPath.optional(),
  image: image.optional(),
};

/** What `dpr:workerDefaults` and each entry of `dpr:workers` can say. */
const workerFields = {
  ...resources,
  /** Any name; `counter` and `store` are built in. */
  type: dnsLabel('the name of a worker type').optional(),
  /** Where the process listens inside its container; its admin port follows from it. */
  listenPort: port.optional(),
  checkpointIntervalMs: whole(1, MAX_CHECKPOINT_INTERVAL_MS).optional(),
  /** Whether it serves Redis clients, where `respBasePort` is set; `store` does unless it is told not to. */
  resp: flag.optional(),
  /** What the keys of a store may take, of the memory that its process has; as much as it may unless given. */
  maxMemory: maxMemory.optional(),
  /** What a store does then: keys go that were not used for longest, or writes are refused. */
  eviction: z.enum(EVICTIONS, { error: `must be ${EVICTIONS.join(' or ')}` }).optional(),
  /** How the one-machine cluster starts it. */
  command: command.optional(),
};

const worker = record('a worker, such as { id: 0 }', {
  ...workerFields,
  id: whole(0, MAX_WORKER_ID),
  /** The public port, where it is not basePort + 1 + id. */
  port: port.optional(),
  /** What it begins with when it was removed before: what was committed then, an earlier generation by its number, or nothing. */
  state: z
    .union([z.literal('kept'), z.literal('empty'), z.int().min(1).max(MAX_GENERATION)], {
      error: 'must be kept, empty, or the number of a generation that is kept',
    })
    .optional(),
});

const tokenText = word(
  `must be a text of ${MIN_TOKEN_CHARACTERS} to ${MAX_TOKEN_CHARACTERS} characters without spaces`,
  new RegExp(`^\\S{${MIN_TOKEN_CHARACTERS},}$`),
  MAX_TOKEN_CHARACTERS,
);

const origin = word(
  'must be an origin: scheme and host, and a port unless it is the usual one, such as "https://app.example.com"',
  /^(?!https:.*:443$)(?!http:.*:80$)[a-z][-+.a-z0-9]*:\/\/[^\sA-Z/?#@,]+$/, // as browsers write it
  MAX_ORIGIN_CHARACTERS,
);
const hostName = word(
  'must be a host name in lower case and without a port, such as "devbox.lan"',
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  253,
);
const LABEL_NAME = String.raw`[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?`;
const LABEL_DOMAIN = String.raw`[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*`;
/** Of Kubernetes objects. */
const labels = z.record(
  z
    .string()
    .regex(new RegExp(`^(?:${LABEL_DOMAIN}/)?${LABEL_NAME}$`))
    .max(MAX_LABEL_CHARACTERS),
  text.regex(new RegExp(`^(?:${LABEL_NAME})?$`), {
    error: 'must be the value of a label: letters, digits, hyphens, dots and underscores, at most 63 characters',
  }),
  {
    error: ({ code }) =>
      code === 'invalid_key'
        ? 'must stand at the name of a label, such as release or example.com/team'
        : 'must map labels to texts, such as { release: prometheus }',
  },
);
const ids = z.array(whole(0, MAX_WORKER_ID), { error: 'must list worker ids, such as [3]' });
const workerList = 'must list the workers, such as [{ id: 0 }, { id: 1 }], or [] for none';

/** Everything under `dpr:` in a stack's configuration. */
export const schema = record('the configuration of a stack', {
  namespace: dnsLabel('a Kubernetes namespace').default('dpr'),
  /** Whether the namespace is made; false where it is there already. */
  createNamespace: flag.default(true),
  /** The Finder's public port; worker i has basePort + 1 + i. */
  basePort: port.default(6379),
  /** Worker i serves Redis clients at respBasePort + i; none does where this is not set. */
  respBasePort: port.optional(),
  checkpointIntervalMs: whole(1, MAX_CHECKPOINT_INTERVAL_MS).default(100),
  /** A connection over which nothing comes for this long, no answer to a ping either, is given up; 30 s unless given. */
  receiveTimeoutMs: whole(MIN_RECEIVE_TIMEOUT_MS, MAX_RECEIVE_TIMEOUT_MS).optional(),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
      error: 'must be one of trace, debug, info, warn, error, fatal',
    })
    .default('info'),
  /** What administrators and workers show at the Finder's control port. */
  controlToken: tokenText.optional(),
  /** Pages whose scripts may use the public ports from a browser, as in `https://app.example.com`; others are refused. */
  allowedOrigins: z.array(origin, { error: 'must list origins, such as ["https://app.example.com"]' }).default([]),
  /** On one machine: names, besides localhost, by which programs reach the cluster. */
  hostNames: z.array(hostName, { error: 'must list host names, such as ["devbox.lan"]' }).default([]),
  /** What clients show, where they have to. */
  clientToken: tokenText.optional(),
  /** An image per worker type and for finder, client and nginx; `registry` and `tag` make the others' names. */
  images: images.default({}),
  /** How the one-machine cluster starts each worker type. */
  commands: named(command, 'must map worker types to commands, such as { kv: "node my-kv/main.js" }').default({}),
  workerDefaults: record('what workers have unless they say otherwise', workerFields).default({}),
  workers: z.array(worker, { error: workerList }).max(MAX_WORKERS, { error: `must be at most ${MAX_WORKERS} workers` }),
  finder: record('what the Finder has', resources).default({}),
  ingress: record('what the ingress has', {
    serviceType: z
      .enum(['LoadBalancer', 'NodePort', 'ClusterIP'], { error: 'must be LoadBalancer, NodePort or ClusterIP' })
      .default('LoadBalancer'),
    tlsSecretName: kubernetesName('a TLS secret').optional(),
    /** Whether NGINX sees the addresses of clients, and tells the Finder and workers of them. */
    clientAddresses: z
      .enum(['hidden', 'proxied'], {
        error: 'must be hidden, or proxied where the load balancer lets the addresses of clients through',
      })
      .default('hidden'),
    replicas: whole(1, 100).default(1),
    /** Of its Service, for what a cloud's load balancers want to be told. */
    annotations: named(text, 'must map annotations to texts').default({}),
    cpu: resources.cpu,
    memory: resources.memory,
  }).prefault({}),
  /** Whether the volume of a removed worker stays. */
  keepVolumes: flag.default(true),
  /** Ids of dead workers that may leave although work of theirs is lost by it. */
  forceRemove: ids.default([]),
  /**
   * Ids of workers whose StatefulSet may be made anew, as a change of their storage takes; the Finder is "finder". With "all", the whole
   * cluster may, and elsewhere.
   */
  replace: z
    .array(
      z.union([z.int().min(0).max(MAX_WORKER_ID), z.enum(['finder', 'all'])], {
        error: 'must be a worker id, "finder" or "all"',
      }),
      {
        error: 'must list worker ids, "finder" or "all", such as [3, "finder"]',
      },
    )
    .default([]),
  /** How long a deployment waits until the cluster is as declared. */
  membershipTimeoutSeconds: whole(5, MAX_TIMEOUT_SECONDS).default(300),
  /** Whether there is a console in the browser, reached by `kubectl port-forward`. */
  console: flag.default(false),
  /** Where present: a Job runs this command of the client image and fails the deployment if it fails. */
  clientRun: record('the command of the client image to run: { program, arguments }', {
    program: z.enum(CLIENT_PROGRAMS, { error: `must be ${CLIENT_PROGRAMS.join(' or ')}` }).default('dpr'),
    arguments: z.array(text, { error: 'must list the words of the command, such as ["status"]' }),
    timeoutSeconds: whole(5, MAX_TIMEOUT_SECONDS).default(600),
  }).optional(),
  /** Where present: the Prometheus operator scrapes the cluster and knows its alerts. */
  monitoring: record('what Prometheus is to know: { labels, runbooks, dashboard }', {
    /** By which the operator's Prometheus selects such objects. */
    labels: labels.default({}),
    /** Where OPERATIONS.md is to be read, whose sections alerts name. */
    runbooks: word(
      'must be the address of OPERATIONS.md, such as "https://git.example.com/dpr/infra/OPERATIONS.md"',
      /^https?:\/\/[^\s#]+$/,
      MAX_ADDRESS_CHARACTERS,
    ).optional(),
    /** Whether Grafana is given its dashboard. */
    dashboard: flag.default(true),
  }).optional(),
  /** Where present: the Kubernetes cluster and the image registry are made too. */
  azure: record('the Azure cluster to make', {
    location: word('must be an Azure region, such as "westeurope"', /^[a-z0-9]+$/, 63),
    nodeSize: word('must be a virtual machine size, such as "Standard_D4s_v5"', /^\w+$/, 63).default('Standard_D4s_v5'),
    nodeCount: whole(1, 1_000).default(3),
    kubernetesVersion: word('must be a version, such as "1.34"', /^\d+\.\d+(\.\d+)?$/, 20).optional(),
    /** Groups of the directory whose members administer the cluster; where given, its local accounts are off. */
    adminGroupIds: z
      .array(word('must be a group id', /^[-0-9a-f]{36}$/, 36), { error: 'must list group ids' })
      .optional(),
    diskSku: z
      .enum(['Premium_LRS', 'PremiumV2_LRS', 'StandardSSD_LRS', 'Premium_ZRS'], {
        error: 'must be Premium_LRS, PremiumV2_LRS, StandardSSD_LRS or Premium_ZRS',
      })
      .default('Premium_LRS'),
  }).optional(),
});

/** The configuration as written, defaults of single fields filled in. */
export type Written = z.output<typeof schema>;
export type WrittenWorker = Written['workers'][number];
/** The configuration as a program may give it: keys that have a default may be left out. */
export type Settings = z.input<typeof schema>;
