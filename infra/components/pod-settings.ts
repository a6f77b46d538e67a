import type { input } from '@pulumi/kubernetes/types/index.js';
import type { Environment, PlannedResources } from '../plan/index.ts';
import type { ClusterContext } from './cluster-context.ts';

type PodSpec = input.core.v1.PodSpec;
type Container = input.core.v1.Container;
type Probe = input.core.v1.Probe;

/** The user of the project's images, and of Node's. */
export const NODE_USER = 1000;
/** The user of NGINX's image. */
export const NGINX_USER = 101;

/** How long a process has to recover before Kubernetes starts it again: a big checkpoint takes its time. */
const START_LIMIT_SECONDS = 600;
const PROBE_TIMEOUT_SECONDS = 3;

/** What Kubernetes' standard for restricted pods asks of a pod. */
export function restrictedPod(user: number): Partial<PodSpec> {
  return {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    automountServiceAccountToken: false,
    enableServiceLinks: false, // thousands of variables otherwise, for Services that DNS finds
  };
}

/** What the same standard asks of a container, and that nothing but its volumes can be written. */
export const RESTRICTED_CONTAINER: Partial<Container> = {
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  imagePullPolicy: 'IfNotPresent',
};

/** Environment variables in the order of their names, with the tokens from their Secret. */
export function environmentOf(environment: Environment, { tokens }: ClusterContext): input.core.v1.EnvVar[] {
  const plain = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const secret = (tokens?.variables ?? []).map((name) => ({
    name,
    valueFrom: { secretKeyRef: { name: tokens?.name ?? '', key: name } },
  }));
  return [...plain, ...secret].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function resourcesOf(planned: PlannedResources): input.core.v1.ResourceRequirements {
  const { cpu, memory, ephemeralStorage: disk = {}, extended } = planned;
  const of = (bound: 'request' | 'limit') => ({
    cpu: cpu[bound],
    memory: memory[bound],
    ...(disk[bound] === undefined ? {} : { 'ephemeral-storage': disk[bound] }),
    // Kubernetes shares none of these out, so that what is asked for is the limit too.
    ...Object.fromEntries(Object.entries(extended ?? {}).map(([name, number]) => [name, String(number)])),
  });
  return { requests: of('request'), limits: of('limit') };
}

/**
 * Started: recovered once. Ready: serves now. Live: its own event loop turns; that depends on no other process.
 *
 * @param missed so many answers in a row make it not ready
 */
export function probes(missed = 1): Pick<Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'> {
  return {
    startupProbe: { ...probe('/startup', 1), failureThreshold: START_LIMIT_SECONDS },
    readinessProbe: { ...probe('/ready', 1), failureThreshold: missed },
    livenessProbe: { ...probe('/live', 5), failureThreshold: 6 },
  };
}

function probe(path: string, periodSeconds: number): Probe {
  return { httpGet: { path, port: 'admin' }, periodSeconds, timeoutSeconds: PROBE_TIMEOUT_SECONDS };
}
