import { diskClass, MANAGED_DISK_CLASS } from '../plan/azure/index.ts';
import { DEFAULT_TYPE, type Eviction, isBuiltIn, RESP_TYPES, STORE_TYPE } from '../plan/worker-types.ts';
import { CERTIFICATE_NAME } from '../plan/names.ts';
import { LISTEN_PORT } from '../plan/ports.ts';
import type { Written, WrittenWorker } from './schema/index.ts';
import type { PodSettings } from './schema/pod.ts';

/** What a container asks for, and the most that it gets, as a Kubernetes quantity. */
export type Range = { readonly request: string; readonly limit: string };
/** The same where neither has a default. */
export type OptionalRange = { readonly request?: string | undefined; readonly limit?: string | undefined };

/** What a container may use. */
export type ContainerResources = {
  /** CPUs. */
  readonly cpu: Range;
  /** Bytes. */
  readonly memory: Range;
  /** Bytes of the node's disk; undefined: as Kubernetes has it. */
  readonly ephemeralStorage: OptionalRange | undefined;
  /** How many of what nodes offer besides, by name; undefined: none. */
  readonly extended: Readonly<Record<string, number>> | undefined;
};

/** What the Finder and every worker have. */
export type Resources = ContainerResources & {
  /** The volume's size, a Kubernetes quantity. */
  readonly storage: string;
  /** Undefined: the Kubernetes cluster's default class. */
  readonly storageClass: string | undefined;
  /** The container's image, where the entry or `dpr:images` names one. */
  readonly image: string | undefined;
  /** What its own entry says of its pod, which more general settings are merged into. */
  readonly pod: PodSettings | undefined;
};

/** One worker with every default filled in; undefined is what neither its entry nor its type says. */
export type WorkerConfig = Resources & {
  readonly id: number;
  readonly type: string;
  /** The public port, where the entry asks for one. */
  readonly port: number | undefined;
  readonly listenPort: number | undefined;
  readonly mountPath: string | undefined;
  /** Of a cluster on Azure; undefined: the first one. */
  readonly pool: string | undefined;
  /** The words of the command that starts it on one machine. */
  readonly command: readonly string[] | undefined;
  readonly checkpointIntervalMs: number;
  /** It serves Redis clients, where there are ports for them. */
  readonly resp: boolean;
  /** What it begins with where its volume keeps earlier generations: a word, or the number of one. */
  readonly state: 'kept' | 'empty' | number | undefined;
  /** Of a store, where something says it: what its keys may take, a Kubernetes quantity of bytes, and what it does then. */
  readonly maxMemory: string | undefined;
  readonly eviction: Eviction | undefined;
};

/** A stack's checked configuration with every default filled in. */
export type Config = Omit<Written, 'workers' | 'workerDefaults' | 'finder' | 'commands' | 'ingress'> & {
  readonly finder: Resources & { readonly mountPath: string };
  readonly ingress: Omit<Written['ingress'], keyof ContainerResources | 'internal'> &
    ContainerResources & { readonly isInternal: boolean };
  readonly workers: readonly WorkerConfig[];
  /** What `dpr:workerDefaults` says of pods. */
  readonly workerPod: PodSettings | undefined;
};

const MOUNT_PATH = '/data';
const STORAGE = '10Gi';
type Amounts = Pick<ContainerResources, 'cpu' | 'memory'>;
const PROCESS: Amounts = { cpu: { request: '250m', limit: '1' }, memory: { request: '256Mi', limit: '512Mi' } };
/** NGINX needs little, however many workers there are. */
const INGRESS: Amounts = { cpu: { request: '100m', limit: '1' }, memory: { request: '64Mi', limit: '256Mi' } };

/** Fills in what entries leave to `dpr:workerDefaults`, to their type and to the project. */
export function resolve(written: Written): Config {
  const { workers, workerDefaults, finder, commands, ingress, ...rest } = written;
  return {
    ...rest,
    ingress: resolveIngress(ingress),
    finder: {
      ...resources(written, finder),
      image: finder.image ?? written.images.finder,
      mountPath: finder.mountPath ?? MOUNT_PATH,
    },
    workers: workers.map((worker) => resolveWorker(written, worker)),
    workerPod: workerDefaults.pod,
  };
}

