// What `pulumi preview --policy-pack infra/policy` runs. Pulumi loads packs by `require`, so nothing here may wait.
import { PolicyPack } from '@pulumi/policy';
import { require as load } from 'tsx/cjs/api';

const pack = /** @type {typeof import('./policies.ts')} */ (load('./policies.ts', import.meta.url));

new PolicyPack('dpr', { policies: pack.policies });
