/** What has Prometheus watch a cluster, as its operator takes it, or as a file of rules. */
import { CLUSTER_PART, LABEL } from '../plan/index.ts';
import { ALERTS } from './alerts.ts';

export interface MonitoringOptions {
  /** Where the cluster is. */
  readonly namespace: string;
  /** By which the user's Prometheus selects such resources; kube-prometheus-stack asks for `release`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where OPERATIONS.md is to be read. */
  readonly runbooks?: string | undefined;
}

/** An object as Kubernetes takes it. */
export interface KubernetesObject<Spec> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: Spec;
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
  readonly podMonitor: KubernetesObject<object>;
  readonly rules: KubernetesObject<{ readonly groups: readonly RuleGroup[] }>;
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
 * @param namespace which cluster's metrics they look at, where Prometheus scrapes several; undefined: it has one
 */
export function ruleGroups(runbooks = RUNBOOKS, namespace?: string): RuleGroup[] {
  const rules = ALERTS.map(({ name, expr, holdsFor, severity, summary }) => ({
    alert: name,
    expr: namespace === undefined ? expr : within(namespace, expr),
    for: holdsFor,
    labels: { severity },
    annotations: { summary, runbook_url: `${runbooks}#${name.toLowerCase()}` },
  }));
  return [{ name: NAME, rules }];
}

/** The same of this namespace alone, which a PodMonitor labels metrics with. */
function within(namespace: string, expr: string): string {
  const matcher = `namespace="${namespace}"`;
  return expr.replace(/\b(dpr_\w+)(\{?)/g, (_all, metric: string, others: string) =>
    others === '' ? `${metric}{${matcher}}` : `${metric}{${matcher},`,
  );
}

/** A PodMonitor of every process of the cluster, and a PrometheusRule of all alerts. */
export function monitoringResources({ namespace, labels, runbooks }: MonitoringOptions): MonitoringResources {
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
  };
}
