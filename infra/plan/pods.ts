import type { Config, PodSettings } from '../config.ts';
import { labelsOf, type Role, roleLabels, selectorOf } from './names.ts';
import { mergePods } from './pod-merge.ts';
import { INGRESS_STOP_SECONDS, STOP_LIMIT_SECONDS } from './stopping.ts';

/** A service account, and what it is made with; without annotations it exists already. */
export type PlannedAccount = {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** What a pod has besides the program's own containers, in Kubernetes' words; what is not there is Kubernetes' default. */
export type PlannedPod = Omit<PodSettings, 'serviceAccount'> & {
  readonly account?: PlannedAccount;
  /** Present where the account's token is mounted into every container. */
  readonly mountToken?: true;
};

/** A service account to make, with its labels. */
export type PlannedServiceAccount = Required<PlannedAccount> & { readonly labels: Readonly<Record<string, string>> };

/** The pod of the Finder. */
export function finderPod({ pod, finder }: Config): PlannedPod {
  return planPod([{ terminationGracePeriodSeconds: STOP_LIMIT_SECONDS }, pod, finder.pod], accountOf('finder'));
}

/**
 * The pod of a worker. Its account is the one that workers share, unless its own entry asks for annotations.
 *
 * @param placement what leads it to its pool of nodes; undefined: it may be in any
 */
export function workerPod(
  { pod, workerPod: ofAll, spreadWorkers }: Config,
  name: string,
  own?: PodSettings,
  placement?: PodSettings,
): PlannedPod {
  const program = {
    terminationGracePeriodSeconds: STOP_LIMIT_SECONDS,
    ...(spreadWorkers === true ? { topologySpreadConstraints: WORKER_SPREAD } : {}),
  };
  const account = own?.serviceAccount?.annotations === undefined ? accountOf('worker') : name;
  return planPod([program, placement, pod, ofAll, own], account);
}

/** The pods of the ingress, each on a host of its own if that can be. */
export function ingressPods({ pod, ingress }: Config, name: string): PlannedPod {
  const program = {
    terminationGracePeriodSeconds: INGRESS_STOP_SECONDS,
    topologySpreadConstraints: [spread(HOST, selectorOf('ingress', name))],
  };
  return planPod([program, pod, ingress.pod], accountOf('ingress'));
}

/** The pod of the console. */
export function consolePod({ pod, console }: Config): PlannedPod {
  return planPod([pod, console?.pod], accountOf('console'));
}

/** The pod of a Job, which ends with its program: containers beside it are such that Kubernetes ends them then. */
export function jobPod({ pod, jobs }: Config, role: 'membership' | 'client'): PlannedPod {
  const { sidecars = [], initContainers = [], ...planned } = planPod([pod, jobs.pod], accountOf(role));
  const beside = sidecars.map((container) => ({ ...container, restartPolicy: 'Always' as const }));
  const containers = [...beside, ...initContainers];
  return containers.length === 0 ? planned : { ...planned, initContainers: containers };
}

/** The accounts that pods ask for and that have to be made, each once. */
export function accountsOf(
  pods: readonly { readonly role: Role; readonly pod: PlannedPod }[],
): PlannedServiceAccount[] {
  const made = new Map<string, PlannedServiceAccount>();
  for (const { role, pod } of pods) {
    const { name, annotations } = pod.account ?? {};
    if (name === undefined || annotations === undefined) continue;
    made.set(name, { name, annotations, labels: labelsOf(role, name) });
  }
  return [...made.values()];
}

const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';
/** A host or a zone that fails takes few workers with it; where there is no room, they share one all the same. */
const WORKER_SPREAD = [HOST, ZONE].map((key) => spread(key, roleLabels('worker')));

function spread(topologyKey: string, matchLabels: Readonly<Record<string, string>>) {
  const labelSelector = { matchLabels };
  return { maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway' as const, labelSelector };
}

/** @param layers from the most general one. @param account the name of one that would be made */
function planPod(layers: readonly (PodSettings | undefined)[], account: string): PlannedPod {
  const { serviceAccount, ...pod } = mergePods(layers);
  if (serviceAccount === undefined) return pod;
  const { name, annotations, mountToken } = serviceAccount;
  const planned = name === undefined ? annotations && { name: account, annotations } : { name };
  return {
    ...pod,
    ...(planned === undefined ? {} : { account: planned }),
    ...(mountToken === true ? { mountToken } : {}),
  };
}

function accountOf(role: Role): string {
  return `dpr-${role}`;
}
