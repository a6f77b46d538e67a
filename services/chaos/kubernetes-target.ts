/** The pods of a cluster on Kubernetes, any that `kubectl` reaches. */
import { setTimeout as pause } from 'node:timers/promises';
import { workerNamed } from '@dpr/infra/plan';
import * as z from 'zod/mini';
import { allEnded } from './all-ended.ts';
import { type Kubectl, kubectl, parsePrinted } from './kubectl.ts';
import { guardNamespace, type Pod, podsOf } from './pods.ts';
import { SIGNAL_SCRIPT, STRUCK } from './signal-script.ts';
import { type Fault, type Recovered, TargetError, type Target, type Victim, type Outage } from './target.ts';

export type KubernetesOptions = {
  /** Of the kubeconfig; undefined: its current one. */
  readonly context: string | undefined;
  /** Undefined: the one that the context names. */
  readonly namespace: string | undefined;
};

export interface KubernetesTarget extends Target {
  /** Where it is, for people: the namespace, the context, the API server. */
  readonly place: string;
}

/** When the fault happened, monotonic and by the wall clock. */
type Injected = { readonly since: number; readonly wallTime: number };

/** What the log of a process is read for, from its beginning. */
const LOG_BYTES = 65_536;

/** @throws TargetError when no namespace is named, or it is not a cluster's */
export async function kubernetesTarget(options: KubernetesOptions): Promise<KubernetesTarget> {
  const run = kubectl(options);
  const { namespace, place } = await placeOf(run, options);
  await guardNamespace(run, namespace);
  const pods = podsOf(run, namespace);
  const actions = podActions(run, namespace);
  const standingStill = new Map<string, Pod>();

  async function present({ name }: Victim): Promise<Pod> {
    const pod = (await pods.list()).find((one) => one.name === name && !one.ending);
    if (pod?.container === undefined) throw new TargetError(`${name} does not run`);
    return pod;
  }

  async function replaced(old: Pod, injected: Injected, patience: AbortSignal): Promise<Recovered> {
    const successor = ({ name, uid, container, ready, ending }: Pod) =>
      name === old.name && ready && !ending && (uid !== old.uid || container !== old.container);
    const found = await pods.until(successor, patience);
    const tookMs = performance.now() - injected.since;
    return { tookMs, ...(await actions.milestones(found, injected.wallTime)) };
  }

  async function stop(pod: Pod, forMs: number): Promise<Outage> {
    const { since } = await actions.send(pod, 'SIGSTOP');
    standingStill.set(pod.name, pod);
    const goesOnAt = since + forMs;
    return {
      since: goesOnAt,
      async recovered(patience) {
        await pause(Math.max(0, goesOnAt - performance.now()), undefined, { signal: patience });
        await goOn(pod);
        await pods.until(({ name, ready, ending }) => name === pod.name && ready && !ending, patience);
        return { tookMs: performance.now() - goesOnAt };
      },
    };
  }

  /** One that was replaced meanwhile has nothing to go on with. */
  async function goOn(pod: Pod): Promise<void> {
    const now = (await pods.list()).find(({ name }) => name === pod.name);
    if (now?.uid === pod.uid && now.container === pod.container) await actions.send(pod, 'SIGCONT');
    standingStill.delete(pod.name);
  }

  return {
    place,
    async victims() {
      const running = (await pods.list()).filter(({ ending }) => !ending);
      return running.map(({ name, role }) => ({ name, role })).sort(byRoleAndId);
    },
    async inject(victim, fault) {
      const pod = await present(victim);
      if (fault.kind === 'stop') return stop(pod, fault.forMs);
      const injected = await injectInto(actions, pod, fault.kind);
      return { since: injected.since, recovered: (patience) => replaced(pod, injected, patience) };
    },
    async release() {
      await allEnded([...standingStill.values()].map(goOn));
    },
  };
}

