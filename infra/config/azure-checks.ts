import { diskProblems, FIRST_POOL, planPools, POOL_LABEL, poolKey } from '../plan/azure/index.ts';
import { publicClaims, respClaims } from '../plan/ports.ts';
import { nearest, type Problem, shown } from './problems.ts';
import type { Subject } from './subject.ts';

type Azure = NonNullable<Subject['config']['azure']>;

/** Most nodes of all pools of a cluster, by Azure's limits. */
export const MAX_CLUSTER_NODES = 5_000;
/** Most ports of one address of Azure's load balancer. */
export const MAX_BALANCED_PORTS = 299;
/** Prefixes of labels and taints that Azure and Kubernetes set themselves. */
const RESERVED_DOMAINS = /^([^/]+\.)?(kubernetes\.azure\.com|kubernetes\.io|k8s\.io)\//;

/** What is wrong with `dpr:azure`, whatever is on it. */
export function azureProblems({ config: { azure } }: Subject): Problem[] {
  if (azure === undefined) return [];
  return [
    ...poolNames(azure),
    ...Object.entries({ [FIRST_POOL]: azure, ...azure.pools }).flatMap(([name, pool]) => nodeCounts(name, pool)),
    ...Object.entries(azure.pools ?? {}).flatMap(([name, pool]) => reservedNames(name, pool)),
    ...totalNodes(azure),
    ...apiServerAccess(azure),
  ];
}

/** What does not fit together of Azure and the processes on it. On one machine they are not on it. */
export function workersOnAzureProblems(subject: Subject): Problem[] {
  if (subject.target === 'local') return [];
  return [...namedPools(subject), ...diskSkus(subject), ...balancedPorts(subject), ...diskProblems(subject.config)];
}

function poolNames({ pools = {} }: Azure): Problem[] {
  if (!Object.hasOwn(pools, FIRST_POOL)) return [];
  const text = `is the first pool, which dpr:azure itself describes: choose another name`;
  return [{ key: `dpr:azure.pools.${FIRST_POOL}`, text }];
}

function nodeCounts(name: string, { nodeCount, autoscale }: Pick<Azure, 'nodeCount' | 'autoscale'>): Problem[] {
  if (autoscale === undefined) return [];
  const { min, max } = autoscale;
  const key = poolKey(name);
  return [
    ...(nodeCount === undefined
      ? []
      : [{ key, text: 'has nodeCount, and autoscale decides that: remove one of them' }]),
    ...(min <= max
      ? []
      : [{ key: `${key}.autoscale`, text: `has min ${min}, above max ${max}: raise max or lower min` }]),
  ];
}

function reservedNames(name: string, { labels = {}, taint = '' }: NonNullable<Azure['pools']>[string]): Problem[] {
  const isReserved = (word: string) => word === POOL_LABEL || RESERVED_DOMAINS.test(word);
  const [taintKey = ''] = taint.split('=');
  const key = poolKey(name);
  const text = (word: string) =>
    `has ${shown(word)}, which Azure, Kubernetes or the stack sets itself: choose another name`;
  return [
    ...Object.keys(labels)
      .filter(isReserved)
      .map((label) => ({ key: `${key}.labels`, text: text(label) })),
    ...(isReserved(taintKey) ? [{ key: `${key}.taint`, text: text(taintKey) }] : []),
  ];
}

function totalNodes(azure: Azure): Problem[] {
  const most = planPools(azure).reduce((sum, { autoscale, count }) => sum + (autoscale?.max ?? count), 0);
  if (most <= MAX_CLUSTER_NODES) return [];
  const text = `has up to ${most} nodes in all pools, and Azure takes ${MAX_CLUSTER_NODES}: lower nodeCount or autoscale.max`;
  return [{ key: 'dpr:azure', text }];
}

function apiServerAccess({ privateCluster, authorizedIpRanges }: Azure): Problem[] {
  if (privateCluster !== true || authorizedIpRanges === undefined) return [];
  const text = 'are for an API server with a public address, and privateCluster takes that away: remove one of them';
  return [{ key: 'dpr:azure.authorizedIpRanges', text }];
}

function namedPools({ config: { azure }, written, entries }: Subject): Problem[] {
  const names = [FIRST_POOL, ...Object.keys(azure?.pools ?? {})];
  const owners = [{ key: 'dpr:workerDefaults', written: written.workerDefaults }, ...entries];
  return owners.flatMap(({ key, written: { pool } }) => {
    if (pool === undefined || (azure !== undefined && names.includes(pool))) return [];
    const at = `${key}.pool`;
    if (azure === undefined) {
      return [{ key: at, text: `is ${shown(pool)}, and only dpr:azure makes pools: remove it, or set dpr:azure` }];
    }
    const meant = nearest(pool, names);
    const fix = meant === undefined ? `choose from ${names.join(', ')}` : `did you mean ${meant}?`;
    return [{ key: at, text: `is ${shown(pool)}, which dpr:azure.pools does not have: ${fix}` }];
  });
}

function diskSkus({ config: { azure }, written, entries }: Subject): Problem[] {
  const owners = [
    { key: 'dpr:finder', written: written.finder },
    { key: 'dpr:workerDefaults', written: written.workerDefaults },
    ...entries,
  ];
  return owners.flatMap(({ key, written: { diskSku, storageClass } }) => {
    if (diskSku === undefined) return [];
    const problem = (text: string) => [{ key: `${key}.diskSku`, text: `is ${shown(diskSku)}, and ${text}` }];
    if (azure === undefined) return problem('only dpr:azure makes such disks: set storageClass instead');
    return storageClass === undefined ? [] : problem(`storageClass is ${storageClass}: remove one of them`);
  });
}

function balancedPorts({ config: { azure, basePort, respBasePort, ingress, workers } }: Subject): Problem[] {
  if (azure === undefined || ingress.serviceType !== 'LoadBalancer') return [];
  const ports = [...publicClaims(basePort, workers), ...respClaims(respBasePort, workers)].length;
  if (ports <= MAX_BALANCED_PORTS) return [];
  const text = `is LoadBalancer, and one of Azure serves ${MAX_BALANCED_PORTS} ports, not ${ports}: declare fewer workers, or choose ClusterIP and bring a load balancer of your own`;
  return [{ key: 'dpr:ingress.serviceType', text }];
}
