/** Members that the config does not have, or not with their type: they are found after each change of it, and are to leave. */
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import type { LocalCluster } from './supervised-cluster.ts';
import type { Desired } from './desired-cluster.ts';
import type { Removals } from './announced-removals.ts';
import { areStrays, straysIn, strayText } from './stray-members.ts';

export type StrayRemovalsOptions = {
  readonly cluster: LocalCluster;
  readonly removals: Removals;
  /** What the config says, as far as it is applied. */
  readonly desired: () => Desired;
  readonly warn: (text: string) => void;
};

export interface StrayRemovals extends Pick<Removals, 'cancel' | 'left'> {
  /** The config changed: the next status is looked at. */
  readonly lookAgain: () => void;
  readonly find: (status: ClusterStatus) => void;
}

export function createStrayRemovals({ cluster, removals, desired, warn }: StrayRemovalsOptions): StrayRemovals {
  let isDue = true;

  async function dismiss(member: WorkerStatus): Promise<void> {
    const worker = await desired().stray(member);
    if (worker !== undefined) cluster.dismiss(worker);
    else warn(strayText(member));
  }

  return {
    cancel: () => removals.cancel(),
    left: () => removals.left(),
    lookAgain() {
      isDue = true;
    },
    find({ workers }) {
      if (!isDue) return;
      isDue = false;
      const found = straysIn(workers, desired().plan, (worker) => cluster.isSettling(worker));
      if (found.length === 0) return;
      removals.begin({
        workers: found.map(({ id }) => id),
        total: workers.length,
        isMissing: ({ plan }) => areStrays(found, plan),
        act: () => found.forEach((member) => void dismiss(member)),
      });
    },
  };
}
