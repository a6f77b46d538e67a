/** What containers are made of: variables, mounts, and containers that run beside those of the program. */
import { z } from 'zod';
import { MAX_PORT } from '../../plan/ports.ts';
import { image } from './images.ts';
import {
  dnsLabel,
  flag,
  kubernetesName,
  mountPath,
  port,
  quantity,
  record,
  text,
  uniqueList,
  whole,
  word,
} from './values.ts';

const MAX_USER_ID = 2 ** 31 - 1;
/** Variables that the program sets, besides its own `DPR_…`. */
const OWN_VARIABLES = ['GLIBC_TUNABLES', 'NODE_NO_WARNINGS', 'NODE_TLS_REJECT_UNAUTHORIZED'];
/** Volumes, containers and ports of the program's own pods. */
const OWN_VOLUMES = ['account', 'data', 'run', 'tls'];
const OWN_CONTAINERS = ['client', 'console', 'feeder', 'finder', 'membership', 'nginx', 'worker'];
const OWN_PORTS = ['admin', 'control', 'http', 'public', 'resp'];

/** What Kubernetes has many fields for, and checks itself. */
export const passedThrough = (what: string) => z.record(z.string(), z.unknown(), { error: `must be ${what}` });

const key = word('must be a key of it: letters, digits, hyphens, dots and underscores', /^[-._a-zA-Z0-9]+$/, 253);
const source = (what: string) =>
  record(`${what}: { name, key }`, { name: kubernetesName(what), key, optional: flag.optional() });
const valueFrom = record('where the value comes from, such as { secretKeyRef: { name, key } }', {
  secretKeyRef: source('a Secret').optional(),
  configMapKeyRef: source('a ConfigMap').optional(),
  fieldRef: record('a field of the pod: { fieldPath }', { fieldPath: text, apiVersion: text.optional() }).optional(),
  resourceFieldRef: record('a resource of a container: { resource }', {
    resource: text,
    containerName: text.optional(),
    divisor: text.optional(),
  }).optional(),
}).refine((given) => Object.values(given).filter((one) => one !== undefined).length === 1, {
  error: 'must name one source: secretKeyRef, configMapKeyRef, fieldRef or resourceFieldRef',
});

const variableName = z
  .string({ error: 'must be the name of a variable' })
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable: letters, digits and underscores' });
const ownVariableName = variableName.refine((name) => !name.startsWith('DPR_') && !OWN_VARIABLES.includes(name), {
  error: `must be a name of your own: the program sets those that begin with DPR_, and ${OWN_VARIABLES.join(', ')}`,
});

const variables = (name: typeof variableName) =>
  uniqueList(
    record('a variable, such as { name, value }', {
      name,
      value: text.optional(),
      valueFrom: valueFrom.optional(),
    }).refine(({ value, valueFrom }) => (value === undefined) !== (valueFrom === undefined), {
      error: 'must have either value or valueFrom',
    }),
    ({ name }) => name,
    'must list variables, such as [{ name: TZ, value: Europe/Berlin }], each name once',
  );

/** Of the program's own containers. */
export const env = variables(ownVariableName);

const ownName = (what: string, own: readonly string[]) =>
  dnsLabel(what).refine((name) => !own.includes(name), {
    error: `must be a name of your own: the program has ${own.join(', ')}`,
  });

export const volumeMounts = uniqueList(
  record('a mount, such as { name, mountPath }', {
    name: ownName('a volume', OWN_VOLUMES),
    mountPath,
    subPath: text.optional(),
    subPathExpr: text.optional(),
    readOnly: flag.optional(),
    mountPropagation: z.enum(['None', 'HostToContainer'], { error: 'must be None or HostToContainer' }).optional(),
  }),
  ({ mountPath }) => mountPath,
  'must list mounts, such as [{ name: models, mountPath: /models }], each path once',
);

