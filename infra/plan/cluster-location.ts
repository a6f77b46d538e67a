import type { Config } from '../config.ts';

/** Where the whole cluster is, with all its volumes: elsewhere, every one of them would be new and empty. */
export type PlaceRecord = {
  readonly namespace: string;
  /** Whether the deployment made the namespace, and would delete it. */
  readonly made: boolean;
  /** Whether Pulumi leaves the namespace where it is when it lets go of it. */
  readonly keep: boolean;
  /** Of the namespace. Kubernetes gives it once: a namespace made again has another one, and so has one of another cluster. */
  readonly uid: string;
  /** Of a Kubernetes cluster that the stack makes; null where it makes none. */
  readonly azureLocation: string | null;
};

type Planned = Pick<Config, 'namespace' | 'createNamespace' | 'keepVolumes' | 'azure' | 'replace'>;
type Problem = { readonly key: string; readonly text: string };

/** What is to be remembered until the next deployment, but for what only Kubernetes knows. */
export function placeFacts({ namespace, createNamespace, keepVolumes, azure }: Planned): Omit<PlaceRecord, 'uid'> {
  return { namespace, made: createNamespace, keep: keepVolumes, azureLocation: azure?.location ?? null };
}

/**
 * What a deployment would do to all volumes at once: leave them behind, or delete them.
 *
 * @param before undefined where nothing was deployed, or before this was told
 */
export function placeProblems(before: PlaceRecord | undefined, planned: Planned): Problem[] {
  if (before === undefined) return [];
  const now = placeFacts(planned);
  const moves = [
    { key: 'dpr:namespace', what: 'the namespace', from: before.namespace, to: now.namespace },
    { key: 'dpr:azure', what: 'the location', from: before.azureLocation ?? 'none', to: now.azureLocation ?? 'none' },
  ].filter(({ from, to }) => from !== to);
  const moved = moves.flatMap(({ key, what, from, to }) => {
    const change = `change ${what} from ${from} to ${to}`;
    if (!before.keep) return [{ key, text: `${change}, which would delete every volume: ${KEEP_FIRST}` }];
    return mayStartAnew(planned)
      ? []
      : [{ key, text: `${change}, where every volume would be new and empty: ${ELSEWHERE}` }];
  });
  return moves.length > 0 ? moved : namespaceProblems(before, now);
}

/** Pulumi would delete the namespace that it made when it lets go of it, also if something else is declared for later. */
function namespaceProblems(before: PlaceRecord, now: Omit<PlaceRecord, 'uid'>): Problem[] {
  if (!before.made || now.made || before.keep) return [];
  const text = `would delete the namespace ${before.namespace}, with every volume in it: ${KEEP_FIRST}`;
  return [{ key: 'dpr:createNamespace', text }];
}

/** @param uid of the namespace that there is now; undefined while that cannot be known, as before its Kubernetes cluster is made */
export function strangerProblems(
  before: PlaceRecord | undefined,
  planned: Planned,
  uid: string | undefined,
): Problem[] {
  if (before === undefined || uid === undefined || before.uid === uid || mayStartAnew(planned)) return [];
  const text =
    `is ${planned.namespace}, as before, and is another namespace (${uid}, not ${before.uid}), where every volume would be new and ` +
    'empty: either kubernetes:context, kubernetes:kubeconfig or KUBECONFIG leads to another Kubernetes cluster now, and has to lead ' +
    `back; or the namespace was deleted and made again. ${ANEW}`;
  return [{ key: 'dpr:namespace', text }];
}

/** Whether it is asked for that everything may be made anew. */
export function mayStartAnew({ replace }: Pick<Config, 'replace'>): boolean {
  return replace.includes('all');
}

const KEEP_FIRST = 'deploy with dpr:keepVolumes true first';
const ANEW = 'To start anew without what the volumes hold, add "all" to dpr:replace';
const ELSEWHERE = `a cluster elsewhere is a stack of its own (pulumi stack init). ${ANEW}`;
