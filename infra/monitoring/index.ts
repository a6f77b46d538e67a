export { type Alert, ALERTS } from './alerts.ts';
export { monitoringResources, type MonitoringOptions, ruleGroups } from './resources.ts';
