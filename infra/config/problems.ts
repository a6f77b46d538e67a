const LONGEST_NAME_CHARACTERS = 60;

/** One mistake in a stack's configuration. */
export type Problem = {
  /** Where: a key as the administrator wrote it, such as `dpr:workers[1].storage`. */
  readonly key: string;
  /** What is wrong there and what to do about it. */
  readonly text: string;
};

/** A configuration that cannot be used. Its message has one line per mistake, each naming the key and the fix. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ key, text }) => `${key} ${text}`).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The key of a path, as an administrator writes it: `['workers', 1, 'cpu']` is `dpr:workers[1].cpu`. */
export function keyOf(path: readonly PropertyKey[]): string {
  const parts = path.map((part, index) => {
    if (typeof part === 'number') return `[${part}]`;
    return index === 0 ? String(part) : `.${String(part)}`;
  });
  return `dpr:${parts.join('')}`;
}

/** A value as it may stand in an error: short, on one line. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > LONGEST_NAME_CHARACTERS ? `${text.slice(0, LONGEST_NAME_CHARACTERS - 1)}…` : text;
}

/** The name that was probably meant: the closest by edit distance, if it is close at all. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME_CHARACTERS) return undefined;
  const farthest = Math.max(1, Math.floor(name.length / 3));
  const ranked = names
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= farthest)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** How many letters have to be inserted, removed or replaced, or neighbours exchanged, to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let twoAbove: readonly number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of Array.from(a).entries()) {
    const current = [row + 1];
    for (const [column, other] of Array.from(b).entries()) {
      const replaced = (above[column] ?? 0) + (letter === other ? 0 : 1);
      const isExchanged = row > 0 && column > 0 && letter === b[column - 1] && other === a[row - 1];
      const exchanged = isExchanged ? (twoAbove[column - 1] ?? 0) + 1 : Infinity;
      current.push(Math.min(replaced, exchanged, (above[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    twoAbove = above;
    above = current;
  }
  return above[b.length] ?? 0;
}
