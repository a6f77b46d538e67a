import type { input } from '@pulumi/kubernetes/types/index.js';
import type { Input } from '@pulumi/pulumi';
import type { PlannedPod } from '../plan/index.ts';
import type { ClusterContext } from './cluster-context.ts';
import { RESTRICTED_CONTAINER, restrictedPod } from './pod-settings.ts';

type PodSpec = input.core.v1.PodSpec;
type Container = input.core.v1.Container;

/** What a pod has of the program itself. */
export interface OwnPod {
  /** The user that its processes run as. */
  readonly user: number;
  readonly containers: Container[];
  /** Those that start before, and run beside. */
  readonly initContainers?: Container[];
  readonly volumes?: input.core.v1.Volume[];
  /** What else the program sets, none of which settings of pods can say. */
  readonly spec?: Pick<PodSpec, 'restartPolicy' | 'shareProcessNamespace'>;
  /** The account that it uses whatever its settings say. */
  readonly serviceAccountName?: Input<string>;
}

/** The template of every pod of the cluster: the program's own part of it, and the settings that were planned for it. */
export function podTemplate(
  { labels, pod }: { readonly labels: Readonly<Record<string, string>>; readonly pod: PlannedPod },
  own: OwnPod,
  context: ClusterContext,
): input.core.v1.PodTemplateSpec {
  const { labels: more, annotations, env, volumes, volumeMounts, sidecars, initContainers, ...rest } = pod;
  const { account, mountToken, ...fields } = rest;
  const additions = { env, volumeMounts };
  const serviceAccountName = own.serviceAccountName ?? (account && (context.accounts?.[account.name] ?? account.name));
  return {
    metadata: { labels: { ...labels, ...more }, ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      ...restrictedPod(own.user),
      ...own.spec,
      ...(fields as Partial<PodSpec>), // what has the same form in Kubernetes, which checks what is in it
      ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
      ...(mountToken === true ? { automountServiceAccountToken: true } : {}),
      // Others first: of those that run beside the process, its own may need them.
      ...filled('initContainers', [
        ...(initContainers ?? []).map(restricted),
        ...(own.initContainers ?? []).map((container) => withMore(container, additions)),
      ]),
      containers: [
        ...own.containers.map((container) => withMore(container, additions)),
        ...(sidecars ?? []).map(restricted),
      ],
      ...filled('volumes', [...(own.volumes ?? []), ...((volumes ?? []) as input.core.v1.Volume[])]),
    },
  };
}

type Additions = Pick<PlannedPod, 'env' | 'volumeMounts'>;

/** Variables come after the program's own, so that they may refer to these. */
function withMore(container: Container, { env = [], volumeMounts = [] }: Additions): Container {
  return {
    ...container,
    ...filled('env', [...listed(container.env), ...(env as input.core.v1.EnvVar[])]),
    ...filled('volumeMounts', [...listed(container.volumeMounts), ...(volumeMounts as input.core.v1.VolumeMount[])]),
  };
}

/** The same limits that the program's own containers have, where it does not say otherwise. */
function restricted(container: NonNullable<PlannedPod['initContainers']>[number]): Container {
  const securityContext = { ...(RESTRICTED_CONTAINER.securityContext as object), ...container.securityContext };
  return { ...RESTRICTED_CONTAINER, ...(container as Container), securityContext };
}

/** A list that is there unless it is empty, as what Kubernetes takes for no list at all. */
function filled<Name extends string, Item>(name: Name, items: Item[]): Partial<Record<Name, Item[]>> {
  return items.length === 0 ? {} : ({ [name]: items } as Partial<Record<Name, Item[]>>);
}

/** A list of the program's own, which is always known. */
function listed<Item>(items: Input<Input<Item>[] | undefined> | undefined): Input<Item>[] {
  return Array.isArray(items) ? items : [];
}
