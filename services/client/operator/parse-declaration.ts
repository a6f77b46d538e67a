/** Who is to belong to a cluster, in the words of a command line: `counter:0-4,7`. */
import { MAX_WORKER_ID } from '@dpr/protocol';

/** The declared workers' types by their ids. */
export type Declaration = ReadonlyMap<number, string>;

const WORD = /^([a-z][-a-z0-9]*):(.+)$/;

/** @throws RangeError that says what a word should look like, or which id is declared twice */
export function parseDeclaration(words: readonly string[]): Declaration {
  const declared = new Map<number, string>();
  for (const word of words) {
    const [, type, ids] = WORD.exec(word) ?? [];
    if (type === undefined || ids === undefined) throw new RangeError(`'${word}' should be like counter:0-4,7`);
    for (const id of parseIds(ids)) {
      const other = declared.get(id);
      if (other !== undefined) throw new RangeError(`worker ${id} is declared twice: as ${other} and as ${type}`);
      declared.set(id, type);
    }
  }
  return declared;
}

/**
 * Ids as `0-4,7`.
 * @throws RangeError when a part is neither an id nor two of them in ascending order
 */
export function parseIds(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (!(first <= last && last <= MAX_WORKER_ID)) {
      throw new RangeError(`'${part}' should be a worker's id up to ${MAX_WORKER_ID}, or two as in 0-4`);
    }
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
