import { nearest, type Problem } from './problems.ts';
import { schema } from './schema/index.ts';

const NAMESPACE = 'dpr';
const NAMES = Object.keys(schema.shape);
/** Between the namespace and the name: a colon, or what was written by mistake. */
const SEPARATOR = /[:./]/;

/**
 * Keys that were surely meant as the cluster's own, and stand where nothing reads them.
 *
 * @param keys what a file has outside `config:`, where nothing of the cluster belongs
 */
export function outsideConfig(keys: readonly string[]): Problem[] {
  return keys.flatMap((key) => {
    const meant = key.startsWith(`${NAMESPACE}:`) ? key : meantBy(key);
    return meant === undefined
      ? []
      : [{ key, text: `stands outside "config:", where nothing reads it: ${moveTo(meant)}` }];
  });
}

/**
 * The same inside `config:`, where everything of the cluster has its prefix.
 *
 * @param project Pulumi gives its name, as a prefix, to keys that have none
 */
export function withoutPrefix(keys: readonly string[], project?: string): Problem[] {
  return keys.flatMap((key) => {
    if (key.startsWith(`${NAMESPACE}:`)) return [];
    const written = project !== undefined && key.startsWith(`${project}:`) ? key.slice(project.length + 1) : key;
    const meant = meantBy(written);
    return meant === undefined
      ? []
      : [{ key: written, text: `is not read, for lack of the prefix "dpr:": ${nameIt(meant)}` }];
  });
}

/**
 * `workers`, `Dpr:workers`, `drp:workers`, `dpr.workers`, `dpr-cluster:workers` (which `pulumi config set workers` makes of the
 * project's name), and `dpr` with everything below it.
 */
function meantBy(key: string): string | undefined {
  const [first = '', second] = key.split(SEPARATOR);
  if (second === undefined) {
    if (first.toLowerCase() === NAMESPACE) return NAMESPACE;
    const same = NAMES.find((name) => name.toLowerCase() === first.toLowerCase());
    return same && `${NAMESPACE}:${same}`;
  }
  const isOurs = first.startsWith(`${NAMESPACE}-`) || nearest(first, [NAMESPACE]) !== undefined;
  const name = isOurs ? nearest(second, NAMES) : undefined;
  return name && `${NAMESPACE}:${name}`;
}

function moveTo(meant: string): string {
  return meant === NAMESPACE ? nameIt(meant) : `indent it below "config:", as ${meant}`;
}

function nameIt(meant: string): string {
  return meant === NAMESPACE
    ? 'write each key below it with that prefix below "config:", such as dpr:workers'
    : `write ${meant}`;
}
