import {
  ingressAdminPort,
  collisions,
  CONTROL_PORT_OFFSET,
  localClaims,
  MAX_LOCAL_BASE_PORT,
  MAX_PORT,
  publicClaims,
  publicPort,
  respClaims,
  respPort,
} from '../plan/ports.ts';
import { workerName } from '../plan/names.ts';
import { isBuiltIn, STORE_MEMORY_SHARES, STORE_TYPE } from '../plan/worker-types.ts';
import { ingressProblems } from './ingress-checks.ts';
import { azureProblems, workersOnAzureProblems } from './azure-checks.ts';
import { type Problem, shown } from './problems.ts';
import { isLess, quantityValue } from '../plan/quantity.ts';
import type { ContainerResources } from './defaults.ts';
import { podProblems } from './pod-checks.ts';
import type { Written, WrittenWorker } from './schema/index.ts';
import type { Entry, Subject } from './subject.ts';

type Check = {
  /** The keys without which it would report nonsense, so it is left out when one of them is wrong itself. */
  readonly needs: readonly (keyof Written)[];
  readonly run: (subject: Subject) => Problem[];
};

/** StatefulSets name their revisions by their own name, a hyphen and ten more characters, in a label of at most 63. */
const MAX_NAME_CHARACTERS = 52;
/** What Kubernetes sets aside for ports of nodes, unless a cluster says otherwise. */
const FIRST_NODE_PORT = 30_000;
const LAST_NODE_PORT = 32_767;
/** Names that mean something else in `dpr:images`, or among the cluster's own pods. */
const RESERVED_TYPES = ['finder', 'client', 'ingress', 'nginx', 'registry', 'tag'];

/** Every check that looks at more than one value. */
export const CHECKS: readonly Check[] = [
  { needs: ['workers'], run: duplicateIds },
  { needs: ['workers', 'workerDefaults'], run: typeNames },
  { needs: ['finder', 'ingress', 'workers', 'workerDefaults'], run: limitsBelowRequests },
  { needs: ['basePort'], run: portRanges },
  { needs: ['basePort'], run: portCollisions },
  { needs: ['basePort', 'ingress'], run: nodePorts },
  { needs: ['ingress', 'ipFamilies'], run: ingressProblems },
  { needs: ['workerDefaults', 'images', 'commands'], run: foreignTypes },
  { needs: ['workers', 'forceRemove'], run: forcedIds },
  { needs: ['workers', 'workerDefaults'], run: limitsOfOthers },
  { needs: ['workers', 'workerDefaults'], run: limitsOfStores },
  { needs: ['azure'], run: azureProblems },
  { needs: ['azure', 'workers', 'workerDefaults', 'finder', 'ingress'], run: workersOnAzureProblems },
  { needs: ['pod', 'finder', 'ingress', 'console', 'jobs', 'workers', 'workerDefaults'], run: podProblems },
];

function duplicateIds({ entries }: Subject): Problem[] {
  const first = firstOfEachId(entries);
  return entries.flatMap((entry) => {
    const { id } = entry.worker;
    const earlier = first.get(id);
    if (earlier === undefined || earlier === entry) return [];
    return [{ key: `${entry.key}.id`, text: `is ${id}, as in ${earlier.key}: give every worker its own id` }];
  });
}

function firstOfEachId(entries: readonly Entry[]): Map<number, Entry> {
  return new Map(entries.toReversed().map((entry) => [entry.worker.id, entry]));
}

function typeNames({ entries }: Subject): Problem[] {
  return entries.flatMap(({ key, worker }) => {
    const at = `${key}.type`;
    if (RESERVED_TYPES.includes(worker.type)) {
      return [{ key: at, text: `is ${shown(worker.type)}, which the cluster uses itself: choose another name` }];
    }
    const name = workerName(worker);
    if (name.length <= MAX_NAME_CHARACTERS) return [];
    const tooLong = `${name.length} characters, and Kubernetes leaves ${MAX_NAME_CHARACTERS}`;
    return [{ key: at, text: `makes the name ${shown(name)} of ${tooLong}: choose a shorter one` }];
  });
}

