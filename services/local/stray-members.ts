/** Members of the cluster that the config does not have, or not with their type: they are to leave. */
import type { WorkerStatus } from '@dpr/client';
import type { LocalPlan } from '@dpr/infra/plan';

/** @param isSettling whether a worker is on its way to what the plan says of it */
export function straysIn(
  members: readonly WorkerStatus[],
  plan: LocalPlan,
  isSettling: (worker: number) => boolean,
): readonly WorkerStatus[] {
  const declared = typesIn(plan);
  // The type is not known before a worker has joined for the first time.
  return members.filter(
    ({ id, type }) => declared.get(id) !== type && !(declared.has(id) && type === '') && !isSettling(id),
  );
}

export function areStrays(members: readonly WorkerStatus[], plan: LocalPlan): boolean {
  const declared = typesIn(plan);
  return members.every(({ id, type }) => declared.get(id) !== type);
}

function typesIn({ workers }: LocalPlan): ReadonlyMap<number, string> {
  return new Map(workers.map(({ id, type }) => [id, type]));
}

/** Of a stray that cannot be run here, which it would have to be in order to leave. */
export function strayText({ id, type }: WorkerStatus): string {
  return (
    `worker ${id} (${type}) is a member of the cluster, but not in the config, and it cannot be run here to let it ` +
    `leave: add it to the config again, or name it in dpr:forceRemove, which loses what it did not commit`
  );
}
