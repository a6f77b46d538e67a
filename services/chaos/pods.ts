/** The pods of a cluster's Finder and workers, as Kubernetes tells of them. */
import { CLUSTER_PART, LABEL } from '@dpr/infra/plan';
import { withPatience } from '@dpr/runtime/patience';
import type { Kubectl } from './kubectl.ts';
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

  async function listed(): Promise<PodList> {
    return JSON.parse(await run(['get', '--raw', all])) as PodList;
  }

  /** Until the watch ends, which it does from time to time. */
  async function look(wanted: (pod: Pod) => boolean, signal: AbortSignal): Promise<Pod | undefined> {
    const { metadata, items } = await listed();
    const present = items.map(podOf).find(wanted);
    if (present !== undefined) return present;
    const found = new AbortController();
    let pod: Pod | undefined;
    const output = (line: string): void => {
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type !== 'ADDED' && type !== 'MODIFIED') return;
      const changed = podOf(object);
      if (pod !== undefined || !wanted(changed)) return;
      pod = changed;
      found.abort();
    };
    const words = ['get', '--raw', `${all}&watch=1&resourceVersion=${metadata.resourceVersion}`];
    const watch = withPatience({ signals: [signal, found.signal] }, (limit) => run(words, { signal: limit, output }));
    await watch.catch((error: unknown) => {
      if (!found.signal.aborted) throw error;
    });
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
  const { metadata } = JSON.parse(text) as { metadata: { labels?: Record<string, string> } };
  if (metadata.labels?.[LABEL.partOf] === CLUSTER_PART) return;
  throw new TargetError(
    `the namespace ${namespace} does not have the label ${PART_OF}, so no fault is injected there. If it ` +
      `is a cluster's: kubectl label namespace ${namespace} ${PART_OF}`,
  );
}

type PodList = { readonly metadata: { readonly resourceVersion: string }; readonly items: readonly PodObject[] };
type WatchEvent = { readonly type: string; readonly object: PodObject };
type PodObject = {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[];
  };
};

function podOf({ metadata, status }: PodObject): Pod {
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
