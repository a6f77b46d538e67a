import { at, type State, type Step, stepsIn } from './preview-steps.ts';

const REPLACEMENTS = ['replace', 'delete-replaced', 'create-replacement'];
/** What holds data, or a process that holds data. */
const PRECIOUS = [
  'PersistentVolumeClaim',
  'PersistentVolume',
  'StatefulSet',
  'Namespace',
  'ManagedCluster',
  'ResourceGroup',
];

/**
 * What a preview would do to volumes and workers that can hardly be meant, one line each.
 *
 * @param json what `pulumi preview --json` printed
 * @throws Error when it is not that
 */
export function harms(json: string): string[] {
  const found = stepsIn(json).flatMap((step) => {
    const { op, kind, name, replaceReasons } = step;
    if (!PRECIOUS.includes(kind)) return [];
    if (REPLACEMENTS.includes(op)) return [`${kind} ${name} would be made anew${because(replaceReasons)}`];
    return op === 'delete' ? lossBy(step) : [];
  });
  return [...new Set(found)];
}

/** A set goes when its worker is removed, which its volume survives unless it was made otherwise. */
function lossBy({ kind, name, before }: Step): string[] {
  if (before.isRetained) return [];
  if (kind !== 'StatefulSet') return [`${kind} ${name} would be deleted, with all that it holds`];
  return keepsVolume(before) ? [] : [`StatefulSet ${name} would be deleted, and its volume with it`];
}

/** Whether the volume of a set outlives it, as it does unless the set says otherwise; what is not understood may say anything. */
export function keepsVolume({ inputs }: State): boolean {
  const policy = at(inputs, 'spec', 'persistentVolumeClaimRetentionPolicy') ?? {};
  return typeof policy === 'object' && (at(policy, 'whenDeleted') ?? 'Retain') === 'Retain';
}

function because(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `, because of ${reasons.join(', ')}`;
}
