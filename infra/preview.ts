/** One step of a preview, as `pulumi preview --json` prints it, as far as this reads it. */
type Step = {
  readonly op: string;
  readonly urn: string;
  readonly replaceReasons?: readonly string[];
  readonly oldState?: {
    /** Pulumi forgets it, and it stays. */
    readonly retainOnDelete?: boolean;
    readonly inputs?: {
      readonly spec?: { readonly persistentVolumeClaimRetentionPolicy?: { readonly whenDeleted?: string } };
    };
  };
};

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
  const steps = stepsIn(json);
  const found = steps.flatMap(({ op, urn, replaceReasons = [], oldState }) => {
    const [type = '', name = ''] = urn.split('::').slice(-2);
    const kind = type.split(':').at(-1) ?? '';
    if (!PRECIOUS.includes(kind)) return [];
    if (REPLACEMENTS.includes(op)) {
      return [`${kind} ${name} would be made anew${because(replaceReasons)}`];
    }
    return op === 'delete' ? lossBy(kind, name, oldState) : [];
  });
  return [...new Set(found)];
}

/** A set goes when its worker is removed, which its volume survives unless it was made otherwise. */
function lossBy(kind: string, name: string, oldState: Step['oldState']): string[] {
  if (oldState?.retainOnDelete === true) return [];
  if (kind !== 'StatefulSet') return [`${kind} ${name} would be deleted, with all that it holds`];
  const { whenDeleted } = oldState?.inputs?.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  return whenDeleted === 'Delete' ? [`StatefulSet ${name} would be deleted, and its volume with it`] : [];
}

function stepsIn(json: string): readonly Step[] {
  const problem = (why: string) => new Error(`this is not what "pulumi preview --json" prints: it ${why}`);
  let preview: { steps?: readonly Step[] } | null;
  try {
    preview = JSON.parse(json) as typeof preview;
  } catch {
    throw problem(json.trim() === '' ? 'is empty. Did the preview fail?' : 'is no JSON');
  }
  if (preview?.steps === undefined) throw problem('has no steps');
  return preview.steps;
}

function because(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `, because of ${reasons.join(', ')}`;
}
