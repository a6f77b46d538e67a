/** Plays Finder and workers to a client in any language, and says what it does otherwise than WIRE.md. */
export { runScenarios, type RunOptions, type ScenarioResult } from './run.ts';
export { SCENARIOS } from './scenarios/index.ts';
