import type { Config, ContainerResources, OptionalRange, Resources, WorkerConfig } from '../config.ts';
import { placementIn } from './azure/index.ts';
import { type Environment, finderEnvironment, workerEnvironment } from './environment.ts';
import { nginxImage, type PlannedImage, projectImage, workerImage } from './images.ts';
import { planCertificate, type PlannedCertificate, type PlannedService, planServices } from './ingress-services.ts';
import { everyAddress, listenAddresses, type ServiceFamilies, serviceFamilies } from './ip-families.ts';
import { ingressConfiguration, type IngressRoute } from './nginx-configuration.ts';
import { declaredWords, hashOf, idRanges } from './declaration-arguments.ts';
import {
  CONSOLE_NAME,
  FINDER_NAME,
  INGRESS_ADMIN_NAME,
  INGRESS_NAME,
  labelsOf,
  PODS_NAME,
  type Role,
  selectorOf,
  workerName,
} from './names.ts';
import { OPERATOR_LABEL } from './network-policies.ts';
import {
  accountsOf,
  consolePod,
  finderPod,
  ingressPods,
  jobPod,
  type PlannedPod,
  type PlannedServiceAccount,
  workerPod,
} from './pods.ts';
import {
  adminPort,
  CONTROL_PORT_OFFSET,
  ingressAdminPort,
  LISTEN_PORT,
  publicPort,
  respListenPort,
  respPort,
} from './ports.ts';

type Labels = Readonly<Record<string, string>>;

/** What a container may use; of what is not there Kubernetes gives what it gives all. */
export type PlannedResources = Pick<ContainerResources, 'cpu' | 'memory'> & {
  readonly ephemeralStorage?: OptionalRange;
  readonly extended?: Readonly<Record<string, number>>;
};

/** The one volume of a stateful process. */
export type PlannedVolume = {
  /** A Kubernetes quantity. */
  readonly size: string;
  /** Undefined: the Kubernetes cluster's default class. */
  readonly storageClass: string | undefined;
  readonly mountPath: string;
  /** The claim's name is this, a hyphen, and the pod's name. */
  readonly claim: string;
  readonly accessMode: string;
  /** Where the state is on it. */
  readonly directory: string;
  /** Whether it stays when its process is removed. */
  readonly keep: boolean;
};

/** A process with a name and a volume of its own: the Finder or a worker. */
export type PlannedProcess = {
  /** Of its StatefulSet and its Service; the pod's is this and `-0`. */
  readonly name: string;
  readonly role: Role;
  readonly labels: Labels;
  readonly selector: Labels;
  readonly image: PlannedImage;
  /** Container ports by name; all but `admin` are ports of the Service too. */
  readonly ports: Readonly<Record<string, number>>;
  /** Without the tokens, which are secrets. */
  readonly environment: Environment;
  readonly volume: PlannedVolume;
  readonly resources: PlannedResources;
  readonly pod: PlannedPod;
};

export type PlannedFinder = PlannedProcess;
export type PlannedWorker = PlannedProcess & {
  readonly id: number;
  readonly type: string;
  /** What clients reach it by, at the ingress's address. */
  readonly publicPort: number;
  /** The public one for Redis clients; undefined: there is none. */
  readonly respPort: number | undefined;
};

export type PlannedIngress = {
  readonly name: string;
  readonly labels: Labels;
  readonly selector: Labels;
  readonly images: { readonly nginx: PlannedImage; readonly feeder: PlannedImage };
  /** NGINX's configuration and the version that it tells of itself. */
  readonly text: string;
  readonly version: string;
  readonly routes: readonly IngressRoute[];
  readonly adminPort: number;
  /** Where the program beside NGINX listens; undefined: at every address of IPv4. */
  readonly adminHost: string | undefined;
  /** In front of it, the one first that pods of the cluster use. */
  readonly services: readonly PlannedService[];
  /** What is known of the address that clients use: a name or an address; undefined: the Service tells it. */
  readonly address: string | undefined;
  /** Undefined: there is none, or it is there already. */
  readonly certificate: PlannedCertificate | undefined;
  readonly replicas: number;
  readonly tlsSecretName: string | undefined;
  readonly resources: PlannedResources;
  readonly pod: PlannedPod;
};

