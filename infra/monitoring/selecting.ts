/**
 * A PromQL expression of the cluster's metrics, of those alone that have certain labels.
 *
 * @param matchers such as `namespace="dpr"`
 */
export function selecting(matchers: string, expr: string): string {
  return expr.replace(/\b((?:dpr|process)_\w+)(\{?)/g, (_all, metric: string, others: string) =>
    others === '' ? `${metric}{${matchers}}` : `${metric}{${matchers},`,
  );
}
