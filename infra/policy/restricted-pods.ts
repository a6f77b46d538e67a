import { type Container, containersOf, podOf, type PodSpec } from './pods.ts';
import type { Resource } from './rule.ts';

/** The kinds of volumes that the standard allows. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const PROFILES = ['RuntimeDefault', 'Localhost'];

/** Where the pods of a resource fall short of Kubernetes' standard `restricted`, or write to their root file system. */
export function unrestricted(resource: Resource): string[] {
  const pod = podOf(resource);
  if (pod === undefined) return [];
  return [...ofPod(pod), ...containersOf(pod).flatMap((container) => ofContainer(container, pod))];
}

function ofPod(pod: PodSpec): string[] {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => pod[name] === true);
  const volumes = (pod.volumes ?? []).filter((volume) => {
    const kinds = Object.keys(volume).filter((key) => key !== 'name');
    return kinds.some((kind) => !VOLUMES.includes(kind));
  });
  return [
    ...shared.map((name) => `the pod shares the node's: remove ${name}`),
    ...volumes.map(
      ({ name }) => `the volume ${name} is of a kind that the standard forbids: use one of ${VOLUMES.join(', ')}`,
    ),
  ];
}

function ofContainer(container: Container, { securityContext: ofAll = {} }: PodSpec): string[] {
  const { name, ports = [], securityContext: own = {} } = container;
  const profile = own.seccompProfile?.type ?? ofAll.seccompProfile?.type ?? '';
  const { add = [], drop = [] } = own.capabilities ?? {};
  const wrong = {
    'runAsNonRoot true': (own.runAsNonRoot ?? ofAll.runAsNonRoot) !== true,
    'another runAsUser than 0': (own.runAsUser ?? ofAll.runAsUser) === 0,
    'seccompProfile RuntimeDefault': !PROFILES.includes(profile),
    'allowPrivilegeEscalation false': own.allowPrivilegeEscalation !== false,
    'privileged false': own.privileged === true,
    'capabilities.drop [ALL]': !drop.includes('ALL'),
    'no capabilities.add': add.some((capability) => capability !== 'NET_BIND_SERVICE'),
    'readOnlyRootFilesystem true': own.readOnlyRootFilesystem !== true,
    'no hostPort': ports.some(({ hostPort }) => hostPort !== undefined),
  };
  const fixes = Object.entries(wrong).flatMap(([fix, isWrong]) => (isWrong ? [fix] : []));
  return fixes.map((fix) => `the container ${name} may do too much: set ${fix}`);
}