/** A program that runs to its end. */
export type PlannedJob = {
  readonly name: string;
  readonly role: Role;
  readonly labels: Labels;
  readonly image: PlannedImage;
  /** Undefined: what the image starts by itself. */
  readonly command: readonly string[] | undefined;
  readonly arguments: readonly string[];
  readonly environment: Environment;
  readonly timeoutSeconds: number;
  readonly resources: PlannedResources;
  readonly pod: PlannedPod;
};

/** A program that serves people, and keeps nothing. */
export type PlannedConsole = {
  readonly name: string;
  readonly role: Role;
  readonly labels: Labels;
  readonly selector: Labels;
  readonly image: PlannedImage;
  readonly arguments: readonly string[];
  readonly environment: Environment;
  /** Where it listens in its pod. */
  readonly port: number;
  readonly resources: PlannedResources;
  readonly pod: PlannedPod;
};

export type KubernetesPlan = {
  readonly namespace: string;
  readonly serviceFamilies: ServiceFamilies;
  readonly createNamespace: boolean;
  readonly keepVolumes: boolean;
  /** Those of the ingress come with it. */
  readonly serviceAccounts: readonly PlannedServiceAccount[];
  readonly finder: PlannedFinder;
  readonly workers: readonly PlannedWorker[];
  readonly ingress: PlannedIngress;
  readonly membership: PlannedJob;
  readonly clientRun: PlannedJob | undefined;
  /** Undefined: there is none. */
  readonly console: PlannedConsole | undefined;
};

/** The name of each claim, before the pod's. */
const CLAIM = 'data';
/** A volume is one process's own. */
const ACCESS_MODE = 'ReadWriteOnce';
/** The directory of a process's state on its volume, whose root may hold what file systems put there. */
const STATE_DIRECTORY = 'dpr';
/** Where the Finder and the project's own processes listen in their pods. */
const CONTROL_PORT = LISTEN_PORT + CONTROL_PORT_OFFSET;
const ADMIN_PORT = adminPort(LISTEN_PORT);
/** Where the console listens in its pod. */
const CONSOLE_PORT = 8080;
const CONSOLE_RESOURCES = { cpu: { request: '50m', limit: '1' }, memory: { request: '128Mi', limit: '256Mi' } };
const JOB_RESOURCES = { cpu: { request: '50m', limit: '1' }, memory: { request: '64Mi', limit: '256Mi' } };

/**
 * Everything that makes a cluster on Kubernetes, as data. What a worker gets depends on its own entry and the shared settings
 * alone.
 *
 * @param config checked for the target `kubernetes`
 */
export function planKubernetes(config: Config): KubernetesPlan {
  const workers = config.workers.map((worker) => planWorker(config, worker));
  const ingress = planIngress(config, workers);
  const finder = planFinder(config);
  const membership = planMembership(config, ingress);
  const clientRun = planClientRun(config);
  const console = config.console && planConsole(config);
  const some = [console, clientRun].filter((planned) => planned !== undefined);
  return {
    namespace: config.namespace,
    serviceFamilies: serviceFamilies(config),
    createNamespace: config.createNamespace,
    keepVolumes: config.keepVolumes,
    serviceAccounts: accountsOf([finder, ...workers, membership, ...some]),
    finder,
    workers,
    ingress,
    membership,
    clientRun,
    console,
  };
}

function planFinder(config: Config): PlannedFinder {
  const { finder } = config;
  const ports = { public: LISTEN_PORT, control: CONTROL_PORT, admin: ADMIN_PORT };
  return {
    ...named('finder', FINDER_NAME),
    image: projectImage(config, 'finder', finder.image),
    ports,
    environment: finderEnvironment({ ...shared(config, ports, finder.mountPath), controlPort: CONTROL_PORT }),
    volume: volumeOf(config, finder, finder.mountPath),
    resources: containerResources(finder),
    pod: finderPod(config),
  };
}

