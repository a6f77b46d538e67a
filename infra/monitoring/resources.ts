/** What has Prometheus watch a cluster, as its operator takes it, or as a file of rules. */
import { CLUSTER_PART, LABEL } from '../plan/index.ts';
import { ALERTS } from './alerts.ts';
import dashboard from './dashboard.json' with { type: 'json' };
import { selecting } from './selecting.ts';

export interface MonitoringOptions {
  /** Where the cluster is. */
  readonly namespace: string;
  /** By which the user's Prometheus selects such resources; kube-prometheus-stack asks for `release`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where OPERATIONS.md is to be read. */
  readonly runbooks?: string | undefined;
  /** Whether Grafana is given the dashboard, of which it needs one for all clusters. */
  readonly dashboard: boolean;
}

/** An object as Kubernetes takes it, but for what it says. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly {
    readonly alert: string;
    readonly expr: string;
    readonly for: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

export interface MonitoringResources {
  readonly podMonitor: KubernetesObject & { readonly spec: object };
  readonly rules: KubernetesObject & { readonly spec: { readonly groups: readonly RuleGroup[] } };
  /** A ConfigMap. */
  readonly dashboard?: KubernetesObject & { readonly data: Readonly<Record<string, string>> };
}

const NAME = 'dpr-cluster';
const API_GROUP = 'monitoring.coreos.com';
const API_VERSION = `${API_GROUP}/v1`;
/** Within the project. */
const RUNBOOKS = 'infra/OPERATIONS.md';

/** The names of the operator's definitions without which a Kubernetes cluster takes no such resources. */
export const DEFINITIONS = [`podmonitors.${API_GROUP}`, `prometheusrules.${API_GROUP}`] as const;

/**
 * Groups of rules, as a file of rules has them too.
 *
 * @param namespace whose metrics they look at, by the label that a PodMonitor adds; undefined: all that Prometheus has
 */
export function ruleGroups(runbooks = RUNBOOKS, namespace?: string): RuleGroup[] {
  const rules = ALERTS.map(({ name, expr, holdsFor, severity, summary }) => ({
    alert: name,
    expr: namespace === undefined ? expr : selecting(`namespace="${namespace}"`, expr),
    for: holdsFor,
    labels: { severity },
    annotations: { summary, runbook_url: `${runbooks}#${name.toLowerCase()}` },
  }));
  return [{ name: NAME, rules }];
}

/** A PodMonitor of every process of the cluster, a PrometheusRule of all alerts, and the dashboard as Grafana's sidecar looks for it. */
export function monitoringResources(options: MonitoringOptions): MonitoringResources {
  const { namespace, labels, runbooks } = options;
  const metadata = { name: NAME, namespace, labels: { [LABEL.partOf]: CLUSTER_PART, ...labels } };
  return {
    podMonitor: {
      apiVersion: API_VERSION,
      kind: 'PodMonitor',
      metadata,
      spec: {
        selector: { matchLabels: { [LABEL.partOf]: CLUSTER_PART } },
        podMetricsEndpoints: [{ port: 'admin', path: '/metrics' }],
      },
    },
    rules: {
      apiVersion: API_VERSION,
      kind: 'PrometheusRule',
      metadata,
      spec: { groups: ruleGroups(runbooks, namespace) },
    },
    ...(options.dashboard ? { dashboard: dashboardMap(metadata) } : {}),
  };
}

function dashboardMap(metadata: KubernetesObject['metadata']): MonitoringResources['dashboard'] & object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadata, name: `${NAME}-dashboard`, labels: { grafana_dashboard: '1', ...metadata.labels } },
    data: { [`${NAME}.json`]: dashboardText() },
  };
}

/** As Grafana imports it. */
export function dashboardText(): string {
  return JSON.stringify(dashboard);
}