const RANGES = ['cpu', 'memory', 'ephemeralStorage'] as const;
type Ranges = (typeof RANGES)[number];
type Owner = [key: string, own: Pick<WrittenWorker, Ranges>, resolved: Pick<ContainerResources, Ranges>];

function limitsBelowRequests({ written, config, entries, defaults }: Subject): Problem[] {
  const owners: Owner[] = [
    ['dpr:finder', written.finder, config.finder],
    ['dpr:ingress', written.ingress, config.ingress],
    ['dpr:workerDefaults', written.workerDefaults, defaults],
    ...entries.map(({ key, written: own, worker }): Owner => [key, own, worker]),
  ];
  return owners.flatMap(([key, own, resolved]) =>
    RANGES.flatMap((name) => {
      const { request, limit } = resolved[name] ?? {};
      if (request === undefined || limit === undefined) return [];
      // A worker that says nothing of it has its defaults' mistake, which is told of once.
      if (own[name] === undefined || !isLess(quantityValue(limit) ?? 0, quantityValue(request) ?? 0)) return [];
      return [
        { key: `${key}.${name}`, text: `has limit ${limit}, below request ${request}: raise limit or lower request` },
      ];
    }),
  );
}

function portRanges({ target, config, entries }: Subject): Problem[] {
  const workers = { highest: MAX_PORT, why: 'the highest there is' };
  const local = {
    highest: MAX_LOCAL_BASE_PORT,
    why: `the highest on one machine, since the control port is ${CONTROL_PORT_OFFSET} above`,
  };
  const finder = target === 'local' ? local : workers;
  const ports = [
    ...entries.map(({ worker }) => ({
      key: 'dpr:respBasePort',
      port: respPort(config.respBasePort, worker) ?? 0,
      ...workers,
    })),
    { key: 'dpr:basePort', port: config.basePort, ...finder },
    ...entries.map(({ key, worker }) => ({
      key: worker.port === undefined ? `${key}.id` : `${key}.port`,
      port: publicPort(config.basePort, worker),
      ...workers,
    })),
  ];
  return ports
    .filter(({ port, highest }) => port > highest)
    .map(({ key, port, highest, why }) => ({
      key,
      text: `makes public port ${port}, above ${highest}, ${why}: set a lower port`,
    }));
}

function nodePorts({ target, config, entries }: Subject): Problem[] {
  const { serviceType } = config.ingress;
  if (target === 'local' || serviceType === 'ClusterIP') return [];
  const workers = entries.map(({ worker }) => worker);
  const claims = [...publicClaims(config.basePort, workers), ...respClaims(config.respBasePort, workers)];
  const ports = claims.map(({ port }) => port);
  if (serviceType === 'LoadBalancer') return tooManyForNodes(ports.length);
  // Clients are told public ports, so these have to be the ports of the nodes.
  const outside = ports.find((port) => port < FIRST_NODE_PORT || port > LAST_NODE_PORT);
  if (outside === undefined) return [];
  const bases = config.respBasePort === undefined ? 'dpr:basePort' : 'dpr:basePort, dpr:respBasePort';
  const text = `is NodePort, and public port ${outside} is none: set ${bases}, and every port of a worker, within ${FIRST_NODE_PORT} to ${LAST_NODE_PORT}`;
  return [{ key: 'dpr:ingress.serviceType', text }];
}

/** Behind each port of a load balancer Kubernetes sets one of the nodes' ports aside. */
function tooManyForNodes(ports: number): Problem[] {
  const there = LAST_NODE_PORT - FIRST_NODE_PORT + 1;
  if (ports <= there) return [];
  const text = `is LoadBalancer, which takes a port of the nodes for each of ${ports} public ones, and of those there are ${there}: declare fewer workers, or choose ClusterIP and bring a load balancer of your own`;
  return [{ key: 'dpr:ingress.serviceType', text }];
}

