import type { ResourceValidationPolicy } from '@pulumi/policy';
import { RULES } from './rules.ts';
import type { Rule } from './rule.ts';

/** The stacks that are production unless the configuration of a policy says otherwise. */
const PRODUCTION_STACKS = ['production'];

type PolicyConfig = { readonly stacks?: readonly string[] };

/** The rules as Pulumi takes them; how strict each is, and for which stacks, `--policy-pack-config` may change. */
export const policies: ResourceValidationPolicy[] = RULES.map(policyOf);

function policyOf({ name, description, level, isForProduction, problems }: Rule): ResourceValidationPolicy {
  const stacks = { type: 'array' as const, items: { type: 'string' as const }, default: PRODUCTION_STACKS };
  return {
    name,
    description,
    enforcementLevel: level,
    ...(isForProduction ? { configSchema: { properties: { stacks } } } : {}),
    validateResource: (resource, reportViolation) => {
      if (isForProduction && !isAmong(resource.urn, resource.getConfig<PolicyConfig>())) return;
      for (const problem of problems(resource)) reportViolation(problem);
    },
  };
}

/** A URN is `urn:pulumi:`, the stack, and then the rest, each after two colons. */
function isAmong(urn: string, { stacks = PRODUCTION_STACKS }: PolicyConfig): boolean {
  const [, , stack = ''] = urn.split('::', 1)[0]?.split(':') ?? [];
  return stacks.includes(stack);
}
