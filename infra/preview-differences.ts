import { at } from './preview-steps.ts';

/** Words of a path that every pod has and that say nothing. */
const COMMON = ['spec', 'template', 'containers', 'metadata'];

/** What stands otherwise, one text for each value, as ``counter.image `a` → `b` ``. */
export function differences(before: unknown, after: unknown): string[] {
  const [old, now] = [leaves(before), leaves(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])];
  return paths
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => `${path} ${quoted(old.get(path))} → ${quoted(now.get(path))}`);
}

/** Every value by the words that lead to it; of lists, the names of entries stand for their places. */
function leaves(value: unknown, path: readonly string[] = []): Map<string, string> {
  if (typeof value !== 'object' || value === null) {
    const told: [string, string][] = value === undefined ? [] : [[path.join('.'), text(value)]];
    return new Map(told);
  }
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((entry, index) => [text(at(entry, 'name') ?? index), entry])
    : Object.entries(value);
  return new Map(entries.flatMap(([key, nested]) => [...leaves(nested, COMMON.includes(key) ? path : [...path, key])]));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function quoted(value: string | undefined): string {
  return value === undefined ? 'none' : `\`${value.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}
