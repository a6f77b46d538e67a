import path from 'node:path';
import { CustomResourceDefinition } from '@pulumi/kubernetes/apiextensions/v1/customResourceDefinition.js';
import { Namespace } from '@pulumi/kubernetes/core/v1/namespace.js';
import { Provider } from '@pulumi/kubernetes/provider.js';
import {
  Config as PulumiConfig,
  getOrganization,
  getProject,
  getRootDirectory,
  getStack,
  output,
  type Output,
  RunError,
  runtime,
  secret,
  StackReference,
} from '@pulumi/pulumi';
import type { AzureCluster, AzureClusterArgs } from './azure/index.ts';
import { DprCluster, type Endpoint } from './components/index.ts';
import { type Config, ConfigError, parseConfig, type Problem, type Settings, withoutPrefix } from './config.ts';
import { lastDeployment, type LastDeployment } from './last-deployment.ts';
import { DEFINITIONS } from './monitoring/index.ts';
import {
  CERTIFICATE_DEFINITION,
  diskSkusOf,
  FINDER_NAME,
  formerSizes,
  mayStartAnew,
  placeFacts,
  placeProblems,
  type PlaceRecord,
  planKubernetes,
  removedSets,
  returnProblems,
  strangerProblems,
  volumeProblems,
  type VolumeRecord,
  workerName,
} from './plan/index.ts';
import { settingsOf } from './stack-config.ts';
import { stackFileName, straysInFile } from './stack-file.ts';

const NAME = 'dpr';
/** The first defaults of stacks by which workers are spread. */
const SPREADING_DEFAULTS = 2;

/** Where the images go, and how the cluster is reached, which is a secret. */
export type AzureOutputs = { readonly registry?: Output<string>; readonly kubeconfig?: Output<string> };

/** What `pulumi stack output` shows. */
export type StackOutputs = {
  readonly finderUrl: Output<string>;
  readonly endpoints: Output<Endpoint[]>;
  readonly portMap: Output<Record<string, number>>;
  readonly volumes: Output<VolumeRecord>;
  /** The names of workers' StatefulSets that were removed, and whose volumes are kept. */
  readonly removed: readonly string[];
  /** Where all of them are. */
  readonly place: Output<PlaceRecord>;
  /** Which defaults it was made with. */
  readonly defaults: number;
  /** Empty unless the stack makes a Kubernetes cluster on Azure. */
  readonly azure: AzureOutputs;
};

/**
 * Makes everything that the stack's configuration asks for.
 *
 * @throws RunError, of which Pulumi shows the message and nothing else, when the configuration cannot be used, or would
 *   harm what there is
 */
export async function deployStack(): Promise<StackOutputs> {
  await Promise.resolve(); // a program that fails before it first waits takes Pulumi half a minute to report
  try {
    return await deploy();
  } catch (error) {
    throw error instanceof ConfigError ? new RunError(`the configuration cannot be used:\n${error.message}`) : error;
  }
}

async function deploy(): Promise<StackOutputs> {
  const raw = await writtenSettings();
  const config = parseConfig(raw, 'kubernetes');
  const tokens = { controlToken: secretOf(config.controlToken), clientToken: secretOf(config.clientToken) };
  const plan = planKubernetes(config);
  const last = await toldLastTime();
  refuseAll([
    ...placeProblems(last.place, config),
    ...volumeProblems(last.volumes, plan, config.replace),
    ...returnProblems(last.removed, plan, config),
  ]);

  const made = config.azure === undefined ? undefined : await azureCluster(config.azure, config);
  const provider = made?.provider ?? ownProvider();
  const uid = await checkNamespace(last.place, config, provider);
  await checkOperators(config, provider);
  const settings = withoutTokens(raw as Settings);
  const { finderUrl, endpoints, portMap, volumes, namespaceUid } = new DprCluster(
    NAME,
    {
      ...tokens,
      registry: made?.registry,
      settings: withSpread(withSizes(settings, config, formerSizes(last.volumes, plan)), last),
    },
    { providers: [provider] },
  );
  const place = output({ ...placeFacts(config), uid: namespaceUid ?? uid ?? '' });
  const outputs = made === undefined ? {} : { registry: made.registry, kubeconfig: made.kubeconfig };
  const removed = removedSets(last.volumes, last.removed, plan);
  return { finderUrl, endpoints, portMap, volumes, removed, place, defaults: last.defaults, azure: outputs };
}

/** The stack's configuration as its file has it. @throws ConfigError for keys that were meant for it and that nothing reads */
async function writtenSettings(): Promise<Record<string, unknown>> {
  const texts = runtime.allConfig();
  refuseAll([...withoutPrefix(Object.keys(texts), getProject()), ...(await straysInFile(stackFile()))]);
  return settingsOf(texts);
}

