import type { z } from 'zod';
import { CHECKS } from './config/checks.ts';
import { ConfigError, keyOf, nearest, type Problem, shown } from './config/problems.ts';
import { type Config, resolve, resolveWorker } from './config/defaults.ts';
import { ownedReason } from './config/schema/owned-fields.ts';
import { schema } from './config/schema/index.ts';
import type { Entry, Target } from './config/subject.ts';

export type { Target } from './config/subject.ts';
export { ConfigError, type Problem } from './config/problems.ts';
export type { Config, ContainerResources, OptionalRange, Range, Resources, WorkerConfig } from './config/defaults.ts';
export { outsideConfig, withoutPrefix } from './config/misplaced-keys.ts';
export { MAX_WORKER_ID, MAX_WORKERS, type Settings } from './config/schema/index.ts';
export type { PodSettings } from './config/schema/pod.ts';

/** Keys whose values never appear in an error. */
const SECRET_KEYS: readonly PropertyKey[] = ['controlToken', 'clientToken'];

/**
 * Checks a stack's configuration and fills in every default.
 *
 * @param raw the keys below `dpr:` without that prefix, such as `{ workers: [{ id: 0 }, { id: 1 }] }`
 * @param target what it is for: a worker type of another project needs a command on one machine, and an image, a mount
 *   path and a listening port on Kubernetes
 * @throws ConfigError that names every mistake at once
 */
export function parseConfig(raw: object, target: Target): Config {
  const issues = schema.safeParse(raw).error?.issues ?? [];
  const problems = issues.flatMap((issue) => problemsOf(issue, raw));
  const { sound, indexes, wrongKeys } = withoutMistakes(raw, issues);
  const written = schema.parse(sound);
  const config = resolve(written);
  const entries = written.workers.map((own, position): Entry => {
    const key = keyOf(['workers', indexes[position] ?? position]);
    return { key, written: own, worker: resolveWorker(written, own) };
  });
  const subject = { target, written, config, entries, defaults: resolveWorker(written, { id: 0 }) };
  for (const { needs, run } of CHECKS) {
    if (needs.some((key) => wrongKeys.has(key))) continue;
    for (const problem of run(subject)) problems.push(problem);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** What a failed rule of the schema means to the administrator. */
function problemsOf(issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey([...issue.path, key], issue.message));
  const key = keyOf(issue.path);
  const value = issue.path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown>)[part], raw);
  if (value === undefined) return [{ key, text: `is missing: it ${issue.message}` }];
  if (SECRET_KEYS.includes(issue.path[0] ?? '')) return [{ key, text: issue.message }];
  return [{ key, text: `is ${shown(value)}: it ${issue.message}` }];
}

/** @param existing the keys that exist in its place, separated by spaces */
function unknownKey(path: readonly PropertyKey[], existing: string): Problem {
  const reason = ownedReason(path.slice(0, -1), String(path.at(-1)));
  if (reason !== undefined) return { key: keyOf(path), text: `is the program's own: ${reason}` };
  const names = existing.split(' ');
  const meant = nearest(String(path.at(-1)), names);
  const fix = meant === undefined ? `choose from ${names.join(', ')}` : `did you mean ${meant}?`;
  return { key: keyOf(path), text: `is not a key that exists: ${fix}` };
}

/** What is left to check when some of it is wrong: without the wrong entries of `workers` and the other wrong keys. */
function withoutMistakes(raw: object, issues: readonly z.core.$ZodIssue[]) {
  const wrongKeys = new Set<PropertyKey>();
  const wrongWorkers = new Set<PropertyKey>();
  for (const { code, path, ...issue } of issues) {
    const [top, index] = path;
    if (top === 'workers' && index !== undefined) wrongWorkers.add(index);
    else if (top !== undefined) wrongKeys.add(top);
    else if (code === 'unrecognized_keys') for (const key of (issue as { keys: string[] }).keys) wrongKeys.add(key);
  }
  const sound: Record<string, unknown> = Object.fromEntries(Object.entries(raw).filter(([key]) => !wrongKeys.has(key)));
  const workers = Array.isArray(sound.workers) ? [...sound.workers.entries()] : [];
  const kept = workers.filter(([index]) => !wrongWorkers.has(index));
  return {
    sound: { ...sound, workers: kept.map(([, worker]: [number, unknown]) => worker) },
    indexes: kept.map(([index]) => index),
    wrongKeys,
  };
}
