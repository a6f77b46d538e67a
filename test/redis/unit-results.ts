/** What became of the tests of a unit, by their names. */
export interface UnitResults {
  readonly passed: Set<string>;
  /** With what was expected, or what went wrong. */
  readonly failed: Map<string, string>;
  /** Those that ask for what a store is not asked for. */
  left: number;
  /** What kept tests from running. */
  readonly said: string[];
}

export function noResults(): UnitResults {
  return { passed: new Set(), failed: new Map(), left: 0, said: [] };
}
