/** Chaos for a running cluster: which processes have a fault when, how long they take to serve again, and the experiment that survives it. */
export { probedTarget } from './outage-probe.ts';
export { type KubernetesOptions, kubernetesTarget, type KubernetesTarget } from './kubernetes-target.ts';
export { localTarget } from './local-target.ts';
export { duration, selectors, sequence } from './options.ts';
export { type Experiment, type ExperimentReport, type ExperimentSite, runExperiment } from './run-experiment.ts';
export { type Choice, dueAt, type Schedule, type Selector, victimsOf } from './schedule.ts';
export { experimentLine, experimentText } from './show-experiment.ts';
export { type FaultRun, injectFaults, type Injection, PATIENCE_MS, type Recovery, REST_MS } from './faults.ts';
export { type Fault, type Recovered, TargetError, type Target, type Victim, type Outage } from './target.ts';
