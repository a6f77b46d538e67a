import type { PodSettings } from '../config/schema/pod.ts';

type Merge<Value> = (general: Value, specific: Value) => Value;
type Rules<Settings> = { readonly [Field in keyof Settings]-?: Merge<NonNullable<Settings[Field]>> };
type Container = NonNullable<PodSettings['initContainers']>[number];

/** How the fields of containers of the same name are merged, as Kubernetes merges a strategic patch. */
const CONTAINER_RULES: Rules<Container> = {
  name: replaced,
  image: replaced,
  imagePullPolicy: replaced,
  command: replaced,
  args: replaced,
  workingDir: replaced,
  env: listBy(({ name }) => name),
  envFrom: replaced,
  ports: listBy(({ containerPort, protocol = 'TCP' }) => `${containerPort} ${protocol}`),
  resources: deep,
  volumeMounts: listBy(({ mountPath }) => mountPath),
  startupProbe: deep,
  readinessProbe: deep,
  livenessProbe: deep,
  lifecycle: deep,
  securityContext: deep,
  restartPolicy: replaced,
  terminationMessagePolicy: replaced,
};

/**
 * How each field of a pod is merged: maps by key, lists by what Kubernetes knows their items by, anything else by replacement. Tolerations
 * are known by all but their seconds, as where Kubernetes adds some of its own.
 */
const RULES: Rules<PodSettings> = {
  labels: byKey,
  annotations: byKey,
  nodeSelector: byKey,
  affinity: deep,
  tolerations: listBy(({ key, operator = 'Equal', value, effect }) => JSON.stringify([key, operator, value, effect])),
  topologySpreadConstraints: listBy(({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`),
  priorityClassName: replaced,
  runtimeClassName: replaced,
  schedulerName: replaced,
  serviceAccount: mergeAccounts,
  env: listBy(({ name }) => name),
  volumes: listBy(({ name }) => name),
  volumeMounts: listBy(({ mountPath }) => mountPath),
  sidecars: listBy(({ name }) => name, mergeContainers),
  initContainers: listBy(({ name }) => name, mergeContainers),
  terminationGracePeriodSeconds: replaced,
  hostAliases: listBy(({ ip }) => ip),
  dnsConfig: byKey,
  imagePullSecrets: listBy(({ name }) => name),
};

/** Every field that settings of pods have. */
export const POD_FIELDS: readonly string[] = Object.keys(RULES);

/**
 * What layers of settings come to for one pod.
 *
 * @param layers from the most general one to the most specific, which wins; undefined is one that says nothing
 */
export function mergePods(layers: readonly (PodSettings | undefined)[]): PodSettings {
  return layers.reduce<PodSettings>((general, specific = {}) => mergeFields(RULES, general, specific), {});
}

/** The fields that either has, in the order of the first. */
function mergeFields<Settings extends object>(rules: Rules<Settings>, general: Settings, specific: Settings): Settings {
  const merged: Settings = { ...general };
  for (const field of Object.keys(specific) as (keyof Settings)[]) {
    const [before, after] = [general[field], specific[field]];
    if (after === undefined || after === null) continue;
    merged[field] = before === undefined || before === null ? after : rules[field](before, after);
  }
  return merged;
}

function mergeContainers<Of extends Container>(general: Of, specific: Of): Of {
  return mergeFields<Container>(CONTAINER_RULES, general, specific) as Of;
}

/** An account that exists and one to make exclude each other. */
function mergeAccounts(
  general: NonNullable<PodSettings['serviceAccount']>,
  specific: NonNullable<PodSettings['serviceAccount']>,
): NonNullable<PodSettings['serviceAccount']> {
  const mountToken = specific.mountToken ?? general.mountToken;
  const token = mountToken === undefined ? {} : { mountToken };
  if (specific.name !== undefined) return { name: specific.name, ...token };
  if (specific.annotations === undefined) return { ...general, ...token };
  return { annotations: { ...general.annotations, ...specific.annotations }, ...token };
}

function replaced<Value>(_general: Value, specific: Value): Value {
  return specific;
}

function byKey<Value extends object>(general: Value, specific: Value): Value {
  return { ...general, ...specific };
}

/** Maps within maps too; lists in them are replaced. */
function deep<Value>(general: Value, specific: Value): Value {
  if (!isMap(general) || !isMap(specific)) return specific;
  const inner = Object.entries(specific).map(([key, value]) => [key, deep(general[key], value)]);
  return { ...general, ...(Object.fromEntries(inner) as object) };
}

/** Items that are in both stay where they were; others follow. */
function listBy<Item>(identity: (item: Item) => string, merge: Merge<Item> = replaced): Merge<Item[]> {
  return (general, specific) => {
    const items = new Map(general.map((item) => [identity(item), item]));
    for (const item of specific) {
      const before = items.get(identity(item));
      items.set(identity(item), before === undefined ? item : merge(before, item));
    }
    return [...items.values()];
  };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
