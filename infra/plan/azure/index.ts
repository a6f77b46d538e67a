export { DISK_SKUS, diskClass, type DiskSku, diskSkusOf, MANAGED_DISK_CLASS } from './disk-classes.ts';
export { diskProblems } from './disk-capacity.ts';
export { FIRST_POOL, MAX_POOL_NODES, placementIn, type PlannedPool, planPools, POOL_LABEL, poolKey } from './pools.ts';
