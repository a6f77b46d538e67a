import type { Config } from '../config.ts';
import { mayStartAnew } from './cluster-location.ts';
import type { KubernetesPlan } from './kubernetes.ts';
import { workerNamed } from './names.ts';
import type { VolumeRecord } from './volume-changes.ts';

/** The names of workers' StatefulSets that were removed, with what they hold kept, and not made again since. */
export function removedSets(before: VolumeRecord, removed: readonly string[], plan: KubernetesPlan): string[] {
  const present = new Set(plan.workers.map(({ name }) => name));
  const kept = Object.keys(before).filter((name) => before[name]?.keep === true && workerNamed(name) !== undefined);
  return [...new Set([...removed, ...kept])].filter((name) => !present.has(name)).sort();
}

/**
 * Workers that are added again while their volume is kept, and whose entry does not say with which state: each would wait for the word.
 *
 * @param removed the names of their StatefulSets
 */
export function returnProblems(
  removed: readonly string[],
  plan: KubernetesPlan,
  { replace }: Pick<Config, 'replace'>,
): { key: string; text: string }[] {
  if (mayStartAnew({ replace })) return [];
  const returning = plan.workers.filter(({ name, environment }) => {
    return removed.includes(name) && environment.DPR_STATE === undefined;
  });
  return returning.map(({ id }) => ({
    key: 'dpr:workers',
    text:
      `add worker ${id} again, which was removed and whose volume is kept, without saying with which state: write state: kept in its ` +
      'entry to go on with what was committed, or state: empty to begin without; what is kept stays',
  }));
}