/** What is done to the pods of one namespace, by kubectl. */
interface PodActions {
  /** Sends a signal to the process in a pod, from a second process beside it. */
  readonly send: (pod: Pod, signal: NodeJS.Signals) => Promise<Injected>;
  readonly remove: (pod: Pod, force: boolean) => Promise<Injected>;
  /** When the successor's own log says that it started and that it serves; without what the log does not tell. */
  readonly milestones: (pod: Pod, wallTime: number) => Promise<Omit<Recovered, 'tookMs'>>;
}

function podActions(run: Kubectl, namespace: string): PodActions {
  return {
    async send({ pod, role }, signal) {
      let injected: Injected | undefined;
      const output = (line: string): void => {
        if (line === STRUCK) injected = { since: performance.now(), wallTime: Date.now() };
      };
      const inside = ['--', 'node', '--eval', SIGNAL_SCRIPT, signal];
      const words = ['exec', '--namespace', namespace, pod, '--container', role, ...inside];
      try {
        await run(words, { output });
      } catch (error) {
        if (injected === undefined) throw error; // the container may take the second process with it
      }
      if (injected === undefined) throw new TargetError(`${pod} did not say that ${signal} was sent`);
      return injected;
    },
    async remove({ pod }, force) {
      const injected = { since: performance.now(), wallTime: Date.now() };
      const how = force ? ['--force', '--grace-period=0'] : [];
      await run(['delete', 'pod', '--namespace', namespace, pod, '--wait=false', '--ignore-not-found', ...how]);
      return injected;
    },
    async milestones({ pod, role }, wallTime) {
      const words = ['logs', '--namespace', namespace, pod, '--container', role, `--limit-bytes=${LOG_BYTES}`];
      const said = await run(words).catch(() => '');
      const at = (event: string): number | undefined => {
        const line = said.split('\n').find((one) => one.includes(`"event":"${event}"`));
        const time = Date.parse(/"time":"([^"]+)"/.exec(line ?? '')?.[1] ?? '');
        return Number.isNaN(time) ? undefined : time - wallTime;
      };
      const [startedMs, servingMs] = [at('connected'), at('serving')];
      return { ...(startedMs === undefined ? {} : { startedMs }), ...(servingMs === undefined ? {} : { servingMs }) };
    },
  };
}

async function injectInto(
  { send, remove }: PodActions,
  pod: Pod,
  kind: Exclude<Fault['kind'], 'stop'>,
): Promise<Injected> {
  switch (kind) {
    case 'kill':
      return send(pod, 'SIGKILL');
    case 'term':
      return send(pod, 'SIGTERM');
    case 'delete':
      return remove(pod, false);
    case 'force':
      return remove(pod, true);
    case 'crash': {
      const injected = await send(pod, 'SIGKILL');
      await remove(pod, true);
      return injected;
    }
  }
}

async function placeOf(run: Kubectl, { context, namespace }: KubernetesOptions) {
  // Inside a cluster there may be no configuration at all.
  const text = await run(['config', 'view', '--minify', '--output', 'json']).catch((error: unknown) => {
    if (namespace !== undefined && context === undefined) return '{}';
    const advice = 'name a context with --context: "kubectl config get-contexts" lists them';
    throw error instanceof TargetError ? new TargetError(`${error.message}; ${advice}`) : error;
  });
  const { contexts, clusters } = parsePrinted(KUBE_CONFIG, text, 'the configuration');
  const current = contexts?.[0];
  const own = namespace ?? current?.context.namespace;
  if (own === undefined) {
    throw new TargetError('name the namespace of the cluster with --namespace: the context of kubectl names none');
  }
  const where = current === undefined ? '' : ` of ${current.name} (${clusters?.[0]?.cluster.server ?? 'no address'})`;
  return { namespace: own, place: `the namespace ${own}${where}` };
}

const KUBE_CONFIG = z.object({
  contexts: z.nullish(
    z.array(z.object({ name: z.string(), context: z.object({ namespace: z.optional(z.string()) }) })),
  ),
  clusters: z.nullish(z.array(z.object({ cluster: z.object({ server: z.optional(z.string()) }) }))),
});

/** The Finder first, then the workers. */
function byRoleAndId(a: Victim, b: Victim): number {
  const id = ({ name }: Victim) => workerNamed(name)?.id ?? -1;
  return id(a) - id(b);
}
