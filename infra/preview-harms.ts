import * as z from 'zod/mini';

/** Of a StatefulSet. */
const SPEC = z.object({
  persistentVolumeClaimRetentionPolicy: z.nullish(z.object({ whenDeleted: z.optional(z.string()) })),
});

/** One step of a preview, as `pulumi preview --json` prints it, as far as this reads it. */
const STEP = z.object({
  op: z.string(),
  urn: z.string(),
  replaceReasons: z.nullish(z.array(z.string())),
  oldState: z.nullish(
    z.object({
      /** Pulumi forgets it, and it stays. */
      retainOnDelete: z.optional(z.boolean()),
      inputs: z.nullish(z.object({ spec: z.nullish(SPEC) })),
    }),
  ),
});
const PREVIEW = z.object({ steps: z.array(STEP) });

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
  const found = steps.flatMap(({ op, urn, replaceReasons, oldState }) => {
    const [type = '', name = ''] = urn.split('::').slice(-2);
    const kind = type.split(':').at(-1) ?? '';
    if (!PRECIOUS.includes(kind)) return [];
    if (REPLACEMENTS.includes(op)) {
      return [`${kind} ${name} would be made anew${because(replaceReasons ?? [])}`];
    }
    return op === 'delete' ? lossBy(kind, name, oldState) : [];
  });
  return [...new Set(found)];
}

/** A set goes when its worker is removed, which its volume survives unless it was made otherwise. */
function lossBy(kind: string, name: string, oldState: z.infer<typeof STEP>['oldState']): string[] {
  if (oldState?.retainOnDelete === true) return [];
  if (kind !== 'StatefulSet') return [`${kind} ${name} would be deleted, with all that it holds`];
  const { whenDeleted } = oldState?.inputs?.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  return whenDeleted === 'Delete' ? [`StatefulSet ${name} would be deleted, and its volume with it`] : [];
}

function stepsIn(json: string): z.infer<typeof PREVIEW>['steps'] {
  const problem = (why: string) => new Error(`this is not what "pulumi preview --json" prints: it ${why}`);
  let preview: unknown;
  try {
    preview = JSON.parse(json);
  } catch {
    throw problem(json.trim() === '' ? 'is empty. Did the preview fail?' : 'is no JSON');
  }
  const { success, data, error } = PREVIEW.safeParse(preview);
  if (success) return data.steps;
  const [, step, ...keys] = error.issues[0]?.path ?? [];
  if (step === undefined) throw problem('has no steps');
  throw problem(`has an unknown ${['steps', step, ...keys].join('.')}. Use the Pulumi of package.json`);
}

function because(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `, because of ${reasons.join(', ')}`;
}
