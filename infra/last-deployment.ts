/** What the stack's outputs tell of the deployment before, perhaps written by another version of this program. */
import * as z from 'zod/mini';
import { ConfigError } from './config.ts';
import type { PlaceRecord, VolumeRecord } from './plan/index.ts';

/** Of new stacks: 1 had workers wherever the scheduler put them, 2 spreads them. */
export const NEWEST_DEFAULTS = 2;

export interface LastDeployment {
  readonly volumes: VolumeRecord;
  /** The names of sets that were removed. */
  readonly removed: readonly string[];
  /** Undefined where nothing was deployed to the namespace. */
  readonly place: PlaceRecord | undefined;
  /** Which defaults it was made with, and keeps: others would restart every pod at an upgrade of the program. */
  readonly defaults: number;
}

const VOLUME = z.object({
  size: z.string(),
  storageClass: z.nullable(z.string()),
  keep: z.boolean(),
  claim: z.exactOptional(z.string()),
  accessMode: z.exactOptional(z.string()),
  directory: z.exactOptional(z.string()),
});

const PLACE = z.object({
  namespace: z.string(),
  made: z.boolean(),
  keep: z.boolean(),
  uid: z.string(),
  azureLocation: z.nullable(z.string()),
});

const OUTPUTS = {
  volumes: z.record(z.string(), VOLUME),
  removed: z.array(z.string()),
  place: PLACE,
  defaults: z.int().check(z.minimum(1)),
};

/** Without the namespace's identity nothing was deployed to it: an update of some resources alone tells of all. */
const UNDEPLOYED = z.object({ uid: z.nullish(z.literal('')) });

/**
 * @param told the outputs of these names, undefined where there are none
 * @throws ConfigError that names the output which is not as this program writes it: what is not understood cannot be protected
 */
export function lastDeployment(told: Readonly<Record<keyof typeof OUTPUTS, unknown>>): LastDeployment {
  const isUndeployed = UNDEPLOYED.safeParse(told.place).success;
  const volumes = parsed('volumes', OUTPUTS.volumes, told.volumes) ?? {};
  const place = isUndeployed ? undefined : parsed('place', OUTPUTS.place, told.place);
  const isNew = isUndeployed || (place === undefined && Object.keys(volumes).length === 0);
  return {
    volumes,
    removed: parsed('removed', OUTPUTS.removed, told.removed) ?? [],
    place,
    defaults: parsed('defaults', OUTPUTS.defaults, told.defaults) ?? (isNew ? NEWEST_DEFAULTS : 1),
  };
}

function parsed<Value>(name: string, schema: z.ZodMiniType<Value>, value: unknown): Value | undefined {
  if (value === undefined || value === null) return undefined;
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const key = [name, ...(error.issues[0]?.path ?? [])].join('.');
  const text =
    'is not as this version writes it, so what it says of volumes cannot be kept to: deploy with the version that wrote it, ' +
    'or correct it by "pulumi stack export" and "pulumi stack import"';
  throw new ConfigError([{ key: `the stack's output ${key}`, text }]);
}
