/** What `pulumi preview --json` prints, as far as it is read here. */
import * as z from 'zod/mini';

const INPUTS = z.record(z.string(), z.unknown());
const STATE = z.object({
  /** Pulumi forgets it, and it stays. */
  retainOnDelete: z.optional(z.boolean()),
  inputs: z.nullish(INPUTS),
});
const STEP = z.object({
  op: z.string(),
  urn: z.string(),
  replaceReasons: z.nullish(z.array(z.string())),
  oldState: z.nullish(STATE),
  newState: z.nullish(STATE),
});
const PREVIEW = z.object({ steps: z.array(STEP) });

/** What happens to one resource. */
export type Step = {
  readonly op: string;
  /** Such as `StatefulSet`. */
  readonly kind: string;
  /** As Pulumi knows it, such as `dpr-counter-0-set`. */
  readonly name: string;
  /** The types of the components that it is in, the outermost first, and its own. */
  readonly types: readonly string[];
  readonly replaceReasons: readonly string[];
  readonly before: State;
  readonly after: State;
};
export type State = { readonly isRetained: boolean; readonly inputs: Readonly<Record<string, unknown>> };

/**
 * @param json what `pulumi preview --json` printed
 * @throws Error when it is not that
 */
export function stepsIn(json: string): readonly Step[] {
  const problem = (why: string) => new Error(`this is not what "pulumi preview --json" prints: it ${why}`);
  let preview: unknown;
  try {
    preview = JSON.parse(json);
  } catch {
    throw problem(json.trim() === '' ? 'is empty. Did the preview fail?' : 'is no JSON');
  }
  const { success, data, error } = PREVIEW.safeParse(preview);
  if (success) return data.steps.map(stepOf);
  const [, step, ...keys] = error.issues[0]?.path ?? [];
  if (step === undefined) throw problem('has no steps');
  throw problem(`has an unknown ${['steps', step, ...keys].join('.')}. Use the Pulumi of package.json`);
}

function stepOf({ op, urn, replaceReasons, oldState, newState }: z.infer<typeof STEP>): Step {
  const [types = '', name = ''] = urn.split('::').slice(-2);
  const all = types.split('$');
  const kind = (all.at(-1) ?? '').split(':').at(-1) ?? '';
  const facts = { op, kind, name, types: all, replaceReasons: replaceReasons ?? [] };
  return { ...facts, before: stateOf(oldState), after: stateOf(newState) };
}

function stateOf(state: z.infer<typeof STATE> | null | undefined): State {
  return { isRetained: state?.retainOnDelete ?? false, inputs: state?.inputs ?? {} };
}

/** What stands at a path of nested records; undefined where there is nothing. */
export function at(inputs: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    inputs,
  );
}
