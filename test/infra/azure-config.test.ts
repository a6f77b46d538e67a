import assert from 'node:assert/strict';
import { parseConfig } from '@dpr/infra/config';
import { planKubernetes } from '@dpr/infra/plan';
import { MAX_BALANCED_PORTS, MAX_CLUSTER_NODES } from '../../infra/config/azure-checks.ts';
import { MAX_AUTHORIZED_RANGES, MAX_OTHER_POOLS } from '../../infra/config/schema/azure.ts';
import { itRefuses, type Mistake } from './mistakes.ts';

const ZONES_RULE = 'it must list different zones out of "1", "2" and "3", such as ["1", "2", "3"]';
const POOL_RULE = 'a lower-case letter, then letters and digits, at most 12 characters';
const RANGES_RULE = 'it must list 1 to 200 ranges of addresses, such as ["203.0.113.0/24"]';
const TAINT_RULE = 'it must be a taint, such as "team=search:NoSchedule", or none';

/** A configuration with these keys of `dpr:azure`, and others beside it. */
function on(azure: object, others: object = {}) {
  return { workers: [{ id: 0 }], azure: { location: 'westeurope', ...azure }, ...others };
}

function numbered<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const pools = (count: number) =>
  Object.fromEntries(numbered(count, (index) => [`p${index}`, { nodeCount: 1 }] as const));
const ranges = (count: number) => numbered(count, (index) => `10.0.${index}.0/24`);
/** The Finder has a port of its own. */
const workersOn = (ports: number) => numbered(ports - 1, (id) => ({ id }));

