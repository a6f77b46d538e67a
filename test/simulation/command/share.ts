/** Mutants in shares: a check that has no time for all of them takes one share each time, in turn. */

export interface Share {
  /** From 1 to `of`. */
  readonly number: number;
  readonly of: number;
}

export const WHOLE: Share = { number: 1, of: 1 };

/** @param text such as `3/10`. @throws Error that says what is wrong */
export function parseShare(text: string): Share {
  const [, number = NaN, of = NaN] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (number >= 1 && number <= of) return { number, of };
  throw new Error(`'${text}' is no share: give one such as 3/10, from 1/10 to 10/10.`);
}

/** Every n-th one, so that each share has mistakes of every part of the code; together the shares have each once. */
export function shareOf<T>(all: readonly T[], { number, of }: Share): T[] {
  return all.filter((_, at) => at % of === number - 1);
}
