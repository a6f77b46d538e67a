import { type ComponentResourceOptions, type Input, type Inputs, output, type Output } from '@pulumi/pulumi';
import type { ConstructResult, Provider } from '@pulumi/pulumi/provider/index.js';
import { DprCluster, type DprClusterArgs } from '../components/index.ts';
import { CLUSTER_TYPE, packageSchema } from './package-schema.ts';

/** What `DprCluster` is given, as the engine hands it over: every part may be a secret. */
type Given = { readonly [Key in keyof DprClusterArgs]: Input<DprClusterArgs[Key]> };

/**
 * Makes clusters for programs in any language of Pulumi: the engine asks it for `dpr:index:DprCluster`, and it registers that component and
 * everything in it.
 *
 * @param version of the package, as `0.1.0`
 */
export function componentProvider(version: string): Provider {
  return { version, schema: JSON.stringify(packageSchema(version)), construct };
}

async function construct(
  name: string,
  type: string,
  inputs: Inputs,
  options: ComponentResourceOptions,
): Promise<ConstructResult> {
  if (type !== CLUSTER_TYPE) throw new Error(`there is no ${type} in this package, only ${CLUSTER_TYPE}`);
  const { settings, controlToken, clientToken, registry } = inputs as Given;
  const texts = { controlToken, clientToken, registry } as Omit<DprClusterArgs, 'settings'>;
  const cluster = new DprCluster(name, { settings: await known(output(settings)), ...texts }, options);
  const { urn, finderUrl, endpoints, portMap, volumes } = cluster;
  return { urn, state: { finderUrl, endpoints, portMap, volumes } };
}

/** @throws Error where a preview cannot know it, and so not which resources there will be */
async function known(settings: Output<DprClusterArgs['settings']>): Promise<DprClusterArgs['settings']> {
  const inside = settings as unknown as {
    readonly isKnown: Promise<boolean>;
    promise(): Promise<DprClusterArgs['settings']>;
  };
  if (await inside.isKnown) return inside.promise();
  throw new Error(
    'settings depend on a resource that is not made yet: give values that are known, and tokens and the registry beside them',
  );
}