const MISTAKES: Mistake[] = [
  {
    what: 'zones that there are not, or twice, or none',
    raw: on({ zones: ['4'], pools: { a: { zones: [1, '1'] }, b: { zones: [] }, c: { zones: '1' } } }),
    says: [
      `dpr:azure.zones[0] is "4": ${ZONES_RULE}`,
      `dpr:azure.pools.a.zones is [1,"1"]: ${ZONES_RULE}`,
      `dpr:azure.pools.b.zones is []: ${ZONES_RULE}`,
      `dpr:azure.pools.c.zones is "1": ${ZONES_RULE}`,
    ],
  },
  {
    what: 'names of pools that Azure does not take',
    raw: on({ pools: { Fast: {}, a123456789012: {}, '1a': {}, 'a-b': {} } }),
    says: ['Fast', 'a123456789012', '1a', 'a-b'].map(
      (name) => `dpr:azure.pools.${name} is {}: it must stand at the name of a pool: ${POOL_RULE}`,
    ),
  },
  {
    what: 'the name of the first pool for another',
    raw: on({ pools: { workers: {} } }),
    says: ['dpr:azure.pools.workers is the first pool, which dpr:azure itself describes: choose another name'],
  },
  {
    what: 'a mistyped key of a pool',
    raw: on({ pools: { fast: { nodesize: 'Standard_D8s_v5' } } }),
    says: ['dpr:azure.pools.fast.nodesize is not a key that exists: did you mean nodeSize?'],
  },
  {
    what: 'more pools than Azure takes',
    raw: on({ pools: pools(MAX_OTHER_POOLS + 1) }),
    says: [
      'dpr:azure.pools is {"p0":{"nodeCount":1},"p1":{"nodeCount":1},"p2":{"nodeCount…: it must map at most 99 names to pools, such as { fast: { nodeSize: Standard_D8s_v5 } }',
    ],
  },
  {
    what: 'numbers of nodes, pods and disks that Azure does not take',
    raw: on({ nodeCount: 1_001, maxPods: 251, pools: { a: { maxPods: 9, maxDataDisks: 65, nodeCount: 0 } } }),
    says: [
      'dpr:azure.nodeCount is 1001: it must be a whole number from 1 to 1000',
      'dpr:azure.maxPods is 251: it must be a whole number from 10 to 250',
      'dpr:azure.pools.a.nodeCount is 0: it must be a whole number from 1 to 1000',
      'dpr:azure.pools.a.maxPods is 9: it must be a whole number from 10 to 250',
      'dpr:azure.pools.a.maxDataDisks is 65: it must be a whole number from 1 to 64',
    ],
  },
  {
    what: 'bounds that cannot be kept',
    raw: on({
      autoscale: { min: 0, max: 3 },
      pools: { a: { autoscale: { min: 0, max: 0 } }, b: { autoscale: { min: 1, max: 1_001 } }, c: { autoscale: {} } },
    }),
    says: [
      'dpr:azure.autoscale.min is 0: it must be a whole number from 1 to 1000',
      'dpr:azure.pools.a.autoscale.max is 0: it must be a whole number from 1 to 1000',
      'dpr:azure.pools.b.autoscale.max is 1001: it must be a whole number from 1 to 1000',
      'dpr:azure.pools.c.autoscale.min is missing: it must be a whole number from 0 to 1000',
      'dpr:azure.pools.c.autoscale.max is missing: it must be a whole number from 1 to 1000',
    ],
  },
  {
    what: 'a number of nodes besides bounds of it, and bounds the wrong way round',
    raw: on({ nodeCount: 3, autoscale: { min: 2, max: 4 }, pools: { a: { autoscale: { min: 3, max: 2 } } } }),
    says: [
      'dpr:azure has nodeCount, and autoscale decides that: remove one of them',
      'dpr:azure.pools.a.autoscale has min 3, above max 2: raise max or lower min',
    ],
  },
  {
    what: 'more nodes than a cluster of Azure has',
    raw: on({ nodeCount: 1, pools: { ...pools(0), ...manyNodes(5_000) } }),
    says: ['dpr:azure has up to 5001 nodes in all pools, and Azure takes 5000: lower nodeCount or autoscale.max'],
  },
  {
    what: 'labels and taints that the stack or Kubernetes sets',
    raw: on({
      pools: {
        a: { labels: { 'dpr-cluster/pool': 'b', 'kubernetes.azure.com/x': 'y', 'a.k8s.io/x': 'y', team: 'x' } },
        b: { taint: 'node.kubernetes.io/out-of-service=x:NoExecute' },
      },
    }),
    says: [
      'dpr:azure.pools.a.labels has "dpr-cluster/pool", which Azure, Kubernetes or the stack sets itself: choose another name',
      'dpr:azure.pools.a.labels has "kubernetes.azure.com/x", which Azure, Kubernetes or the stack sets itself: choose another name',
      'dpr:azure.pools.a.labels has "a.k8s.io/x", which Azure, Kubernetes or the stack sets itself: choose another name',
      'dpr:azure.pools.b.taint has "node.kubernetes.io/out-of-service", which Azure, Kubernetes or the stack sets itself: choose another name',
    ],
  },
  {
    what: 'taints that are none',
    raw: on({ pools: { a: { taint: 'team' }, b: { taint: 'team=x:Never' } } }),
    says: [
      `dpr:azure.pools.a.taint is "team": ${TAINT_RULE}`,
      `dpr:azure.pools.b.taint is "team=x:Never": ${TAINT_RULE}`,
    ],
  },
  {
    what: 'a private cluster with ranges that reach it from outside',
    raw: on({ privateCluster: true, authorizedIpRanges: ['203.0.113.0/24'] }),
    says: [
      'dpr:azure.authorizedIpRanges are for an API server with a public address, and privateCluster takes that away: remove one of them',
    ],
  },
  {
    what: 'ranges of addresses that are none',
    raw: on({ authorizedIpRanges: ['203.0.113.0', '203.0.113.256/24', '203.0.113.0/33', 'fd00::/8'] }),
    says: ['203.0.113.0', '203.0.113.256/24', '203.0.113.0/33', 'fd00::/8'].map(
      (range, index) =>
        `dpr:azure.authorizedIpRanges[${index}] is "${range}": it must be a range of IPv4 addresses, such as "203.0.113.0/24"`,
    ),
  },
  {
    what: 'an empty list of ranges',
    raw: on({ authorizedIpRanges: [] }),
    says: [`dpr:azure.authorizedIpRanges is []: ${RANGES_RULE}`],
  },
  {
    what: 'more ranges than Azure takes',
    raw: on({ authorizedIpRanges: ranges(MAX_AUTHORIZED_RANGES + 1) }),
    says: [
      `dpr:azure.authorizedIpRanges is ["10.0.0.0/24","10.0.1.0/24","10.0.2.0/24","10.0.3.0/24","1…: ${RANGES_RULE}`,
    ],
  },
  {
    what: 'a maintenance window that Azure does not take',
    raw: on({ maintenance: { weekday: 'Sun', startHour: 24, durationHours: 3, utcOffset: '1' } }),
    says: [
      'dpr:azure.maintenance.weekday is "Sun": it must be one of Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday',
      'dpr:azure.maintenance.startHour is 24: it must be a whole number from 0 to 23',
      'dpr:azure.maintenance.durationHours is 3: it must be a whole number from 4 to 24',
      'dpr:azure.maintenance.utcOffset is "1": it must be the distance from UTC, such as "+01:00"',
    ],
  },
  {
    what: 'a tier that there is not',
    raw: on({ tier: 'Gold' }),
    says: ['dpr:azure.tier is "Gold": it must be Free or Standard'],
  },
  {
    what: 'a pool where there are none',
    target: 'kubernetes',
    raw: { workerDefaults: { pool: 'fast' }, workers: [{ id: 0, pool: 'slow' }] },
    says: [
      'dpr:workerDefaults.pool is "fast", and only dpr:azure makes pools: remove it, or set dpr:azure',
      'dpr:workers[0].pool is "slow", and only dpr:azure makes pools: remove it, or set dpr:azure',
    ],
  },
  {
    what: 'a mistake of Azure, and nothing of pools and disks that only follows from it',
    target: 'kubernetes',
    raw: { azure: { location: 'West' }, workers: [{ id: 0, pool: 'fast', diskSku: 'Premium_ZRS' }] },
    says: ['dpr:azure.location is "West": it must be an Azure region, such as "westeurope"'],
  },
  {
    what: 'a pool that is not described',
    target: 'kubernetes',
    raw: on({ pools: { fast: {} } }, { workers: [{ id: 0, pool: 'fsat' }, { id: 1, pool: 'other' }, { id: 2 }] }),
    says: [
      'dpr:workers[0].pool is "fsat", which dpr:azure.pools does not have: did you mean fast?',
      'dpr:workers[1].pool is "other", which dpr:azure.pools does not have: choose from workers, fast',
    ],
  },
  {
    what: 'a kind of disk that nothing makes',
    target: 'kubernetes',
    raw: { finder: { diskSku: 'Premium_ZRS' }, workers: [{ id: 0, diskSku: 'Premium_LRS' }] },
    says: [
      'dpr:finder.diskSku is "Premium_ZRS", and only dpr:azure makes such disks: set storageClass instead',
      'dpr:workers[0].diskSku is "Premium_LRS", and only dpr:azure makes such disks: set storageClass instead',
    ],
  },
  {
    what: 'a kind of disk besides a class, and a kind that there is not',
    target: 'kubernetes',
    raw: on(
      {},
      {
        workers: [
          { id: 0, diskSku: 'Premium_ZRS', storageClass: 'fast' },
          { id: 1, diskSku: 'Ultra' },
        ],
      },
    ),
    says: [
      'dpr:workers[1].diskSku is "Ultra": it must be Premium_LRS, PremiumV2_LRS, StandardSSD_LRS or Premium_ZRS',
      'dpr:workers[0].diskSku is "Premium_ZRS", and storageClass is fast: remove one of them',
    ],
  },
  {
    what: 'more ports than a load balancer of Azure serves',
    target: 'kubernetes',
    raw: on({ nodeCount: 100 }, { workers: workersOn(MAX_BALANCED_PORTS + 1) }),
    says: [
      'dpr:ingress.serviceType is LoadBalancer, and one of Azure serves 299 ports, not 300: declare fewer workers, or choose ClusterIP and bring a load balancer of your own',
    ],
  },
];

