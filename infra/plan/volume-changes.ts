import { sameQuantity } from './quantity.ts';
import type { Config } from '../config.ts';
import { mayStartAnew } from './cluster-location.ts';
import type { KubernetesPlan, PlannedProcess } from './kubernetes.ts';
import { workerNamed } from './names.ts';

/**
 * What a StatefulSet was made with and cannot change, and by which its process finds its state again. Where the set itself is, and
 * all others with it, is in the `PlaceRecord`. What may change freely is not here: where the volume is mounted, and who may read it.
 */
export type VolumeFacts = {
  readonly size: string;
  /** Null: the Kubernetes cluster's default class. */
  readonly storageClass: string | null;
  readonly keep: boolean;
  /** These three are missing in records of before they were told. */
  readonly claim?: string;
  readonly accessMode?: string;
  readonly directory?: string;
};

/** By the name of the StatefulSet. */
export type VolumeRecord = Readonly<Record<string, VolumeFacts>>;

/** The facts to remember until the next deployment. */
export function volumeFacts(plan: KubernetesPlan): VolumeRecord {
  return Object.fromEntries(
    [plan.finder, ...plan.workers].map(({ name, volume: { storageClass, mountPath: _free, ...facts } }) => [
      name,
      { ...facts, storageClass: storageClass ?? null },
    ]),
  );
}

/**
 * The sizes of volumes as they were written when they were made, where now the same is written otherwise: to Pulumi, another text
 * is another volume, and the set would be made anew.
 *
 * @returns them by the name of the StatefulSet
 */
export function formerSizes(before: VolumeRecord, plan: KubernetesPlan): ReadonlyMap<string, string> {
  const sizes = [plan.finder, ...plan.workers].flatMap(({ name, volume: { size } }): [string, string][] => {
    const old = before[name]?.size;
    return old !== undefined && old !== size && sameQuantity(old, size) ? [[name, old]] : [];
  });
  return new Map(sizes);
}

/**
 * What a deployment would do to existing StatefulSets though the administrator did not ask for it: to change a volume means to make the set anew, and
 * where volumes are not kept, its data would go with it. And two sets cannot serve one id, as they would when its type changes.
 *
 * @param before the facts of the last deployment
 * @param replace what may be made anew: ids of workers, `finder`, and `all`
 */
export function volumeProblems(
  before: VolumeRecord,
  plan: KubernetesPlan,
  replace: Config['replace'],
): { key: string; text: string }[] {
  const all = mayStartAnew({ replace });
  const subjects = [
    { key: 'dpr:finder', who: 'the Finder', asked: all || replace.includes('finder'), process: plan.finder },
    ...plan.workers.map((process) => ({
      key: 'dpr:workers',
      who: `worker ${process.id}`,
      asked: all || replace.includes(process.id),
      process,
    })),
  ];
  const changed = subjects.flatMap(({ key, who, asked, process }) => {
    const old = before[process.name];
    const change = old && changeOf(old, process);
    if (old === undefined || change === undefined) return [];
    if (!old.keep) {
      const fix = 'deploy with dpr:keepVolumes true first';
      return [{ key, text: `change the ${change} of ${who}, which would delete its volume: ${fix}` }];
    }
    return asked ? [] : [{ key, text: `change the ${change} of ${who}, and ${remedy(process)}` }];
  });
  return [...changed, ...typeProblems(before, plan)];
}

function typeProblems(before: VolumeRecord, plan: KubernetesPlan): { key: string; text: string }[] {
  const former = Object.keys(before).flatMap((name) => workerNamed(name) ?? []);
  const types = new Map(former.map(({ id, type }) => [id, type]));
  return plan.workers.flatMap(({ id, type }) => {
    const old = types.get(id);
    if (old === undefined || old === type) return [];
    const what = `make a ${type} of worker ${id}, which is a ${old}, and its state is of no use to a ${type}`;
    return [{ key: 'dpr:workers', text: `${what}: choose another id, or deploy without worker ${id} first` }];
  });
}

const WORDS = { claim: "claim's name", accessMode: 'access mode', directory: 'directory on the volume' };

function changeOf(old: VolumeFacts, { volume }: PlannedProcess): string | undefined {
  for (const fact of ['claim', 'accessMode', 'directory'] as const) {
    const was = old[fact];
    if (was !== undefined && was !== volume[fact]) return `${WORDS[fact]} from ${was} to ${volume[fact]}`;
  }
  if (!sameQuantity(old.size, volume.size)) return `storage from ${old.size} to ${volume.size}`;
  const storageClass = volume.storageClass ?? null;
  if (old.storageClass === storageClass) return undefined;
  return `storage class from ${old.storageClass ?? 'the default'} to ${storageClass ?? 'the default'}`;
}

function remedy({ name, role, environment }: PlannedProcess): string {
  const word = role === 'finder' ? '"finder"' : (environment.DPR_WORKER_ID ?? '');
  return (
    `Kubernetes does not change that of a StatefulSet: change the claim data-${name}-0 itself, if its class allows it, ` +
    `and add ${word} to dpr:replace to have the set made anew around its volume`
  );
}
