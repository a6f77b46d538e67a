const RESTRICTED = 'pods keep to the standard "restricted" of Kubernetes';
const PROBES = 'its probes know when a process has recovered, and when it serves';
const STARTED = 'a process is started as its image says, with what the plan tells it';
const SHORT_OF = 'the processes of a pod find each other, the Finder and the workers by it';

/** Of `pod` itself. */
const OF_POD = {
  containers: 'it runs one process in each pod; containers beside it stand under sidecars or initContainers',
  image: 'an image has a key of its own: dpr:images, or image beside pod',
  command: STARTED,
  args: STARTED,
  workingDir: STARTED,
  ports:
    'network policies, Services and the port map follow from the ports of the plan; sidecars have ports of their own',
  resources: 'cpu, memory, ephemeralStorage and extended have keys of their own beside pod',
  envFrom: 'it could bring a variable of the program in by chance: name each variable under env, with valueFrom',
  startupProbe: PROBES,
  readinessProbe: PROBES,
  livenessProbe: PROBES,
  lifecycle: 'a process ends by a signal, and saves its work then',
  securityContext: `${RESTRICTED}, and the user of the image owns what is on the volume; sidecars have a securityContext of their own`,
  restartPolicy: 'a process that ended is started again, and a Job is not',
  hostNetwork: `${RESTRICTED}, which forbids it`,
  hostPID: `${RESTRICTED}, which forbids it`,
  hostIPC: `${RESTRICTED}, which forbids it`,
  shareProcessNamespace: 'shells of administrators, and the feeder of the ingress, signal the processes of their pod',
  enableServiceLinks: 'each Service would add variables to each process, and a cluster has thousands of Services',
  automountServiceAccountToken:
    'processes do not use the API of Kubernetes; where a sidecar does, set serviceAccount: { mountToken: true }',
  dnsPolicy: `${SHORT_OF}; dnsConfig adds servers and search domains`,
  hostname: SHORT_OF,
  subdomain: SHORT_OF,
  nodeName: 'a pod would stay bound to a node that is gone: use nodeSelector or affinity',
  activeDeadlineSeconds: 'Jobs end after dpr:membershipTimeoutSeconds or clientRun.timeoutSeconds, other pods never',
  replicas: 'the Finder and each worker run once; the ingress has a key of its own, dpr:ingress.replicas',
  selector: 'Kubernetes finds the pods of each process by labels that never change',
};

/** Of the security context of a sidecar. */
const OF_SECURITY_CONTEXT = Object.fromEntries(
  [
    'privileged',
    'allowPrivilegeEscalation',
    'capabilities',
    'runAsNonRoot',
    'seccompProfile',
    'procMount',
    'seLinuxOptions',
    'appArmorProfile',
    'windowsOptions',
  ].map((field) => [field, `${RESTRICTED}, to which sidecars keep too`]),
);

/** Which fields of Kubernetes the program sets itself, or keeps away, and why; by the key that they would stand below. */
export const OWNED_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  pod: OF_POD,
  sidecars: {
    restartPolicy: 'only containers under initContainers have one: Always makes them run beside the process',
  },
  ports: { hostPort: `${RESTRICTED}, which forbids it` },
  securityContext: OF_SECURITY_CONTEXT,
  volumes: { hostPath: `${RESTRICTED}, which forbids it: use a claim, or a CSI driver` },
};

/** Why a key that the schema does not have is the program's own; undefined where it is not. */
export function ownedReason(path: readonly PropertyKey[], key: string): string | undefined {
  if (!path.includes('pod')) return undefined;
  const names = path.filter((part) => typeof part === 'string');
  const below = OWNED_FIELDS[names.at(-1) ?? ''] ?? {};
  return Object.hasOwn(below, key) ? below[key] : undefined;
}