/** Pools of a thousand nodes each. */
function manyNodes(nodes: number) {
  return Object.fromEntries(numbered(nodes / 1_000, (index) => [`m${index}`, { nodeCount: 1_000 }] as const));
}

describe('the config of a cluster on Azure', () => {
  itRefuses(MISTAKES);

  it('may reach each of the limits', () => {
    const reached = [
      on({ pools: pools(MAX_OTHER_POOLS) }),
      on({ nodeCount: 1_000, pools: manyNodes(MAX_CLUSTER_NODES - 1_000) }),
      on({ authorizedIpRanges: ranges(MAX_AUTHORIZED_RANGES) }),
      on({ nodeCount: 100 }, { workers: workersOn(MAX_BALANCED_PORTS) }),
      on({ pools: { a12345678901: { maxPods: 10, maxDataDisks: 64, autoscale: { min: 0, max: 1_000 } } } }),
      on({ maxPods: 250, autoscale: { min: 1, max: 1 } }),
      on({ maintenance: { weekday: 'Sunday', startHour: 23, durationHours: 24, utcOffset: '-09:30' } }),
      on({ zones: [3, '1'], privateCluster: false, authorizedIpRanges: ['255.255.255.255/32', '0.0.0.0/0'] }),
    ];
    for (const raw of reached) parseConfig(raw, 'kubernetes');
  });

  it('takes more ports where the load balancer is another', () => {
    const workers = workersOn(MAX_BALANCED_PORTS + 1);
    parseConfig(on({ nodeCount: 100 }, { workers, ingress: { serviceType: 'ClusterIP' } }), 'kubernetes');
  });

  it('lets one machine run a stack whatever its nodes can hold', () => {
    parseConfig({ workers: [{ id: 0, pool: 'fast', diskSku: 'Premium_ZRS' }] }, 'local');
  });

  it('gives every volume the class of the kind of disk that is nearest to it, and the default class otherwise', () => {
    const { finder, workers } = parseConfig(
      on(
        {},
        {
          workerDefaults: { diskSku: 'PremiumV2_LRS' },
          workers: [{ id: 0 }, { id: 1, diskSku: 'Premium_ZRS' }, { id: 2, storageClass: 'own' }],
        },
      ),
      'kubernetes',
    );
    assert.deepEqual(
      [finder, ...workers].map(({ storageClass }) => storageClass),
      ['dpr-managed-disk', 'dpr-managed-disk-premiumv2-lrs', 'dpr-managed-disk-premium-zrs', 'own'],
    );
  });
});