function refuseAll(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Where Pulumi keeps the stack's configuration, unless it was told another place. */
function stackFile(): string {
  return path.join(getRootDirectory(), stackFileName(getStack()));
}

/** Its module is slow to load, so that happens only where it is used. */
async function azureCluster(azure: AzureClusterArgs['azure'], config: Config): Promise<AzureCluster> {
  const { AzureCluster: Made } = await import('./azure/index.ts');
  return new Made(`${NAME}-azure`, { azure, diskSkus: diskSkusOf(config) });
}

/** The settings with sizes of volumes as they were written when these were made. */
function withSizes(settings: Settings, config: Config, sizes: ReadonlyMap<string, string>): Settings {
  const ofFinder = sizes.get(FINDER_NAME);
  return {
    ...settings,
    ...(ofFinder === undefined ? {} : { finder: { ...settings.finder, storage: ofFinder } }),
    workers: settings.workers.map((worker, index) => {
      const { type = '' } = config.workers[index] ?? {};
      const storage = sizes.get(workerName({ type, id: worker.id }));
      return storage === undefined ? worker : { ...worker, storage };
    }),
  };
}

/** The settings with workers spread where they do not say, if the stack was made with that as its default. */
function withSpread(settings: Settings, { defaults }: LastDeployment): Settings {
  return { ...settings, spreadWorkers: settings.spreadWorkers ?? defaults >= SPREADING_DEFAULTS };
}

/** Tokens go their own way, as secrets. */
function withoutTokens({ controlToken: _control, clientToken: _client, ...rest }: Settings): Settings {
  return rest;
}

function secretOf(token: string | undefined): Output<string> | undefined {
  return token === undefined ? undefined : secret(token);
}

/** The cluster that the administrator's own settings point at, as `pulumi config set kubernetes:context` does. */
function ownProvider(): Provider {
  const settings = new PulumiConfig('kubernetes');
  const context = settings.get('context');
  const kubeconfig = settings.getSecret('kubeconfig');
  return withoutKubeconfig(
    () =>
      new Provider(`${NAME}-kubernetes`, {
        enableConfigMapMutable: true, // the ingress's ConfigMap changes in place
        ...(context === undefined ? {} : { context }),
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
      }),
  );
}

/**
 * KUBECONFIG is for the provider's own process to read. From ours, the SDK would write the path into the stack, and every machine
 * that has another one would preview a change.
 */
function withoutKubeconfig<Result>(make: () => Result): Result {
  const { KUBECONFIG: file } = process.env;
  delete process.env.KUBECONFIG;
  try {
    return make();
  } finally {
    if (file !== undefined) process.env.KUBECONFIG = file;
  }
}

/** What the stack itself told last time. */
async function toldLastTime(): Promise<LastDeployment> {
  const last = new StackReference(`${getOrganization()}/${getProject()}/${getStack()}`);
  const told = async (name: string) => (await last.getOutputDetails(name)).value as unknown;
  return lastDeployment({
    volumes: await told('volumes'),
    removed: await told('removed'),
    place: await told('place'),
    defaults: await told('defaults'),
  });
}

/**
 * Looks for the namespace before anything is changed in it. Where it is missing, Pulumi says that this resource does not exist.
 *
 * @returns its identity, where there should be one already and it can be known
 * @throws ConfigError when it is another than last time
 */
async function checkNamespace(
  before: PlaceRecord | undefined,
  config: Config,
  provider: Provider,
): Promise<string | undefined> {
  if (config.createNamespace && (before === undefined || mayStartAnew(config))) return undefined;
  const uid = await knownValue(
    Namespace.get(`${NAME}-namespace-that-should-exist`, config.namespace, { provider }).metadata.uid,
  );
  refuseAll(strangerProblems(before, config, uid));
  return uid;
}

/**
 * Looks for the operators whose resources the stack has, before anything is changed. Of a definition that is missing, Pulumi says that this
 * resource does not exist, and hears no more of the program: the name has to say the rest.
 */
async function checkOperators({ monitoring, ingress }: Config, provider: Provider): Promise<void> {
  const needed = [
    ...(monitoring === undefined
      ? []
      : DEFINITIONS.map((of) => ({ of, who: 'monitoring-needs-the-prometheus-operator' }))),
    ...(ingress.certificate === undefined ? [] : [{ of: CERTIFICATE_DEFINITION, who: 'ingress-needs-cert-manager' }]),
  ];
  const found = needed.map(({ of, who }) => {
    const [what = ''] = of.split('.');
    return CustomResourceDefinition.get(`${NAME}-${who}-for-${what}`, of, { provider });
  });
  await Promise.all(found.map(({ metadata }) => knownValue(metadata.name)));
}

/** Undefined in a preview that cannot know it, as while the Kubernetes cluster is not made. */
async function knownValue<Value>(told: Output<Value>): Promise<Value | undefined> {
  const inside = told as unknown as { readonly isKnown: Promise<boolean>; promise(): Promise<Value> };
  return (await inside.isKnown) ? inside.promise() : undefined;
}
