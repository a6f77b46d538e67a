/** What is said of the same thing measured several times. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Of no values, NaN. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? NaN;
  return { median: (lower + upper) / 2, least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN };
}

/** Ratios of what was measured side by side, one for each run, so that what disturbed a run disturbs both. */
export function ratios(values: readonly number[], others: readonly number[]): Spread {
  return spreadOf(values.flatMap((value, run) => (others[run] === undefined ? [] : [value / others[run]])));
}
