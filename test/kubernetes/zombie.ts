/** A worker's process that stands still while another pod takes its place, and goes on when its successor is at work. */
import { EXIT } from '../../services/runtime/exit-codes.ts';
import { SIGNAL_SCRIPT } from '../../services/chaos/signal-script.ts';
import { kubectl } from './deployments.ts';

export interface Zombie {
  /** It stands still, and the StatefulSet's pod takes over its volume and its clients. */
  replace(): Promise<void>;
  /** It goes on until it has ended, as one does that was fenced. @returns what it logged */
  wake(): Promise<string>;
  remove(): Promise<void>;
}

interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly Readonly<Record<string, unknown>>[] };
}

interface StatefulSet {
  readonly spec: {
    readonly template: PodTemplate;
    readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
  };
}

const LIMIT = '--timeout=120s';

/**
 * Puts a pod of its own in the place of a StatefulSet's: Kubernetes kills the processes of a pod two seconds after it forgot it, and a
 * successor may take longer than that.
 */
export async function startZombie(namespace: string, set: string): Promise<Zombie> {
  const pod = `${set}-zombie`;
  const inNamespace = (words: readonly string[], input?: string) =>
    kubectl([...words, '--namespace', namespace], input);
  const scale = (replicas: number) => inNamespace(['scale', 'statefulset', set, `--replicas=${replicas}`]);
  const signal = (name: NodeJS.Signals) =>
    kubectl(['exec', '--namespace', namespace, pod, '--', 'node', '--eval', SIGNAL_SCRIPT, name]);

  const found = (await inNamespace(['get', 'statefulset', set, '--output=json'])).join('\n');
  const definition = JSON.stringify(podOf(pod, set, JSON.parse(found) as StatefulSet));
  await scale(0);
  await inNamespace(['wait', '--for=delete', `pod/${set}-0`, LIMIT]);
  await inNamespace(['apply', '--filename=-'], definition);
  await inNamespace(['wait', '--for=condition=Ready', `pod/${pod}`, LIMIT]);

  return {
    async replace() {
      await signal('SIGSTOP');
      await inNamespace(['label', 'pod', pod, '--overwrite', 'app.kubernetes.io/instance=zombie']);
      await scale(1);
      await inNamespace(['rollout', 'status', `statefulset/${set}`, LIMIT]);
    },
    async wake() {
      await signal('SIGCONT');
      const fenced = `jsonpath={.status.containerStatuses[0].state.terminated.exitCode}=${EXIT.fenced}`;
      await inNamespace(['wait', `--for=${fenced}`, `pod/${pod}`, LIMIT]);
      return (await inNamespace(['logs', pod])).join('\n');
    },
    async remove() {
      await inNamespace(['delete', 'pod', pod]);
    },
  };
}

function podOf(name: string, set: string, { spec: { template, volumeClaimTemplates } }: StatefulSet): object {
  const volumes = volumeClaimTemplates.map(({ metadata: { name: claim } }) => ({
    name: claim,
    persistentVolumeClaim: { claimName: `${claim}-${set}-0` },
  }));
  // One that stands still is not to be killed for that.
  const containers = template.spec.containers.map((container) => ({ ...container, livenessProbe: undefined }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: template.metadata.labels },
    spec: { ...template.spec, restartPolicy: 'Never', containers, volumes },
  };
}