function planWorker(config: Config, worker: WorkerConfig): PlannedWorker {
  const { id, type, listenPort, mountPath } = worker;
  if (listenPort === undefined || mountPath === undefined) throw new Error(`worker ${id} was not checked`);
  const port = publicPort(config.basePort, worker);
  const forRedis = respPort(config.respBasePort, worker);
  const resp = forRedis === undefined ? undefined : respListenPort(listenPort);
  const ports = { public: listenPort, admin: adminPort(listenPort), ...(resp === undefined ? {} : { resp }) };
  const environment = workerEnvironment({
    ...shared(config, ports, mountPath),
    id,
    type,
    publicPort: port,
    respPort: resp,
    finder: `ws://${FINDER_NAME}:${CONTROL_PORT}`,
    checkpointIntervalMs: worker.checkpointIntervalMs,
    state: worker.state,
    maxMemory: worker.maxMemory,
    eviction: worker.eviction,
  });
  const placement = placementIn(config.azure, worker.pool);
  return {
    ...named('worker', workerName(worker)),
    id,
    type,
    publicPort: port,
    respPort: forRedis,
    image: workerImage(config, worker),
    ports,
    environment,
    volume: volumeOf(config, worker, mountPath),
    resources: containerResources(worker),
    pod: workerPod(config, workerName(worker), worker.pod, placement),
  };
}

function planIngress(config: Config, workers: readonly PlannedWorker[]): PlannedIngress {
  const { ingress } = config;
  const routes = [
    { name: 'finder', port: config.basePort, target: `${FINDER_NAME}:${LISTEN_PORT}` },
    ...workers
      .toSorted((a, b) => a.publicPort - b.publicPort)
      .map(({ id, name, publicPort: port, ports }) => ({
        name: `worker-${id}`,
        port,
        target: `${name}:${ports.public ?? LISTEN_PORT}`,
      })),
    ...workers.flatMap(({ id, name, respPort: port, ports: { resp } }) =>
      port === undefined || resp === undefined ? [] : [{ name: `resp-${id}`, port, target: `${name}:${resp}` }],
    ),
  ];
  return {
    ...named('ingress', INGRESS_NAME),
    ...ingressConfiguration(routes, {
      withTls: ingress.tlsSecretName !== undefined,
      tellsAddresses: ingress.clientAddresses === 'proxied',
      addresses: listenAddresses(config),
    }),
    images: { nginx: nginxImage(config), feeder: projectImage(config, 'ingress') },
    routes,
    adminPort: ingressAdminPort(config),
    adminHost: config.ipFamilies && everyAddress(config),
    services: planServices(config, routes),
    address: ingress.hostname ?? ingress.address,
    certificate: planCertificate(config),
    replicas: ingress.replicas,
    tlsSecretName: ingress.tlsSecretName,
    resources: containerResources(ingress),
    pod: ingressPods(config, INGRESS_NAME),
  };
}

/** Its name tells what it does, so that a new declaration is a new Job, and an unchanged one is none. */
function planMembership(config: Config, { version, adminPort }: PlannedIngress): PlannedJob {
  const { workers, forceRemove, membershipTimeoutSeconds } = config;
  const words = [
    'ensure',
    ...(workers.length === 0 ? ['none'] : declaredWords(workers)),
    '--remove-others',
    ...(forceRemove.length === 0 ? [] : ['--force-remove', idRanges(forceRemove)]),
    ...['--timeout', String(membershipTimeoutSeconds)],
    ...['--ingress', `${INGRESS_ADMIN_NAME}:${adminPort}`, '--ingress-version', version],
  ];
  // The Job itself gives up a little later than the program, which knows the reason.
  return planJob(config, 'membership', [words], words, membershipTimeoutSeconds + 60);
}

