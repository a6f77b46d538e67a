import { readFile } from 'node:fs/promises';
import { runtime } from '@pulumi/pulumi';
import { parse } from 'yaml';

/** A resource as a program registered it. */
export type Registered = {
  readonly type: string;
  readonly name: string;
  /** Secrets are `{ secret: … }`, so that a dump shows what is one. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Names of the components and resources that it belongs to and waits for. */
  readonly parent: string;
  readonly dependsOn: readonly string[];
  readonly retainOnDelete: boolean;
  /** Properties whose changes are nothing to do for; absent where there are none. */
  readonly ignoreChanges?: readonly string[];
};

/** What providers would answer, by type token; a type that is not here is a mistake of the program. */
const ANSWERS: Readonly<Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>>> = {
  'azure-native:authorization:RoleAssignment': () => ({}),
  'azure-native:containerregistry:Registry': () => ({ loginServer: 'example.azurecr.io' }),
  'azure-native:containerservice:AgentPool': () => ({}),
  'azure-native:containerservice:MaintenanceConfiguration': () => ({}),
  'azure-native:containerservice:ManagedCluster': () => ({
    name: 'example',
    identityProfile: { kubeletidentity: { objectId: '00000000-0000-0000-0000-000000000001' } },
  }),
  'azure-native:resources:ResourceGroup': ({ location }) => ({ name: 'example', location }),
  'kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition': () => ({ metadata: { name: 'a-definition' } }),
  'kubernetes:apps/v1:Deployment': () => ({}),
  'kubernetes:apps/v1:StatefulSet': () => ({}),
  'kubernetes:batch/v1:Job': () => ({}),
  'kubernetes:cert-manager.io/v1:Certificate': () => ({}),
  'kubernetes:core/v1:ConfigMap': () => ({}),
  'kubernetes:core/v1:Namespace': ({ metadata }) => ({ metadata: { ...(metadata as object), uid: 'a-uid-of-a-test' } }),
  'kubernetes:core/v1:Secret': ({ metadata }) => ({ metadata: { ...(metadata as object), name: 'dpr-tokens-1a2b' } }),
  'kubernetes:core/v1:Service': () => ({ status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }),
  'kubernetes:core/v1:ServiceAccount': () => ({}),
  'kubernetes:monitoring.coreos.com/v1:PodMonitor': () => ({}),
  'kubernetes:monitoring.coreos.com/v1:PrometheusRule': () => ({}),
  'kubernetes:networking.k8s.io/v1:NetworkPolicy': () => ({}),
  'kubernetes:policy/v1:PodDisruptionBudget': () => ({}),
  'kubernetes:rbac.authorization.k8s.io/v1:Role': () => ({}),
  'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding': () => ({}),
  'kubernetes:storage.k8s.io/v1:StorageClass': () => ({}),
  'pulumi:providers:kubernetes': () => ({}),
};

const FUNCTIONS: Readonly<Record<string, () => Record<string, unknown>>> = {
  'azure-native:containerservice:listManagedClusterUserCredentials': () => ({
    kubeconfigs: [{ name: 'user', value: Buffer.from('a kubeconfig').toString('base64') }],
  }),
};

// What this machine's environment tells the SDK to do by default is no part of any stack.
for (const name of Object.keys(process.env))
  if (name.startsWith('PULUMI_K8S_')) Reflect.deleteProperty(process.env, name);

/** What the engine is told of a resource, as far as this reads it. */
type Request = {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getRetainondelete(): boolean | undefined;
  getIgnorechangesList(): string[];
  getObject(): Parameters<typeof runtime.deserializeProperties>[0];
};
type ReadRequest = { getId(): string };
type Monitor = {
  registerResource(request: Request, callback: unknown): unknown;
  readResource(request: ReadRequest, callback: unknown): unknown;
};

/** What the stack said of itself at its last deployment, for the reference that it makes to itself. */
export type LastOutputs = Readonly<Record<string, unknown>>;

/**
 * Runs a program against providers that only remember.
 *
 * @param config every key of the stack with its prefix, as Pulumi hands it out
 * @returns what it registered, and the ids of what it only read
 * @throws what the program throws, and an error for a type of resource or function that is not known here
 */
export async function underMocks<Result>(
  config: Readonly<Record<string, string>>,
  program: () => Promise<Result>,
  last: LastOutputs = {},
): Promise<{ resources: Registered[]; reads: string[]; result: Result }> {
  const resources: Registered[] = [];
  const reads: string[] = [];
  await runtime.setMocks(
    {
      newResource({ type, name, inputs, id }) {
        if (type === 'pulumi:pulumi:StackReference') {
          return { id: name, state: { ...(inputs as object), outputs: last, secretOutputNames: [] } };
        }
        const answer = ANSWERS[type];
        if (answer === undefined && !type.startsWith('dpr:'))
          throw new Error(`no mock knows resources of type ${type}`);
        return {
          id: id === '' || id === undefined ? `/subscriptions/s/${name}` : id,
          state: { ...(inputs as object), ...answer?.(inputs as Record<string, unknown>) },
        };
      },
      call({ token }) {
        const answer = FUNCTIONS[token];
        if (answer === undefined) throw new Error(`no mock knows the function ${token}`);
        return answer();
      },
    },
    'dpr-cluster',
    'test',
    false,
    'organization',
  );
  runtime.setAllConfig({ ...config });
  remember(runtime.getMonitor() as unknown as Monitor, resources, reads);
  const result = await program();
  await runtime.disconnect();
  return { resources, reads, result };
}

/** Mocks are not told of parents and dependencies, but the monitor that serves them is. */
function remember(monitor: Monitor, resources: Registered[], reads: string[]): void {
  const read = monitor.readResource.bind(monitor);
  monitor.readResource = (request, callback) => {
    reads.push(request.getId());
    return read(request, callback);
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    const ignoreChanges = request.getIgnorechangesList();
    resources.push({
      type: request.getType(),
      name: request.getName(),
      inputs: plain(runtime.deserializeProperties(request.getObject())) as Record<string, unknown>,
      parent: nameOf(request.getParent()),
      dependsOn: request.getDependenciesList().map(nameOf).sort(),
      retainOnDelete: request.getRetainondelete() ?? false,
      ...(ignoreChanges.length === 0 ? {} : { ignoreChanges }),
    });
    return register(request, callback);
  };
}

/** A URN ends in the resource's name. */
function nameOf(urn: string): string {
  return urn.split('::').at(-1) ?? '';
}

/** A value with its keys in order and its secrets marked. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if (runtime.isRpcSecret(value)) return { secret: plain(runtime.unwrapRpcSecret(value)) };
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]: [string, unknown]) => [key, plain(inner)]));
}

/** A stack's file as Pulumi hands it out: texts, and JSON for everything else. */
export async function stackConfig(stack: string): Promise<Record<string, string>> {
  const file = new URL(`../../Pulumi.${stack}.yaml`, import.meta.url);
  const { config } = parse(await readFile(file, 'utf8')) as { config: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
