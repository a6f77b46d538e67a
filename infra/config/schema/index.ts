import { z } from 'zod';
import { azure } from './azure.ts';
import { images } from './images.ts';
import { ingress } from './ingress.ts';
import { monitoring } from './monitoring.ts';
import { anyPod, programPod } from './pod.ts';
import { dnsLabel, flag, hostName, ipFamilies, named, port, record, switched, text, whole, word } from './values.ts';
import { command, MAX_CHECKPOINT_INTERVAL_MS, MAX_WORKER_ID, resources, worker, workerFields } from './worker.ts';

export { MAX_WORKER_ID };
/** Most workers of one cluster; the protocol's own limit. */
export const MAX_WORKERS = 16_384;
/** Programs of the client's image, the one that it starts by itself first. */
const CLIENT_PROGRAMS = ['dpr', 'experiment'] as const;
const MIN_RECEIVE_TIMEOUT_MS = 100;
/** Pings come three times as often: sooner than any load balancer takes a connection for idle, which Azure's does after 4 min. */
const MAX_RECEIVE_TIMEOUT_MS = 600_000;
const MAX_TIMEOUT_SECONDS = 3_600;
const MIN_TOKEN_CHARACTERS = 16;
const MAX_TOKEN_CHARACTERS = 1_024;
const MAX_ORIGIN_CHARACTERS = 270;

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
const ids = z.array(whole(0, MAX_WORKER_ID), { error: 'must list worker ids, such as [3]' });
const workerList = 'must list the workers, such as [{ id: 0 }, { id: 1 }], or [] for none';

/** Everything under `dpr:` in a stack's configuration. */
export const schema = record('the configuration of a stack', {
  namespace: dnsLabel('a Kubernetes namespace').default('dpr'),
  /** Whether the namespace is made; false where it is there already. */
  createNamespace: flag.default(true),
  /** The Finder's public port; worker i has basePort + 1 + i. */
  basePort: port.default(6379),
  /** What the Services have, the main one first; what the Kubernetes cluster gives by itself, unless given. */
  ipFamilies: ipFamilies.optional(),
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
  ingress,
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
  /** Whether there is a console in the browser, reached by `kubectl port-forward`, and what its pod has. */
  console: switched(record('true, false, or { pod }', { pod: programPod })),
  /** What all pods of the stack have, unless more specific settings say otherwise. */
  pod: anyPod,
  /** What Jobs have: the one of the membership, and `clientRun`. */
  jobs: record('what Jobs have: { pod }', { pod: programPod }).default({}),
  /** Whether workers are spread over hosts and zones, where these have room; stacks that are new have it. */
  spreadWorkers: flag.optional(),
  /** Where present: a Job runs this command of the client image and fails the deployment if it fails. */
  clientRun: record('the command of the client image to run: { program, arguments }', {
    program: z.enum(CLIENT_PROGRAMS, { error: `must be ${CLIENT_PROGRAMS.join(' or ')}` }).default('dpr'),
    arguments: z.array(text, { error: 'must list the words of the command, such as ["status"]' }),
    timeoutSeconds: whole(5, MAX_TIMEOUT_SECONDS).default(600),
  }).optional(),
  /** Where present: the Prometheus operator scrapes the cluster and knows its alerts. */
  monitoring: monitoring.optional(),
  /** Where present: the Kubernetes cluster and the image registry are made too. */
  azure: azure.optional(),
});

/** The configuration as written, defaults of single fields filled in. */
export type Written = z.output<typeof schema>;
export type WrittenWorker = Written['workers'][number];
/** The configuration as a program may give it: keys that have a default may be left out. */
export type Settings = z.input<typeof schema>;
