import { z } from 'zod';
import { INGRESS_STOP_SECONDS, STOP_LIMIT_SECONDS } from '../../plan/stopping.ts';
import { env, initContainers, passedThrough, sidecars, volumeMounts, volumes } from './container.ts';
import { annotations, flag, kubernetesName, labels, record, text, uniqueList, whole, word } from './values.ts';

/** A sidecar may take longer to end than the process does, and no deployment waits for hours. */
const MAX_GRACE_SECONDS = 3_600;
const MAX_ADDRESS_CHARACTERS = 45;

/** Labels that select pods, or open ports to them. */
const OWN_LABELS = ['name', 'instance', 'component', 'part-of', 'managed-by'].map(
  (name) => `app.kubernetes.io/${name}`,
);
const OWN_LABEL_DOMAIN = 'dpr-cluster/';

const address = word('must be an IP address, such as "192.0.2.7"', /^[0-9a-fA-F.:]+$/, MAX_ADDRESS_CHARACTERS);
const texts = (what: string) => z.array(text, { error: `must list ${what}` });
const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}` });

const podLabels = labels.superRefine((given, context) => {
  for (const name of Object.keys(given)) {
    if (!OWN_LABELS.includes(name) && !name.startsWith(OWN_LABEL_DOMAIN)) continue;
    const message = 'must stand at a name of your own: the program selects pods by this label, or lets them in by it';
    context.addIssue({ code: 'custom', path: [name], message });
  }
});

const affinity = record('where pods may be: { nodeAffinity, podAffinity, podAntiAffinity }', {
  nodeAffinity: passedThrough('rules for nodes').optional(),
  podAffinity: passedThrough('rules for being near other pods').optional(),
  podAntiAffinity: passedThrough('rules for being away from other pods').optional(),
});

const tolerations = z.array(
  record('a toleration, such as { key: dedicated, operator: Exists }', {
    key: text.optional(),
    operator: oneOf(['Exists', 'Equal']).optional(),
    value: text.optional(),
    effect: oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
    tolerationSeconds: z.int({ error: 'must be a whole number of seconds' }).optional(),
  }),
  { error: 'must list tolerations, such as [{ key: dedicated, operator: Exists }]' },
);

const spreadExample =
  '{ maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector }';
const honoured = oneOf(['Honor', 'Ignore']).optional();
const topologySpreadConstraints = uniqueList(
  record(`a constraint, such as ${spreadExample}`, {
    maxSkew: whole(1, 1_000),
    topologyKey: text,
    whenUnsatisfiable: oneOf(['DoNotSchedule', 'ScheduleAnyway']),
    labelSelector: passedThrough('what selects the pods to spread: { matchLabels }'),
    matchLabelKeys: texts('names of labels').optional(),
    minDomains: whole(1, 1_000).optional(),
    nodeAffinityPolicy: honoured,
    nodeTaintsPolicy: honoured,
  }),
  ({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`,
  `must list constraints, such as [${spreadExample}], one for each topologyKey and whenUnsatisfiable`,
);

const serviceAccount = record('a service account: { name } of one that exists, or { annotations } of one to make', {
  name: kubernetesName('a service account').optional(),
  annotations: annotations.optional(),
  /** Whether its token is mounted into containers. */
  mountToken: flag.optional(),
}).refine(({ name, annotations: given }) => name === undefined || given === undefined, {
  error: 'must have either name, of an account that exists, or annotations, of one to make',
});

const dnsConfig = record('what is added to DNS: { nameservers, searches, options }', {
  nameservers: z.array(address, { error: 'must list addresses, such as ["192.0.2.7"]' }).optional(),
  searches: texts('domains, such as ["example.com"]').optional(),
  options: z
    .array(record('an option, such as { name: ndots, value: "2" }', { name: text, value: text.optional() }), {
      error: 'must list options, such as [{ name: ndots, value: "2" }]',
    })
    .optional(),
});

const hostAliases = uniqueList(
  record('an alias: { ip, hostnames }', { ip: address, hostnames: texts('host names, such as ["db.example.com"]') }),
  ({ ip }) => ip,
  'must list aliases, such as [{ ip: 192.0.2.7, hostnames: [db.example.com] }], each ip once',
);

const imagePullSecrets = uniqueList(
  record('a Secret, such as { name: registry }', { name: kubernetesName('a Secret') }),
  ({ name }) => name,
  'must list Secrets, such as [{ name: registry }], each once',
);

/** @param least seconds that the pod needs to end, at least. @param why what it does in them */
const settingsOfPod = (least: number, why: string) => {
  const error = `must be a whole number from ${least} to ${MAX_GRACE_SECONDS}: ${why}`;
  const seconds = z.int({ error }).min(least, { error }).max(MAX_GRACE_SECONDS, { error });
  return record('settings of pods, such as { nodeSelector: { pool: memory } }', {
    labels: podLabels.optional(),
    annotations: annotations.optional(),
    nodeSelector: labels.optional(),
    affinity: affinity.optional(),
    tolerations: tolerations.optional(),
    topologySpreadConstraints: topologySpreadConstraints.optional(),
    priorityClassName: kubernetesName('a priority class').optional(),
    runtimeClassName: kubernetesName('a runtime class').optional(),
    schedulerName: kubernetesName('a scheduler').optional(),
    serviceAccount: serviceAccount.optional(),
    /** Of the program's own containers, of the ingress all. */
    env: env.optional(),
    volumes: volumes.optional(),
    /** Of the program's own containers too. */
    volumeMounts: volumeMounts.optional(),
    sidecars: sidecars.optional(),
    initContainers: initContainers.optional(),
    terminationGracePeriodSeconds: seconds.optional(),
    hostAliases: hostAliases.optional(),
    dnsConfig: dnsConfig.optional(),
    imagePullSecrets: imagePullSecrets.optional(),
  });
};

/** What `pod` says. */
export interface PodSettings extends z.output<ReturnType<typeof settingsOfPod>> {}
/** The same as a program may write it. */
export interface WrittenPodSettings extends z.input<ReturnType<typeof settingsOfPod>> {}

/** By interfaces, which declarations name: all of it would stand wherever there is a pod. */
const podThatStops = (least: number, why: string): z.ZodOptional<z.ZodType<PodSettings, WrittenPodSettings>> =>
  settingsOfPod(least, why).optional();

/** What `pod` can say of the Finder and of workers. */
export const processPod = podThatStops(STOP_LIMIT_SECONDS, 'a process saves its work before it ends');
/** What it can say of the ingress. */
export const ingressPod = podThatStops(INGRESS_STOP_SECONDS, 'the ingress lets connections drain before it ends');
/** What it can say of all pods, so that it has to do for each. */
export const anyPod = ingressPod;
/** What it can say of programs that keep nothing: the console and Jobs. */
export const programPod = podThatStops(1, 'a program that gets no time cannot end');