function planClientRun(config: Config): PlannedJob | undefined {
  const { clientRun } = config;
  if (clientRun === undefined) return undefined;
  const program = planJob(config, 'client', [clientRun], clientRun.arguments, clientRun.timeoutSeconds);
  const planned = { ...program, labels: { ...program.labels, ...OPERATOR_LABEL } }; // it may ask for the status
  return clientRun.program === 'dpr' ? planned : { ...planned, command: ['node', `/app/${clientRun.program}.js`] };
}

/** It is the `dpr` command that serves it, at the control port as any operator. */
function planConsole(config: Config): PlannedConsole {
  const { labels, ...rest } = named('console', CONSOLE_NAME);
  return {
    ...rest,
    labels: { ...labels, ...OPERATOR_LABEL },
    image: projectImage(config, 'client'),
    arguments: [
      'console',
      ...['--host', everyAddress(config), '--port', String(CONSOLE_PORT)],
      ...['--metrics', `http://NAME-0.${PODS_NAME}:${ADMIN_PORT}/metrics`],
    ],
    environment: clientEnvironment(config),
    port: CONSOLE_PORT,
    resources: CONSOLE_RESOURCES,
    pod: consolePod(config),
  };
}

/** @param told what it is told, which its name is made of, with its image, environment and the settings of its pod */
function planJob(
  config: Config,
  role: 'membership' | 'client',
  told: readonly unknown[],
  words: readonly string[],
  timeoutSeconds: number,
): PlannedJob {
  const image = projectImage(config, 'client');
  const environment = clientEnvironment(config);
  const pod = jobPod(config, role);
  const settings = Object.keys(pod).length === 0 ? [] : [pod];
  const name = `dpr-${role}-${hashOf(JSON.stringify([...told, image, environment, ...settings]))}`;
  const labels = labelsOf(role, name);
  const facts = { name, role, labels, image, arguments: words, environment, timeoutSeconds };
  return { ...facts, command: undefined, resources: JOB_RESOURCES, pod };
}

/** Programs inside the cluster reach workers as those outside do: through the ingress. */
function clientEnvironment({ basePort, ingress }: Config): Environment {
  const addresses = { DPR_CONTROL: `ws://${FINDER_NAME}:${CONTROL_PORT}` };
  if (ingress.tlsSecretName === undefined) return { ...addresses, DPR_CLUSTER: `ws://${INGRESS_NAME}:${basePort}` };
  // The certificate is for the name outside. Inside, where nothing else is encrypted, it proves nothing.
  const unchecked = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
  return { ...addresses, DPR_CLUSTER: `wss://${INGRESS_NAME}:${basePort}`, ...unchecked };
}

function containerResources({ cpu, memory, ephemeralStorage, extended = {} }: ContainerResources): PlannedResources {
  const some = Object.entries(extended).filter(([, number]) => number > 0);
  return {
    ...{ cpu, memory },
    ...(ephemeralStorage === undefined ? {} : { ephemeralStorage }),
    ...(some.length === 0 ? {} : { extended: Object.fromEntries(some) }),
  };
}

function named(role: Role, name: string) {
  return { name, role, labels: labelsOf(role, name), selector: selectorOf(role, name) };
}

function shared(config: Config, ports: { public: number; admin: number }, mountPath: string) {
  return {
    host: everyAddress(config),
    port: ports.public,
    adminPort: ports.admin,
    data: `${mountPath}/${STATE_DIRECTORY}`,
    logLevel: config.logLevel,
    receiveTimeoutMs: config.receiveTimeoutMs,
    tokens: {},
    allowedOrigins: config.allowedOrigins,
    clientAddresses: config.ingress.clientAddresses,
    hostNames: undefined, // which names lead to the ingress, its administrator knows; origins are checked all the same
  };
}

function volumeOf({ keepVolumes: keep }: Config, { storage, storageClass }: Resources, mountPath: string) {
  const made = { claim: CLAIM, accessMode: ACCESS_MODE, directory: STATE_DIRECTORY };
  return { size: storage, storageClass, mountPath, ...made, keep };
}
