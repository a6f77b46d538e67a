import { z } from 'zod';
import { EVICTIONS } from '../../plan/worker-types.ts';
import { diskSku, poolName } from './azure.ts';
import { image } from './images.ts';
import { processPod } from './pod.ts';
import {
  cpuAmount,
  dnsLabel,
  extendedResources,
  flag,
  kubernetesName,
  maxMemory,
  memoryAmount,
  mountPath,
  port,
  range,
  record,
  storage,
  whole,
} from './values.ts';

/** Largest worker id; the protocol's own limit. */
export const MAX_WORKER_ID = 65_535;
/** Largest number of a generation that a config may name. */
const MAX_GENERATION = 999_999_999;
export const MAX_CHECKPOINT_INTERVAL_MS = 60_000;

/** The start command of a process: its words, or one text that is cut at spaces. */
export const command = z
  .union([z.string(), z.array(z.string())], {
    error: 'must be a command, such as "node my-kv/main.js", or the list of its words',
  })
  .transform((given) => (typeof given === 'string' ? given.split(/\s+/).filter((part) => part !== '') : given))
  .refine((words) => words.length > 0 && words[0] !== '', { error: 'must name the program to start' });

/** What containers can be given. */
export const containerResources = {
  cpu: range(cpuAmount, 'the CPUs').optional(),
  memory: range(memoryAmount, 'the memory').optional(),
  /** On the disk of the node: logs, and what is written outside of volumes. */
  ephemeralStorage: range(memoryAmount, 'the disk of the node').optional(),
  extended: extendedResources.optional(),
};

/** What the Finder and every worker can be given. */
export const resources = {
  ...containerResources,
  storage: storage.optional(),
  storageClass: kubernetesName('a storage class').optional(),
  mountPath: mountPath.optional(),
  image: image.optional(),
  /** The kind of disk that the volume is on, where the stack makes its Kubernetes cluster on Azure. */
  diskSku: diskSku.optional(),
  pod: processPod,
};

/** What `dpr:workerDefaults` and each entry of `dpr:workers` can say. */
export const workerFields = {
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
  /** The pool of `dpr:azure.pools` that it runs in. */
  pool: poolName.optional(),
  /** How the one-machine cluster starts it. */
  command: command.optional(),
};

export const worker = record('a worker, such as { id: 0 }', {
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
