/** The Finder's name wherever it has one: in Kubernetes, and as its data directory. */
export const FINDER_NAME = 'dpr-finder';
/** The ingress, its Service and its ConfigMap. */
export const INGRESS_NAME = 'dpr-ingress';
/** The headless Service by which each pod of the ingress can be asked what it serves. */
export const INGRESS_ADMIN_NAME = 'dpr-ingress-admin';
/** What cert-manager is asked for, and the Secret of the certificate unless it has another name. */
export const CERTIFICATE_NAME = 'dpr-ingress-certificate';
/** The console: a Deployment, and the Service in front of it. */
export const CONSOLE_NAME = 'dpr-console';
/** The headless Service that gives the pods of the Finder and of all workers their DNS names. */
export const PODS_NAME = 'dpr-pods';

/** A worker's name, also of its data directory. It never changes, and no two workers share one since no two share an id. */
export function workerName(worker: { readonly type: string; readonly id: number }): string {
  return `${worker.type}-${worker.id}`;
}

/** The worker that has this name; undefined for any other name, such as the Finder's. */
export function workerNamed(name: string): { readonly type: string; readonly id: number } | undefined {
  const [, type, digits] = /^(.+)-(\d+)$/.exec(name) ?? [];
  return type === undefined ? undefined : { type, id: Number(digits) };
}

/** What a pod does in the cluster. */
export type Role = 'finder' | 'worker' | 'ingress' | 'membership' | 'client' | 'console';

/** The keys of the labels that select, so they must never change. */
export const LABEL = {
  partOf: 'app.kubernetes.io/part-of',
  component: 'app.kubernetes.io/component',
  instance: 'app.kubernetes.io/instance',
} as const;
/** What everything of a cluster is part of, its namespace too. */
export const CLUSTER_PART = 'dpr-cluster';

/** Labels of a role's pods, the same for all of them. */
export function roleLabels(role: Role): Readonly<Record<string, string>> {
  return { [LABEL.partOf]: CLUSTER_PART, [LABEL.component]: role };
}

/** What selects the pods of one Finder, worker or ingress. */
export function selectorOf(role: Role, name: string): Readonly<Record<string, string>> {
  return { ...roleLabels(role), [LABEL.instance]: name };
}

/** Everything that an object of the cluster is labelled with. */
export function labelsOf(role: Role, name: string): Readonly<Record<string, string>> {
  return {
    ...selectorOf(role, name),
    'app.kubernetes.io/name': `dpr-${role}`,
    'app.kubernetes.io/managed-by': 'pulumi',
  };
}
