import { z } from 'zod';
import { record, whole, word } from './values.ts';

/** What `dpr:azure` can say. */
export const azure = record('the Azure cluster to make', {
  location: word('must be an Azure region, such as "westeurope"', /^[a-z0-9]+$/, 63),
  nodeSize: word('must be a virtual machine size, such as "Standard_D4s_v5"', /^\w+$/, 63).default('Standard_D4s_v5'),
  nodeCount: whole(1, 1_000).default(3),
  kubernetesVersion: word('must be a version, such as "1.34"', /^\d+\.\d+(\.\d+)?$/, 20).optional(),
  /** Groups of the directory whose members administer the cluster; where given, its local accounts are off. */
  adminGroupIds: z
    .array(word('must be a group id', /^[-0-9a-f]{36}$/, 36), { error: 'must list group ids' })
    .optional(),
  diskSku: z
    .enum(['Premium_LRS', 'PremiumV2_LRS', 'StandardSSD_LRS', 'Premium_ZRS'], {
      error: 'must be Premium_LRS, PremiumV2_LRS, StandardSSD_LRS or Premium_ZRS',
    })
    .default('Premium_LRS'),
});
