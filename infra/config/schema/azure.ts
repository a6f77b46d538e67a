import { z } from 'zod';
import { DISK_SKUS, MAX_POOL_NODES } from '../../plan/azure/index.ts';
import { flag, labels, record, whole, word } from './values.ts';

/** Most pools of nodes besides the first one: Azure has 100 in all. */
export const MAX_OTHER_POOLS = 99;
/** Most ranges of addresses that may reach the API server. */
export const MAX_AUTHORIZED_RANGES = 200;
/** What one node may run with the network that the cluster has. */
const MIN_PODS = 10;
const MAX_PODS = 250;
/** No machine takes more data disks. */
const MAX_DATA_DISKS = 64;
/** How long a maintenance window may be. */
const MIN_WINDOW_HOURS = 4;
const MAX_WINDOW_HOURS = 24;
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

/** A kind of Azure's managed disks. */
export const diskSku = z.enum(DISK_SKUS, {
  error: 'must be Premium_LRS, PremiumV2_LRS, StandardSSD_LRS or Premium_ZRS',
});
export const poolName = word(
  'must be the name of a pool: a lower-case letter, then letters and digits, at most 12 characters',
  /^[a-z][a-z0-9]*$/,
  12,
);

const zonesError = 'must list different zones out of "1", "2" and "3", such as ["1", "2", "3"]';
const zone = z.union([z.enum(['1', '2', '3']), z.literal([1, 2, 3])], { error: zonesError }).transform(String);
const zones = z
  .array(zone, { error: zonesError })
  .refine((list) => list.length > 0 && new Set(list).size === list.length, { error: zonesError });
const nodeSize = word('must be a virtual machine size, such as "Standard_D4s_v5"', /^\w+(-\w+)?$/, 63);
const autoscale = (least: number) =>
  record('the bounds of the number of nodes: { min, max }', {
    min: whole(least, MAX_POOL_NODES),
    max: whole(1, MAX_POOL_NODES),
  });

/** What the first pool and every other can say. */
const poolFields = {
  /** How many nodes there are; three unless given. */
  nodeCount: whole(1, MAX_POOL_NODES).optional(),
  /** The zones that the nodes are spread over. */
  zones: zones.optional(),
  maxPods: whole(MIN_PODS, MAX_PODS).optional(),
  /** The data disks that a node takes, for sizes of which the project does not know it. */
  maxDataDisks: whole(1, MAX_DATA_DISKS).optional(),
};

const pool = record('a pool of nodes, such as { nodeSize: Standard_D8s_v5, nodeCount: 4 }', {
  ...poolFields,
  nodeSize: nodeSize.optional(),
  /** Where present, Azure decides how many nodes there are. */
  autoscale: autoscale(0).optional(),
  labels: labels.optional(),
  /** What keeps other pods away; by default, the pool is for its workers alone. */
  taint: word(
    'must be a taint, such as "team=search:NoSchedule", or none',
    /^(none|[-./\w]+=[-.\w]*:(NoSchedule|PreferNoSchedule|NoExecute))$/,
    253,
  ).optional(),
});

const poolsError = `must map at most ${MAX_OTHER_POOLS} names to pools, such as { fast: { nodeSize: Standard_D8s_v5 } }`;
const pools = z
  .record(poolName, pool, {
    error: ({ code }) =>
      code === 'invalid_key'
        ? 'must stand at the name of a pool: a lower-case letter, then letters and digits, at most 12 characters'
        : poolsError,
  })
  .refine((given) => Object.keys(given).length <= MAX_OTHER_POOLS, { error: poolsError });

const range = z.cidrv4({ error: 'must be a range of IPv4 addresses, such as "203.0.113.0/24"' });
const rangesError = `must list 1 to ${MAX_AUTHORIZED_RANGES} ranges of addresses, such as ["203.0.113.0/24"]`;

/** What `dpr:azure` can say. */
export const azure = record('the Azure cluster to make', {
  location: word('must be an Azure region, such as "westeurope"', /^[a-z0-9]+$/, 63),
  ...poolFields,
  nodeSize: nodeSize.default('Standard_D4s_v5'),
  autoscale: autoscale(1).optional(),
  /** Pools besides the first one, for workers that name them. */
  pools: pools.optional(),
  kubernetesVersion: word('must be a version, such as "1.34"', /^\d+\.\d+(\.\d+)?$/, 20).optional(),
  /** What Azure promises of the API server, and how much of it there is; Free unless given. */
  tier: z.enum(['Free', 'Standard'], { error: 'must be Free or Standard' }).optional(),
  /** Groups of the directory whose members administer the cluster; where given, its local accounts are off. */
  adminGroupIds: z
    .array(word('must be a group id', /^[-0-9a-f]{36}$/, 36), { error: 'must list group ids' })
    .optional(),
  diskSku: diskSku.default('Premium_LRS'),
  /** Whether only the cluster's own network reaches the API server. */
  privateCluster: flag.optional(),
  /** The addresses from which the API server is reached; all unless given. */
  authorizedIpRanges: z
    .array(range, { error: rangesError })
    .min(1, { error: rangesError })
    .max(MAX_AUTHORIZED_RANGES, { error: rangesError })
    .optional(),
  /** When Azure may upgrade Kubernetes and the nodes by itself, once a week. */
  maintenance: record('when Azure may upgrade: { weekday, startHour, durationHours, utcOffset }', {
    weekday: z.enum(WEEKDAYS, { error: `must be one of ${WEEKDAYS.join(', ')}` }),
    startHour: whole(0, 23),
    durationHours: whole(MIN_WINDOW_HOURS, MAX_WINDOW_HOURS).default(MIN_WINDOW_HOURS),
    utcOffset: word('must be the distance from UTC, such as "+01:00"', /^[+-](0\d|1[0-4]):[0-5]\d$/, 6).default(
      '+00:00',
    ),
  }).optional(),
});
