import { isManagedDisk } from './disk-classes.ts';
import { sizeFor } from './machine-sizes.ts';
import { FIRST_POOL, MAX_POOL_NODES, type PlannedPool, planPools, poolKey, type PoolsSettings } from './pools.ts';

type Problem = { readonly key: string; readonly text: string };
type OnVolume = { readonly storageClass: string | undefined };
type Cluster = {
  readonly azure?: PoolsSettings | undefined;
  readonly finder: OnVolume;
  readonly workers: readonly (OnVolume & { readonly pool: string | undefined })[];
};
type Load = { readonly pool: PlannedPool; readonly volumes: number; readonly places: number };

/**
 * Pools whose nodes cannot take all volumes that are on them, however Kubernetes spreads these. Volumes are those of the Finder and
 * of workers on classes of managed disks; each takes one of the places for data disks that a machine of the pool has. A pool of a
 * size whose places are not known is not checked.
 */
export function diskProblems(config: Cluster): Problem[] {
  if (config.azure === undefined) return [];
  const [first, ...others] = loads(config.azure, config);
  const found = others.filter(({ volumes, places }) => volumes > places).map(problem);
  // Pods that name no pool may also run in a pool whose taint does not forbid it.
  const open = others.filter(({ pool: { taint } }) => taint === undefined || taint.endsWith(':PreferNoSchedule'));
  const spare = open.reduce((sum, { volumes, places }) => sum + Math.max(places - volumes, 0), 0);
  return first !== undefined && first.volumes > first.places + spare ? [problem(first), ...found] : found;
}

function loads(azure: PoolsSettings, { finder, workers }: Cluster): Load[] {
  const disks = [{ ...finder, pool: FIRST_POOL }, ...workers].filter(({ storageClass }) => isManagedDisk(storageClass));
  return planPools(azure).map((pool) => ({
    pool,
    volumes: disks.filter((disk) => (disk.pool ?? FIRST_POOL) === pool.name).length,
    places: mostNodes(pool) * (pool.dataDisks ?? Infinity),
  }));
}

function mostNodes({ autoscale, count }: PlannedPool): number {
  return autoscale?.max ?? count;
}

function problem({ pool, volumes, places }: Load): Problem {
  const { dataDisks = 1, nodeSize, autoscale, name } = pool;
  const most = mostNodes(pool);
  const nodes = `${most} ${most === 1 ? 'node' : 'nodes'} of ${nodeSize} with ${dataDisks} each`;
  const count = autoscale === undefined ? 'nodeCount' : 'autoscale.max';
  const needed = Math.ceil(volumes / dataDisks);
  const larger = sizeFor(nodeSize, Math.ceil(volumes / most));
  const remedies = [
    ...(needed <= MAX_POOL_NODES ? [`raise ${count} to ${needed}`] : []),
    ...(larger === undefined ? [] : [`set nodeSize to ${larger}`]),
    name === FIRST_POOL ? 'give workers a pool of dpr:azure.pools' : 'give some of the workers another pool',
  ];
  const text = `has room for ${places} data disks (${nodes}), and ${volumes} volumes are on it: ${remedies.join(', or ')}`;
  return { key: poolKey(name), text };
}
