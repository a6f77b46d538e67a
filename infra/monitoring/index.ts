export { type Alert, ALERTS } from './alerts.ts';
export {
  DEFINITIONS,
  monitoringResources,
  type MonitoringOptions,
  type MonitoringResources,
  ruleGroups,
} from './resources.ts';
