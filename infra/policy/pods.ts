import type { Resource } from './rule.ts';

/** A variable of a container's environment. */
export type Variable = {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: object };
};

export type Container = {
  readonly name: string;
  readonly image?: string;
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
    readonly seccompProfile?: { readonly type?: string };
  };
};

export type PodSpec = {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type?: string };
  };
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
};

/** What makes pods by a template. */
const WORKLOADS = ['apps/v1:StatefulSet', 'apps/v1:Deployment', 'apps/v1:DaemonSet', 'batch/v1:Job'];

export const isKind = ({ type }: Resource, kind: string): boolean => type === `kubernetes:${kind}`;

/** The pods that a resource makes, or is. */
export function podOf(resource: Resource): PodSpec | undefined {
  const spec = resource.props.spec as (PodSpec & { readonly template?: { readonly spec?: PodSpec } }) | undefined;
  if (isKind(resource, 'core/v1:Pod')) return spec;
  return WORKLOADS.some((kind) => isKind(resource, kind)) ? spec?.template?.spec : undefined;
}

export function containersOf({ initContainers = [], containers = [] }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers];
}

/** The value of a label of the resource's own. */
export function labelOf({ props }: Resource, label: string): string | undefined {
  const metadata = props.metadata as { readonly labels?: Readonly<Record<string, string>> } | undefined;
  return metadata?.labels?.[label];
}