function resolveIngress({ internal, ...ingress }: Written['ingress']): Config['ingress'] {
  const { certificate, tlsSecretName } = ingress;
  return {
    ...ingress,
    isInternal: internal,
    tlsSecretName: tlsSecretName ?? (certificate && CERTIFICATE_NAME),
    ...containerResources(INGRESS, ingress),
  };
}

/** One worker with every default filled in. */
export function resolveWorker(written: Written, worker: Partial<WrittenWorker> & { id: number }): WorkerConfig {
  const defaults = written.workerDefaults;
  const type = worker.type ?? defaults.type ?? DEFAULT_TYPE;
  const builtIn = isBuiltIn(type);
  return {
    ...resources(written, worker, defaults),
    id: worker.id,
    type,
    port: worker.port,
    listenPort: worker.listenPort ?? defaults.listenPort ?? (builtIn ? LISTEN_PORT : undefined),
    mountPath: worker.mountPath ?? defaults.mountPath ?? (builtIn ? MOUNT_PATH : undefined),
    image: worker.image ?? ofType(written.images, type) ?? defaults.image,
    pool: worker.pool ?? defaults.pool,
    command: worker.command ?? ofType(written.commands, type) ?? defaults.command,
    checkpointIntervalMs: worker.checkpointIntervalMs ?? defaults.checkpointIntervalMs ?? written.checkpointIntervalMs,
    resp: worker.resp ?? defaults.resp ?? RESP_TYPES.includes(type),
    state: worker.state,
    ...(type === STORE_TYPE ? storeLimits(worker, defaults) : { maxMemory: undefined, eviction: undefined }),
  };
}

type StoreLimits = Partial<Pick<WrittenWorker, 'maxMemory' | 'eviction'>>;

function storeLimits(own: StoreLimits, defaults: StoreLimits): Pick<WorkerConfig, 'maxMemory' | 'eviction'> {
  return { maxMemory: own.maxMemory ?? defaults.maxMemory, eviction: own.eviction ?? defaults.eviction };
}

/** What a map of the configuration says of a type; a type may be called `constructor`. */
function ofType<Value>(map: Readonly<Record<string, Value>>, type: string): Value | undefined {
  return Object.hasOwn(map, type) ? map[type] : undefined;
}

type ContainerLayer = Partial<Pick<WrittenWorker, keyof ContainerResources>>;
type Layer = ContainerLayer & Partial<Pick<WrittenWorker, 'storage' | 'storageClass' | 'diskSku' | 'image' | 'pod'>>;

/** What the first layer says, or else the second, or else the project. */
function resources({ azure }: Written, own: Layer, defaults: Layer = {}): Resources {
  return {
    ...containerResources(PROCESS, own, defaults),
    storage: own.storage ?? defaults.storage ?? STORAGE,
    storageClass: classOf(own) ?? classOf(defaults) ?? (azure === undefined ? undefined : MANAGED_DISK_CLASS),
    image: own.image ?? defaults.image,
    pod: own.pod,
  };
}

function classOf({ storageClass, diskSku }: Layer): string | undefined {
  return storageClass ?? (diskSku === undefined ? undefined : diskClass(diskSku));
}

function containerResources(project: Amounts, own: ContainerLayer, defaults: ContainerLayer = {}): ContainerResources {
  return {
    cpu: range(project.cpu, own.cpu, defaults.cpu),
    memory: range(project.memory, own.memory, defaults.memory),
    ephemeralStorage: together(defaults.ephemeralStorage, own.ephemeralStorage),
    extended: together(defaults.extended, own.extended),
  };
}

/** What either says, the second before the first; undefined where neither says anything. */
function together<Value extends object>(general: Value | undefined, own: Value | undefined): Value | undefined {
  return general === undefined ? own : { ...general, ...own };
}

function range(project: Range, own: Layer['cpu'], defaults?: Layer['cpu']): Range {
  return {
    request: own?.request ?? defaults?.request ?? project.request,
    limit: own?.limit ?? defaults?.limit ?? project.limit,
  };
}
