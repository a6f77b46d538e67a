/** One step of a preview, as `pulumi preview --json` prints it, as far as this reads it. */
type Step = {
  readonly op: string;
  readonly urn: string;
  readonly replaceReasons?: readonly string[];
  readonly oldState?: {
    /** Pulumi forgets it, and it stays. */
    readonly retainOnDelete?: boolean;
  };
};

const REPLACEMENTS = ['replace', 'delete-replaced', 'create-replacement'];
/** What holds data, or a process that holds data. */
const PRECIOUS = ['PersistentVolumeClaim', 'PersistentVolume', 'StatefulSet', 'Namespace', 'ManagedCluster'];
/** Those of them that go when a worker is removed, which its volume survives. */
const REMOVABLE = ['StatefulSet'];

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
    return op === 'delete' && !REMOVABLE.includes(kind) && oldState?.retainOnDelete !== true
      ? [`${kind} ${name} would be deleted, with all that it holds`]
      : [];
  });
  return [...new Set(found)];
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