/** The kinds of volumes that "restricted" allows. */
export const volumes = uniqueList(
  record('a volume, such as { name: models, configMap: { name: models } }', {
    name: ownName('a volume', OWN_VOLUMES),
    configMap: passedThrough('a ConfigMap: { name }').optional(),
    csi: passedThrough('a CSI driver: { driver }').optional(),
    downwardAPI: passedThrough('fields of the pod: { items }').optional(),
    emptyDir: passedThrough('an empty directory: {}').optional(),
    ephemeral: passedThrough('a claim: { volumeClaimTemplate }').optional(),
    persistentVolumeClaim: passedThrough('a claim: { claimName }').optional(),
    projected: passedThrough('sources: { sources }').optional(),
    secret: passedThrough('a Secret: { secretName }').optional(),
  }).refine((given) => Object.values(given).filter((one) => one !== undefined).length === 2, {
    when: ({ issues }) => issues.length === 0, // a source of a kind that there is not has been told of
    error: 'must have a name and one source, such as configMap, secret, emptyDir or persistentVolumeClaim',
  }),
  ({ name }) => name,
  'must list volumes, such as [{ name: models, configMap: { name: models } }], each name once',
);

const amounts = z.record(z.string(), quantity('500m', 0, '0'), {
  error: 'must map resources to quantities, such as { cpu: 50m, memory: 64Mi }',
});
const probe = passedThrough('a probe, such as { httpGet: { path: /, port: 8080 } }').optional();

const containerFields = {
  name: ownName('a container', OWN_CONTAINERS),
  image,
  imagePullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'], { error: 'must be Always, IfNotPresent or Never' })
    .optional(),
  command: words('command').optional(),
  args: words('args').optional(),
  workingDir: mountPath.optional(),
  env: variables(variableName).optional(),
  envFrom: z
    .array(
      record('a source of variables, such as { secretRef: { name } }', {
        prefix: text.optional(),
        configMapRef: record('a ConfigMap: { name }', {
          name: kubernetesName('a ConfigMap'),
          optional: flag.optional(),
        }).optional(),
        secretRef: record('a Secret: { name }', {
          name: kubernetesName('a Secret'),
          optional: flag.optional(),
        }).optional(),
      }),
      { error: 'must list sources of variables, such as [{ secretRef: { name: keys } }]' },
    )
    .optional(),
  ports: uniqueList(
    record('a port, such as { name: metrics, containerPort: 9100 }', {
      name: ownName('a port', OWN_PORTS).max(15, { error: 'must have at most 15 characters' }).optional(),
      containerPort: port,
      protocol: z.enum(['TCP', 'UDP', 'SCTP'], { error: 'must be TCP, UDP or SCTP' }).optional(),
    }),
    ({ containerPort, protocol = 'TCP' }) => `${containerPort}/${protocol}`,
    `must list ports, such as [{ name: metrics, containerPort: 9100 }], each from 1 to ${MAX_PORT} once`,
  ).optional(),
  resources: record('what it may use: { requests, limits }', {
    requests: amounts.optional(),
    limits: amounts.optional(),
  }).optional(),
  volumeMounts: volumeMounts.optional(),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  lifecycle: passedThrough('what is done when it starts and ends: { postStart, preStop }').optional(),
  securityContext: record('its user and its file system: { runAsUser, readOnlyRootFilesystem }', {
    runAsUser: whole(1, MAX_USER_ID).optional(),
    runAsGroup: whole(1, MAX_USER_ID).optional(),
    readOnlyRootFilesystem: flag.optional(),
  }).optional(),
  terminationMessagePolicy: z
    .enum(['File', 'FallbackToLogsOnError'], { error: 'must be File or FallbackToLogsOnError' })
    .optional(),
};

const containerName = ({ name }: { name: string }) => name;

/** Containers that run beside those of the program. */
export const sidecars = uniqueList(
  record('a container, such as { name: exporter, image: "registry/exporter:1" }', containerFields),
  containerName,
  'must list containers, such as [{ name: exporter, image: "registry/exporter:1" }], each name once',
);

/** Containers that run before those of the program, and with `restartPolicy: Always` beside them too. */
export const initContainers = uniqueList(
  record('a container, such as { name: fetch, image: "registry/fetch:1" }', {
    ...containerFields,
    restartPolicy: z.literal('Always', { error: 'must be Always, or be left out' }).optional(),
  }),
  containerName,
  'must list containers, such as [{ name: fetch, image: "registry/fetch:1" }], each name once',
);

function words(what: string) {
  return z.array(text, { error: `must list the words of the ${what}, such as ["--port", "9100"]` });
}
