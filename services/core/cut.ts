/**
 * The exact cut: the greatest set of durable checkpoints that is closed under dependency.
 *
 * Source: Li et al., "Asynchronous Prefix Recoverability for Fast Distributed Stores" (SIGMOD 2021), the exact variant. Start
 * from each worker's newest durable checkpoint and lower a worker below any checkpoint whose dependency lies above the
 * candidate; what remains when nothing needs lowering is the greatest fixpoint, because only checkpoints that no closed set
 * could contain were removed.
 *
 * Between two checkpoints of a chain nothing executed. So a dependency on a version there, which only a client that is wrong can have,
 * is one on the checkpoint before. A dependency thus never needs a version above the dependent's own, and the smallest checkpoints
 * above the cut are in it as soon as their owners are durable up to it: no claim of a client can hold them up any longer.
 */
import type { Versions } from '@dpr/protocol';

/** A durable checkpoint above the cut. */
export interface GraphCheckpoint {
  readonly version: number;
  readonly predecessor: number;
  /** Worker to version, all of the same world-line; the own worker's is implied by the predecessor. */
  readonly dependencies: Versions;
  /** When it was reported, by the Finder's clock; absent if it was only listed: then it may have been durable for long. */
  readonly reportedAt?: number;
}

/** Each worker's durable checkpoints above the cut, in rising order of version, without a gap in their predecessors. */
export type Graph = ReadonlyMap<number, readonly GraphCheckpoint[]>;

/** A dependency, seen from the worker that is depended on: `dependent` must stay below `place` if the candidate lacks something up to `version`. */
interface Demand {
  readonly dependent: number;
  /** Index of the checkpoint that has the dependency in the dependent's list. */
  readonly place: number;
  readonly version: number;
}

/**
 * The entries in which the greatest closed cut exceeds `cut`. The work is proportional to the checkpoints and dependencies in
 * `graph`, not to the number of workers.
 */
export function advanceCut(graph: Graph, cut: Versions): Map<number, number> {
  /** How many of each worker's checkpoints the candidate includes. */
  const included = new Map<number, number>();
  for (const [worker, chain] of graph) included.set(worker, chain.length);
  const reached = (worker: number): number => {
    const chain = graph.get(worker);
    const last = chain?.[(included.get(worker) ?? 0) - 1];
    return last?.version ?? cut.get(worker) ?? 0;
  };

  const demands = new Map<number, Demand[]>();
  const lowered: number[] = [];
  const lower = (worker: number, to: number): void => {
    if (to >= (included.get(worker) ?? 0)) return;
    included.set(worker, to);
    lowered.push(worker);
  };
  /** Lower each worker that depends on what the candidate leaves out of `owner`; above its chain the owner may have executed more. */
  const lowerDependents = (owner: number): void => {
    const newest = reached(owner);
    const next = graph.get(owner)?.[included.get(owner) ?? 0];
    for (const { dependent, place, version } of demands.get(owner) ?? []) {
      const isMet = next === undefined ? version <= newest : version < next.version;
      if (!isMet) lower(dependent, place);
    }
  };

  for (const [dependent, chain] of graph) {
    for (const [place, checkpoint] of chain.entries()) {
      for (const [owner, version] of checkpoint.dependencies) {
        if (version <= (cut.get(owner) ?? 0)) continue;
        const known = demands.get(owner);
        if (known) known.push({ dependent, place, version });
        else demands.set(owner, [{ dependent, place, version }]);
      }
    }
  }
  for (const owner of demands.keys()) lowerDependents(owner);
  for (let owner = lowered.pop(); owner !== undefined; owner = lowered.pop()) lowerDependents(owner);

  const advanced = new Map<number, number>();
  for (const worker of graph.keys()) {
    const version = reached(worker);
    if (version > (cut.get(worker) ?? 0)) advanced.set(worker, version);
  }
  return advanced;
}
