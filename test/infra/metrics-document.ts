/** What METRICS.md has of the project's own metrics, which a test compares with those of live processes. */
import { readFileSync } from 'node:fs';

/** What a histogram's metrics end with, beside its name. */
const PART = /_(?:bucket|sum|count)$/;

export function documentedMetrics(): string[] {
  const text = readFileSync(new URL('../../infra/METRICS.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^\| `(dpr_\w+)`/gm)].map(([, name = '']) => name);
}

/** The metrics that a PromQL expression names; of a histogram's, the histogram. */
export function metricsIn(expr: string): string[] {
  return (expr.match(/\b(?:dpr|process|nodejs)_\w+/g) ?? []).map((name) => name.replace(PART, ''));
}
