/** From many steps that end in a difference to few that do. */
import { allKeys } from './draw.ts';
import type { Mismatch, Servers, Step } from './servers.ts';

const MAX_TRIES = 300;

export interface Shrunk {
  readonly steps: readonly Step[];
  readonly mismatch: Mismatch;
}

/**
 * @param steps all since both were empty; the last differs
 * @returns undefined when the difference does not come again
 */
export async function shrink(servers: Servers, protocol: 2 | 3, steps: readonly Step[]): Promise<Shrunk | undefined> {
  let tries = 0;
  /** What is left of these up to their first difference. */
  const attempt = async (some: readonly Step[]): Promise<Shrunk | undefined> => {
    tries++;
    await begin(servers, protocol);
    const mismatch = await servers.perform(some);
    return mismatch && { steps: some.slice(0, some.indexOf(mismatch.step) + 1), mismatch };
  };

  let best = (await attempt(concerning(steps))) ?? (await attempt(steps));
  if (best === undefined) return undefined;
  for (let parts = 2; parts <= 2 * best.steps.length && tries < MAX_TRIES;) {
    const size = Math.ceil(best.steps.length / parts);
    let found: Shrunk | undefined;
    for (let at = 0; at < best.steps.length && found === undefined && tries < MAX_TRIES; at += size) {
      found = await attempt([...best.steps.slice(0, at), ...best.steps.slice(at + size)]);
    }
    if (found !== undefined) best = found;
    else if (size === 1) break;
    parts = found === undefined ? 2 * parts : Math.max(2, parts - 1);
  }
  return best;
}

/** Both are empty, and speak this protocol. */
export async function begin(servers: Servers, protocol: 2 | 3): Promise<void> {
  await servers.tell('DISCARD'); // which is an error mostly
  await servers.tell('UNWATCH');
  await servers.tell('HELLO', String(protocol));
  await servers.tell('FLUSHALL');
}

const KEYS = new Set([...allKeys(), 'lex0', 'lex1', 'missing']);

/** The keys that a step names. */
export function keysOf(step: Step): readonly string[] {
  return step.commands.flatMap(({ words }) =>
    words
      .slice(1)
      .map(String)
      .filter((word) => KEYS.has(word)),
  );
}

/** Steps that may have to do with the last one: by its keys, the keys of these, and so on. */
function concerning(steps: readonly Step[]): readonly Step[] {
  const keys = new Set<string>();
  const found: Step[] = [];
  for (const step of steps.toReversed()) {
    const own = keysOf(step);
    const isConcerned = found.length === 0 || own.length === 0 || own.some((key) => keys.has(key));
    if (!isConcerned) continue;
    for (const key of own) keys.add(key);
    found.push(step);
  }
  return found.reverse();
}
