/** What is said of many times that something took. */
export type Summary = { readonly count: number; readonly p50: number; readonly p90: number; readonly max: number };

/** Percentiles by nearest rank, so each is a value that occurred; of no values, all are 0. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: rank(0.5), p90: rank(0.9), max: rank(1) };
}

/** As in `12 ms` or `1.5 s`; below 10 ms with a decimal. */
export function showMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** As in `p50 90 ms, p90 120 ms, max 1.50 s`. */
export function showSummary({ count, p50, p90, max }: Summary): string {
  return count === 0 ? 'none' : `p50 ${showMs(p50)}, p90 ${showMs(p90)}, max ${showMs(max)}`;
}
