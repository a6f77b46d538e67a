/** The pods of a cluster's Finder and workers, as Kubernetes tells of them. */
import { CLUSTER_PART, LABEL } from '@dpr/infra/plan';
import { withPatience } from '@dpr/runtime/time-limit';
import * as z from 'zod/mini';
import { parsePrinted, type Kubectl } from './kubectl.ts';
import { TargetError } from './target.ts';

export type Pod = {
  /** Of its Finder or worker, such as `counter-0`; it stays the same over restarts, the pod's own does in Kubernetes only. */
  readonly name: string;
  readonly pod: string;
  readonly uid: string;
  readonly role: 'finder' | 'worker';
  /** Changes with each start of the process; undefined before the first. */
  readonly container: string | undefined;
  readonly ready: boolean;
  /** It was deleted and still runs. */
  readonly ending: boolean;
};

export interface Pods {
  list(): Promise<readonly Pod[]>;
  /**
   * Waits until some pod, the present ones included, is as wanted.
   * @throws the signal's reason when it says to wait no longer
   */
  until(wanted: (pod: Pod) => boolean, signal: AbortSignal): Promise<Pod>;
}

const PART_OF = `${LABEL.partOf}=${CLUSTER_PART}`;

/** The pods of one namespace. */
export function podsOf(run: Kubectl, namespace: string): Pods {
  const labels = encodeURIComponent(`${PART_OF},${LABEL.component} in (finder,worker)`);
  const all = `/api/v1/namespaces/${namespace}/pods?labelSelector=${labels}`;

  async function listed() {
    return parsePrinted(POD_LIST, await run(['get', '--raw', all]), 'the list of pods');
  }

  /** Until the watch ends, which it does from time to time. */
  async function look(wanted: (pod: Pod) => boolean, signal: AbortSignal): Promise<Pod | undefined> {
    const { metadata, items } = await listed();
    const present = items.map(podOf).find(wanted);
    if (present !== undefined) return present;
    const found = new AbortController();
    let pod: Pod | undefined;
    let problem: Error | undefined;
    const output = (line: string): void => {
      try {
        const changed = podIn(line);
        if (pod !== undefined || changed === undefined || !wanted(changed)) return;
        pod = changed;
      } catch (error) {
        problem = error instanceof Error ? error : new Error(String(error));
      }
      found.abort();
    };
    const words = ['get', '--raw', `${all}&watch=1&resourceVersion=${metadata.resourceVersion}`];
    const watch = withPatience({ signals: [signal, found.signal] }, (limit) => run(words, { signal: limit, output }));
    await watch.catch((error: unknown) => {
      if (!found.signal.aborted) throw error;
    });
    if (problem !== undefined) throw problem;
    return pod;
  }

  return {
    list: async () => (await listed()).items.map(podOf),
    async until(wanted, signal) {
      for (;;) {
        signal.throwIfAborted();
        const pod = await look(wanted, signal);
        if (pod !== undefined) return pod;
      }
    },
  };
}

/**
 * A namespace is only touched if it says that it belongs to a cluster.
 * @throws TargetError that tells what to do
 */
export async function guardNamespace(run: Kubectl, namespace: string): Promise<void> {
  const text = await run(['get', 'namespace', namespace, '--output', 'json']);
  const { metadata } = parsePrinted(NAMESPACE, text, `the namespace ${namespace}`);
  if (metadata.labels?.[LABEL.partOf] === CLUSTER_PART) return;
  throw new TargetError(
    `the namespace ${namespace} does not have the label ${PART_OF}, so no fault is injected there. If it ` +
      `is a cluster's: kubectl label namespace ${namespace} ${PART_OF}`,
  );
}

const LABELS = z.record(z.string(), z.string());

const NAMESPACE = z.object({ metadata: z.object({ labels: z.optional(LABELS) }) });

const POD = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    labels: LABELS,
    deletionTimestamp: z.optional(z.string()),
  }),
  status: z.object({
    conditions: z.optional(z.array(z.object({ type: z.string(), status: z.string() }))),
    containerStatuses: z.optional(z.array(z.object({ name: z.string(), containerID: z.optional(z.string()) }))),
  }),
});

const POD_LIST = z.object({ metadata: z.object({ resourceVersion: z.string() }), items: z.array(POD) });

/** Objects of other events are no pods: the end of a watch has a status. */
const WATCH_EVENT = z.object({ type: z.string() });
const POD_EVENT = z.object({ object: POD });

/** The pod of a line of the watch, if the line is about a pod that there is. */
function podIn(line: string): Pod | undefined {
  const { type } = parsePrinted(WATCH_EVENT, line, 'a change of a pod');
  if (type !== 'ADDED' && type !== 'MODIFIED') return undefined;
  return podOf(parsePrinted(POD_EVENT, line, 'a change of a pod').object);
}

function podOf({ metadata, status }: z.infer<typeof POD>): Pod {
  const role = metadata.labels[LABEL.component] === 'finder' ? 'finder' : 'worker';
  return {
    name: metadata.labels[LABEL.instance] ?? metadata.name,
    pod: metadata.name,
    uid: metadata.uid,
    role,
    container: status.containerStatuses?.find(({ name }) => name === role)?.containerID,
    ready: (status.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True'),
    ending: metadata.deletionTimestamp !== undefined,
  };
}
