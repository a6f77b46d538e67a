import path from 'node:path';
import { Provider } from '@pulumi/kubernetes/provider.js';
import {
  Config as PulumiConfig,
  getOrganization,
  getProject,
  getRootDirectory,
  getStack,
  type Output,
  RunError,
  runtime,
  secret,
  StackReference,
} from '@pulumi/pulumi';
import { DprCluster, type Endpoint } from './components/index.ts';
import { type Config, ConfigError, parseConfig, type Settings, withoutPrefix } from './config.ts';
import { planKubernetes, volumeProblems, type VolumeRecord } from './plan/index.ts';
import { settingsOf } from './stack-config.ts';
import { stackFileName, straysInFile } from './stack-file.ts';

const NAME = 'dpr';

/** Where the images go, and how the cluster is reached, which is a secret. */
export type AzureOutputs = { readonly registry?: Output<string>; readonly kubeconfig?: Output<string> };

/** What `pulumi stack output` shows. */
export type StackOutputs = {
  readonly finderUrl: Output<string>;
  readonly endpoints: Output<Endpoint[]>;
  readonly portMap: Output<Record<string, number>>;
  readonly volumes: Output<VolumeRecord>;
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
  const texts = runtime.allConfig();
  const strays = [...withoutPrefix(Object.keys(texts), getProject()), ...(await straysInFile(stackFile()))];
  if (strays.length > 0) throw new ConfigError(strays);
  const raw = settingsOf(texts);
  const config = parseConfig(raw, 'kubernetes');
  const { azure, controlToken, clientToken } = config;
  const tokens = { controlToken: secretOf(controlToken), clientToken: secretOf(clientToken) };
  const settings = withoutTokens(raw as Settings);
  if (azure === undefined) {
    await checkVolumes(config);
    const { finderUrl, endpoints, portMap, volumes } = new DprCluster(
      NAME,
      { ...tokens, settings },
      { providers: [ownProvider()] },
    );
    return { finderUrl, endpoints, portMap, volumes, azure: {} };
  }
  const { AzureCluster, AZURE_STORAGE_CLASS } = await import('./azure/index.ts'); // slow to load, so only where used
  const onAzure = onDisks(settings, AZURE_STORAGE_CLASS);
  await checkVolumes(parseConfig(onAzure, 'kubernetes'));
  const { provider, registry, kubeconfig } = new AzureCluster(`${NAME}-azure`, { azure });
  const { finderUrl, endpoints, portMap, volumes } = new DprCluster(
    NAME,
    { ...tokens, registry, settings: onAzure },
    { providers: [provider] },
  );
  return { finderUrl, endpoints, portMap, volumes, azure: { registry, kubeconfig } };
}

/** Where Pulumi keeps the stack's configuration, unless it was told another place. */
function stackFile(): string {
  return path.join(getRootDirectory(), stackFileName(getStack()));
}

/** The settings with a storage class for every volume that has none. */
function onDisks(settings: Settings, storageClass: string): Settings {
  return {
    ...settings,
    finder: { storageClass, ...settings.finder },
    workerDefaults: { storageClass, ...settings.workerDefaults },
  };
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

/** Compares the plan with what the stack itself told last time. */
async function checkVolumes(config: Config): Promise<void> {
  const last = new StackReference(`${getOrganization()}/${getProject()}/${getStack()}`);
  const volumes = (await last.getOutputDetails('volumes')).value as VolumeRecord | undefined;
  const problems = volumeProblems(volumes ?? {}, planKubernetes(config), config.replace);
  if (problems.length > 0) throw new ConfigError(problems);
}
