/** Applies the config to a running cluster, each time that it changes. */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterStatus } from '@dpr/client';
import type { LocalProcess } from '@dpr/infra/plan';
import type { LocalCluster } from './supervised-cluster.ts';
import type { Desired } from './desired-cluster.ts';
import { type Action, describeAction, diffPlans, isRemoval, withoutRemovals } from './diff-plans.ts';
import type { Emit } from './events.ts';
import { obstacles } from './preflight.ts';
import { createRemovals, type Removals } from './announced-removals.ts';
import { createStrayRemovals } from './stray-removals.ts';

export type ConfigChangesOptions = {
  readonly host: string;
  readonly cluster: LocalCluster;
  readonly emit: Emit;
  /** Before workers that the config has no more are removed, ms. */
  readonly removalDelayMs: number;
  /** What is applied already. */
  readonly first: Desired;
  /** What the config says now; undefined: nothing that can be used, and why. */
  readonly read: (onMistakes: (problems: string[]) => void) => Promise<Desired | undefined>;
  /** Called before each change. */
  readonly check: (desired: Desired) => void;
};

export type ConfigChanges = {
  /** What is applied. */
  readonly desired: () => Desired;
  readonly reload: () => Promise<void>;
  readonly findStrays: (status: ClusterStatus) => void;
  /** The workers that are about to be removed, and in how many ms. */
  readonly removals: () => ReturnType<Removals['left']>;
  readonly cancelRemovals: () => void;
};

export function createConfigChanges(options: ConfigChangesOptions): ConfigChanges {
  const { host, cluster, emit, removalDelayMs, read, check } = options;
  let desired = options.first;
  let changes: Promise<void> = Promise.resolve();

  const inTurn = (work: () => Promise<void>): Promise<void> => (changes = changes.then(work));
  const removing = {
    delayMs: removalDelayMs,
    emit,
    read: () => read(() => undefined),
    inTurn: (work: () => Promise<void>) => void inTurn(work),
  };
  /** Of workers that were taken out of the config. */
  const edits = createRemovals(removing);
  const strays = createStrayRemovals({
    cluster,
    removals: createRemovals(removing),
    desired: () => desired,
    warn: (text) => emit({ event: 'warning', text }),
  });

  function cancelled(workers: readonly number[], why: string): void {
    if (workers.length > 0) emit({ event: 'removalCancelled', workers, why });
  }

  async function reload(): Promise<void> {
    const next = await read((problems) => emit({ event: 'configInvalid', problems }));
    strays.cancel(); // they are looked for anew
    const before = edits.cancel();
    if (next === undefined) {
      cancelled(before, 'the config cannot be used');
      return;
    }
    const removed = removedBetween(desired, next);
    cancelled(
      before.filter((id) => !removed.includes(id)),
      'the config has the entry again',
    );
    const total = desired.plan.workers.length;
    // What is added or changed is there at once.
    await change({ ...next, plan: withoutRemovals(desired.plan, next.plan) }, removed.length > 0);
    if (removed.length === 0) return;
    const isMissing = (now: Desired) => isDeepStrictEqual(removedBetween(desired, now), removed);
    edits.begin({ workers: removed, total, isMissing, act: () => change(next) });
  }

  /** @param isPart more is to come, which is told by itself */
  async function change(next: Desired, isPart = false): Promise<void> {
    const actions = diffPlans(desired.plan, next.plan);
    const own = new Set(cluster.views().flatMap(({ spec }) => Object.values(spec.ports)));
    const problems = await obstacles(actions.flatMap(startedBy), host, own);
    if (problems.length > 0) {
      emit({ event: 'configInvalid', problems });
      return;
    }
    desired = next;
    strays.lookAgain();
    if (actions.length > 0 || !isPart) emit({ event: 'configChanged', changes: actions.map(describeAction) });
    check(next);
    cluster.apply(next.plan, next.forced);
    cluster.retry();
  }

  return {
    desired: () => desired,
    reload: () => inTurn(reload),
    findStrays: strays.find,
    removals: () => new Map([...strays.left(), ...edits.left()]),
    cancelRemovals() {
      edits.cancel();
      strays.cancel();
    },
  };
}

function removedBetween(before: Desired, after: Desired): number[] {
  return diffPlans(before.plan, after.plan)
    .filter(isRemoval)
    .map(({ worker }) => worker.id);
}

function startedBy(action: Action): LocalProcess[] {
  if (action.kind === 'remove') return [];
  return [action.kind === 'restartFinder' ? action.finder : action.worker];
}
