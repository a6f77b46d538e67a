/** What has Prometheus watch a cluster, as its operator takes it, or as a file of rules. */
import { CLUSTER_PART, LABEL } from '../plan/index.ts';
import { ALERTS } from './alerts.ts';

export interface MonitoringOptions {
  /** Where the cluster is. */
  readonly namespace: string;
  /** By which the user's Prometheus selects such resources; kube-prometheus-stack asks for `release`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where OPERATIONS.md is to be read. */
  readonly runbooks: string;
}

const NAME = 'dpr-cluster';
const API_VERSION = 'monitoring.coreos.com/v1';

/** Groups of rules, as a file of rules has them too. */
export function ruleGroups(runbooks: string) {
  const rules = ALERTS.map(({ name, expr, holdsFor, severity, summary }) => ({
    alert: name,
    expr,
    for: holdsFor,
    labels: { severity },
    annotations: { summary, runbook_url: `${runbooks}#${name.toLowerCase()}` },
  }));
  return [{ name: NAME, rules }];
}

/** A PodMonitor of every process of the cluster, and a PrometheusRule of all alerts. */
export function monitoringResources({ namespace, labels, runbooks }: MonitoringOptions) {
  const metadata = { name: NAME, namespace, labels: { [LABEL.partOf]: CLUSTER_PART, ...labels } };
  return [
    {
      apiVersion: API_VERSION,
      kind: 'PodMonitor',
      metadata,
      spec: {
        selector: { matchLabels: { [LABEL.partOf]: CLUSTER_PART } },
        podMetricsEndpoints: [{ port: 'admin', path: '/metrics' }],
      },
    },
    { apiVersion: API_VERSION, kind: 'PrometheusRule', metadata, spec: { groups: ruleGroups(runbooks) } },
  ];
}
