/** What programs that measure a cluster have in common. */
export { type CommitMeasurement, measureCommits, measureCommitsOnDemand } from './commits.ts';
export { freshSeed, MAX_SEED, seededRandom } from './random.ts';
export { showMs, showSummary, type Summary, summarize } from './statistics.ts';
export { markdownTable } from './table.ts';
