/** Chaos for a running cluster: who is struck when, by whom, and how long they take to serve again. */
export { duration, selectors, sequence, whole } from './options.ts';
export { seededRandom } from './random.ts';
export { type Choice, dueAt, type Schedule, type Selector, victimsOf } from './schedule.ts';
export { showMs, showSummary, type Summary, summarize } from './statistics.ts';
export { type Recovery, runStrikes, type Strike, type Strikes } from './strikes.ts';
export { type Blow, StrikeError, type Target, type Victim, type Wounded } from './target.ts';