function portCollisions({ target, config, entries }: Subject): Problem[] {
  const first = firstOfEachId(entries); // a second one is told of already
  const workers = entries.filter((entry) => first.get(entry.worker.id) === entry).map(({ worker }) => worker);
  const claims = publicClaims(config.basePort, workers);
  const forRedis = respClaims(config.respBasePort, workers);
  if (target === 'local') {
    // Two that share the public port share the admin port too, which needs no mention.
    const later = new Set(collisions(claims).map(({ claim }) => claim));
    const distinct = claims.filter((claim) => !later.has(claim));
    for (const claim of localClaims(config.basePort, distinct)) claims.push(claim);
  } else {
    claims.push({ port: ingressAdminPort(config), owner: "the ingress's admin port" });
  }
  for (const claim of forRedis) claims.push(claim);
  return collisions(claims).map(({ claim, earlier }) => ({
    key: 'dpr:workers',
    text: `give port ${claim.port} to ${earlier.owner} and to ${claim.owner}: set another port for one of them`,
  }));
}

/** A type that the project does not ship has to say what the target needs to know of it. */
function foreignTypes({ target, entries }: Subject): Problem[] {
  return entries
    .filter(({ worker }) => !isBuiltIn(worker.type))
    .flatMap(({ key, worker: { type, command, image, mountPath, listenPort } }) => {
      const problem = (text: string) => ({ key, text: `is of type ${shown(type)}, ${text}` });
      if (target === 'local') {
        const fix = `set dpr:commands.${type} or the worker's command`;
        return command === undefined ? [problem(`and no command says how to start it: ${fix}`)] : [];
      }
      const missing = [
        ...(image === undefined ? [`image (or dpr:images.${type})`] : []),
        ...(mountPath === undefined ? ['mountPath'] : []),
        ...(listenPort === undefined ? ['listenPort'] : []),
      ];
      return missing.length === 0 ? [] : [problem(`which the project does not ship: set its ${missing.join(', ')}`)];
    });
}

function forcedIds({ config, entries }: Subject): Problem[] {
  return entries
    .filter(({ worker }) => config.forceRemove.includes(worker.id))
    .map(({ key, worker }) => ({
      key: 'dpr:forceRemove',
      text: `has ${worker.id}, which ${key} declares: a worker can be removed or kept, not both`,
    }));
}

/** Defaults may say it of all stores; an entry says it of itself. */
function limitsOfOthers({ entries }: Subject): Problem[] {
  return entries.flatMap(({ key, written, worker: { type } }) => {
    if (type === STORE_TYPE) return [];
    const said = (['maxMemory', 'eviction'] as const).filter((name) => written[name] !== undefined);
    return said.map((name) => ({
      key: `${key}.${name}`,
      text: `is for workers of type "${STORE_TYPE}", and this is of type ${shown(type)}: remove it, or set type: ${STORE_TYPE}`,
    }));
  });
}

/** On one machine nothing limits the memory of a process here, so only the process itself knows. */
function limitsOfStores({ target, entries }: Subject): Problem[] {
  if (target === 'local') return [];
  const problems = entries.flatMap(({ key, written, worker: { maxMemory, eviction = 'none', memory } }) => {
    const most = STORE_MEMORY_SHARES[eviction] * (quantityValue(memory.limit) ?? 0);
    if (maxMemory === undefined || !isLess(most, quantityValue(maxMemory) ?? 0)) return [];
    const isOwn = [written.maxMemory, written.eviction, written.memory].some((own) => own !== undefined);
    const part = eviction === 'none' ? 'half' : 'three eighths, with eviction,';
    const text = `is ${maxMemory}, and of the memory limit ${memory.limit} keys may take ${part} at most: raise memory.limit or lower maxMemory`;
    return [{ key: `${isOwn ? key : 'dpr:workerDefaults'}.maxMemory`, text }];
  });
  // A worker that says nothing of it has its defaults' mistake, which is told of once.
  return problems.filter(({ key }, index) => problems.findIndex((other) => other.key === key) === index);
}
