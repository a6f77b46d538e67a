import { isDeepStrictEqual } from 'node:util';
import type { LocalFinder, LocalPlan, LocalWorker } from '@dpr/infra/plan';

/** One step from the processes of one plan to those of another. */
export type Action =
  | { readonly kind: 'restartFinder'; readonly finder: LocalFinder }
  | { readonly kind: 'add'; readonly worker: LocalWorker }
  | { readonly kind: 'remove'; readonly worker: LocalWorker }
  /** The same worker with other settings. */
  | { readonly kind: 'restart'; readonly worker: LocalWorker }
  /** The id goes to a worker of another type, which cannot take over the state: the old one leaves first. */
  | { readonly kind: 'replace'; readonly before: LocalWorker; readonly worker: LocalWorker };

/** What has to happen so that the processes of `after` run in place of those of `before`. Order means nothing. */
export function diffPlans(before: LocalPlan, after: LocalPlan): Action[] {
  const old = new Map(before.workers.map((worker) => [worker.id, worker]));
  const kept = new Set(after.workers.map(({ id }) => id));
  return [
    ...(isDeepStrictEqual(before.finder, after.finder)
      ? []
      : [{ kind: 'restartFinder', finder: after.finder } as const]),
    ...before.workers.filter(({ id }) => !kept.has(id)).map((worker) => ({ kind: 'remove', worker }) as const),
    ...after.workers.flatMap((worker) => workerActions(old.get(worker.id), worker)),
  ];
}

function workerActions(before: LocalWorker | undefined, worker: LocalWorker): Action[] {
  if (before === undefined) return [{ kind: 'add', worker }];
  if (before.type !== worker.type) return [{ kind: 'replace', before, worker }];
  return isDeepStrictEqual(before, worker) ? [] : [{ kind: 'restart', worker }];
}

/** Does it take a worker out of the cluster? */
export function isRemoval(action: Action): action is Extract<Action, { kind: 'remove' | 'replace' }> {
  return action.kind === 'remove' || action.kind === 'replace';
}

/** The later plan as far as it takes no worker out: one that is to be removed or replaced stays as it was. */
export function withoutRemovals(before: LocalPlan, after: LocalPlan): LocalPlan {
  const taken = new Map(
    diffPlans(before, after)
      .filter(isRemoval)
      .map((action) => [action.worker.id, action.kind === 'remove' ? action.worker : action.before]),
  );
  const others = after.workers.filter(({ id }) => !taken.has(id));
  return { ...after, workers: [...others, ...taken.values()] };
}

/** An action, in words for an administrator. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case 'restartFinder':
      return 'the Finder restarts with new settings';
    case 'add':
      return `worker ${action.worker.id} is added`;
    case 'remove':
      return `worker ${action.worker.id} is removed`;
    case 'restart':
      return `worker ${action.worker.id} restarts with new settings`;
    case 'replace':
      return `worker ${action.worker.id} becomes a ${action.worker.type}, once the ${action.before.type} has left`;
  }
}
