export { type Alert, ALERTS } from './alerts.ts';
export {
  dashboardText,
  DEFINITIONS,
  monitoringResources,
  type MonitoringOptions,
  type MonitoringResources,
  ruleGroups,
} from './resources.ts';
