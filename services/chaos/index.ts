/** Chaos for a running cluster: who is struck when, how long they take to serve again, and the experiment that survives it. */
export { answeringTarget } from './answers.ts';
export { type KubernetesOptions, kubernetesTarget, type KubernetesTarget } from './kubernetes-target.ts';
export { localTarget } from './local-target.ts';
export { duration, selectors, sequence } from './options.ts';
export { type Experiment, type ExperimentReport, type ExperimentSite, runExperiment } from './run-experiment.ts';
export { type Choice, dueAt, type Schedule, type Selector, victimsOf } from './schedule.ts';
export { experimentLine, experimentText } from './show-experiment.ts';
export { PATIENCE_MS, type Recovery, REST_MS, runStrikes, type Strike, type Strikes } from './strikes.ts';
export { type Blow, type Recovered, StrikeError, type Target, type Victim, type Wounded } from './target.ts';
