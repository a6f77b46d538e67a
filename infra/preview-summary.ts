import { harms, keepsVolume } from './preview-harms.ts';
import { differences } from './preview-differences.ts';
import { at, type Step, stepsIn } from './preview-steps.ts';

/** Changes of one process that are told one by one. */
const MOST_CHANGES = 4;
/** Kinds of other resources that are told by name. */
const MOST_OTHERS = 8;
/** What changes nothing. */
const QUIET = ['same', 'read', 'refresh', 'read-replacement', 'discard'];
/** Steps of a replacement that is told of already. */
const PARTS = ['create-replacement', 'delete-replaced'];

type Row = { readonly order: number; readonly name: string; readonly what: string; readonly verb: string };

/**
 * A preview as a comment of a pull request: what happens to the Finder and each worker first, then what else changes, and what would lose data.
 *
 * @param json what `pulumi preview --json` printed
 * @returns Markdown
 * @throws Error when it is not that
 */
export function summary(json: string, stack: string): string {
  const steps = stepsIn(json).filter(({ op }) => !QUIET.includes(op) && !PARTS.includes(op));
  const rows = steps
    .flatMap((step) => rowOf(step) ?? [])
    .sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  const others = steps.filter((step) => !isOfProcess(step) && !isComponent(step));
  const found = harms(json);
  return [
    `### ${stack}: ${headline(rows, others, found)}`,
    ...(rows.length === 0 ? [] : ['', '| process | what happens |', '| --- | --- |', ...rows.map(line)]),
    ...(rows.length === 0
      ? []
      : ['', 'Rolled back: nothing. A process that stops on request writes and reports everything first.']),
    ...(others.length === 0 ? [] : ['', `Besides: ${listed(others.map(told), MOST_OTHERS)}.`]),
    ...found.map((harm) => `\n**Refused: ${harm}.**`),
    '',
  ].join('\n');
}

function line({ name, what }: Row): string {
  return `| ${name} | ${what} |`;
}

function headline(rows: readonly Row[], others: readonly Step[], found: readonly string[]): string {
  const verbs = [...new Set(rows.map(({ verb }) => verb))];
  const counted = verbs.map((verb) => `${rows.filter((row) => row.verb === verb).length} ${verb}`);
  if (found.length > 0) return [...counted, 'refused'].join(', ');
  if (counted.length > 0) return counted.join(', ');
  return others.length === 0 ? 'no change' : 'no worker changes';
}

/** What happens to a Finder or a worker, whose set this is; undefined: this is no such set. */
function rowOf(step: Step): Row | undefined {
  const { op, before, after } = step;
  if (step.kind !== 'StatefulSet' || !isOfProcess(step)) return undefined;
  const name = shown(at(op === 'delete' ? before.inputs : after.inputs, 'metadata', 'name') ?? step.name);
  if (op === 'create') {
    const [claim] = (at(after.inputs, 'spec', 'volumeClaimTemplates') ?? []) as unknown[];
    const size = shown(at(claim, 'spec', 'resources', 'requests', 'storage'));
    return { order: 1, name, verb: 'added', what: `is added, with a volume of ${size}` };
  }
  if (op === 'delete') {
    const volume = keepsVolume(before) ? 'its volume stays' : '**its volume is deleted**';
    return { order: 2, name, verb: 'removed', what: `leaves once what depends on it is committed; ${volume}` };
  }
  if (op === 'replace')
    return { order: 0, name, verb: 'made anew', what: `is made anew: ${step.replaceReasons.join(', ')}` };
  const changes = listed(differences(before.inputs, after.inputs), MOST_CHANGES);
  const restarts = differences(at(before.inputs, 'spec', 'template'), at(after.inputs, 'spec', 'template')).length > 0;
  return restarts
    ? { order: 3, name, verb: 'restarted', what: `restarts, cleanly: ${changes}` }
    : { order: 4, name, verb: 'changed', what: `goes on: ${changes}` };
}

/** A resource of a Finder's or a worker's component. */
function isOfProcess({ types }: Step): boolean {
  return types.includes('dpr:index:Worker') || types.includes('dpr:index:Finder');
}

function isComponent({ types }: Step): boolean {
  return (types.at(-1) ?? '').startsWith('dpr:') || types.at(-1) === 'pulumi:pulumi:Stack';
}

function told({ op, kind, name }: Step): string {
  return `${op} ${kind} \`${name}\``;
}

function listed(texts: readonly string[], most: number): string {
  const rest = texts.length - most;
  return [...texts.slice(0, most), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}
