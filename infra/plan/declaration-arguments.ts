import { createHash } from 'node:crypto';

/** What the cluster is to be: who belongs to it, and who may be forced out. */
export type Declaration = {
  readonly workers: readonly { readonly id: number; readonly type: string }[];
  /** Ids of dead workers that may leave although work of theirs is lost by it. */
  readonly forceRemove: readonly number[];
};

const HASH_CHARACTERS = 10;

/**
 * The declared workers as words of a command line, such as `counter:0-4,7` and `kv:2`: short for thousands of workers, the
 * same for every order of the entries.
 */
export function declaredWords(workers: Declaration['workers']): string[] {
  const types = [...new Set(workers.map(({ type }) => type))].sort();
  return types.map((type) => {
    const ids = workers.filter((worker) => worker.type === type).map(({ id }) => id);
    return `${type}:${idRanges(ids)}`;
  });
}

/** Ids as ascending ranges: `0-4,7`. */
export function idRanges(ids: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const id of [...new Set(ids)].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range?.[1] === id - 1) range[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** A short name for a text, of letters and digits; other texts have other names. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS);
}
