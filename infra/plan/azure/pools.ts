import type { PodSettings } from '../../config/schema/pod.ts';
import { dataDisksOf } from './machine-sizes.ts';

/** The bounds of a number of nodes. */
type Bounds = { readonly min: number; readonly max: number };

/** What the config says of a pool, as far as it does. */
type PoolSettings = {
  readonly nodeSize?: string | undefined;
  readonly nodeCount?: number | undefined;
  readonly autoscale?: Bounds | undefined;
  readonly zones?: readonly string[] | undefined;
  readonly maxPods?: number | undefined;
  readonly maxDataDisks?: number | undefined;
};
type OtherPoolSettings = PoolSettings & {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly taint?: string | undefined;
};

/** What the config says of the pools of a cluster: of the first one, and of others by name. */
export type PoolsSettings = PoolSettings & {
  readonly nodeSize: string;
  readonly pools?: Readonly<Record<string, OtherPoolSettings>> | undefined;
};

/** The pool of the Finder, the ingress, what Kubernetes itself runs, and workers that name no pool. */
export const FIRST_POOL = 'workers';
/** What the nodes of every other pool are labelled with: the pool's name. */
export const POOL_LABEL = 'dpr-cluster/pool';
/** What a pool says that is open to every pod. */
const NO_TAINT = 'none';
const DEFAULT_NODE_COUNT = 3;
/** Most nodes of one pool, by Azure's limits. */
export const MAX_POOL_NODES = 1_000;

/** Nodes of one kind. */
export type PlannedPool = {
  readonly name: string;
  /** The size of its machines. */
  readonly nodeSize: string;
  /** How many nodes it begins with. */
  readonly count: number;
  /** Where present, Azure adds and removes nodes within these bounds. */
  readonly autoscale: Bounds | undefined;
  /** The zones that its nodes are spread over; empty: Azure takes any. */
  readonly zones: readonly string[];
  /** Undefined: what Azure chooses. */
  readonly maxPods: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** What keeps other pods away, as `key=value:effect`; undefined: nothing does. */
  readonly taint: string | undefined;
  /** The data disks that a node takes; undefined where this is not known. */
  readonly dataDisks: number | undefined;
};

/** All pools of a cluster, the first one first. */
export function planPools(azure: PoolsSettings): readonly [PlannedPool, ...PlannedPool[]] {
  const others = Object.entries(azure.pools ?? {});
  return [
    { ...shared(azure, azure), name: FIRST_POOL, labels: {}, taint: undefined },
    ...others.map(([name, pool]) => ({
      ...shared(azure, pool),
      name,
      labels: { ...pool.labels, [POOL_LABEL]: name },
      taint: taintOf(name, pool),
    })),
  ];
}

/** What leads the pods of a pool's workers to it; undefined for the first pool. */
export function placementIn(
  azure: PoolsSettings | undefined,
  name: string | undefined,
): Pick<PodSettings, 'nodeSelector' | 'tolerations'> | undefined {
  const pool = name === undefined ? undefined : azure?.pools?.[name];
  if (name === undefined || pool === undefined) return undefined;
  const taint = taintOf(name, pool);
  return { nodeSelector: { [POOL_LABEL]: name }, tolerations: taint === undefined ? [] : [tolerationOf(taint)] };
}

/** Where in the config a pool is described. */
export function poolKey(name: string): string {
  return name === FIRST_POOL ? 'dpr:azure' : `dpr:azure.pools.${name}`;
}

function shared(azure: PoolsSettings, pool: PoolSettings) {
  const { nodeSize = azure.nodeSize, autoscale, zones = azure.zones ?? [], maxPods } = pool;
  const count = autoscale?.min ?? pool.nodeCount ?? DEFAULT_NODE_COUNT;
  return { nodeSize, count, autoscale, zones, maxPods, dataDisks: pool.maxDataDisks ?? dataDisksOf(nodeSize) };
}

function taintOf(name: string, { taint }: OtherPoolSettings): string | undefined {
  return taint === NO_TAINT ? undefined : (taint ?? `${POOL_LABEL}=${name}:NoSchedule`);
}

function tolerationOf(taint: string): NonNullable<PodSettings['tolerations']>[number] {
  const [, key = '', value = '', effect = ''] = /^(.*?)=(.*):(.*)$/.exec(taint) ?? [];
  return { key, operator: 'Equal', value, effect: effect as 'NoSchedule' }; // the config was checked
}