describe('the plan of workers in pools', () => {
  const placements = (azure: object, workers: object[], workerDefaults = {}) =>
    planKubernetes(parseConfig(on(azure, { workers, workerDefaults }), 'kubernetes')).workers.map(
      ({ pod: { nodeSelector, tolerations } }) => nodeSelector && { nodeSelector, tolerations },
    );

  it('leads a worker to the nodes of its pool, and lets it tolerate the taint', () => {
    const azure = { pools: { fast: {}, open: { taint: 'none' }, team: { taint: 'team=search.a:NoExecute' } } };
    const workers = [{ id: 0 }, { id: 1, pool: 'workers' }, { id: 2, pool: 'open' }, { id: 3, pool: 'team' }];
    const equal = { operator: 'Equal' };
    assert.deepEqual(placements(azure, workers, { pool: 'fast' }), [
      {
        nodeSelector: { 'dpr-cluster/pool': 'fast' },
        tolerations: [{ key: 'dpr-cluster/pool', ...equal, value: 'fast', effect: 'NoSchedule' }],
      },
      undefined,
      { nodeSelector: { 'dpr-cluster/pool': 'open' }, tolerations: [] },
      {
        nodeSelector: { 'dpr-cluster/pool': 'team' },
        tolerations: [{ key: 'team', ...equal, value: 'search.a', effect: 'NoExecute' }],
      },
    ]);
  });
});
