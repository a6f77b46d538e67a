import type { ManagedClusterArgs } from '@pulumi/azure-native/containerservice/managedCluster.js';
import type { Config } from '../config.ts';
import { type PlannedPool, planPools } from '../plan/index.ts';

export type Azure = NonNullable<Config['azure']>;

/** What the Kubernetes cluster has besides its place: one pool of nodes, the network, and who administers it. */
export function clusterProperties(name: string, azure: Azure): Omit<ManagedClusterArgs, 'resourceGroupName'> {
  const { kubernetesVersion, adminGroupIds, tier } = azure;
  const [first] = planPools(azure);
  return {
    dnsPrefix: name,
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    ...(tier === undefined ? {} : { sku: { name: 'Base', tier } }),
    identity: { type: 'SystemAssigned' },
    enableRBAC: true,
    agentPoolProfiles: [{ name: first.name, mode: 'System', ...poolProperties(first) }],
    ...apiServerAccess(azure),
    // Only with a data plane that enforces network policies is the control port closed to other pods.
    networkProfile: {
      networkPlugin: 'azure',
      networkPluginMode: 'overlay',
      networkDataplane: 'cilium',
      networkPolicy: 'cilium',
      loadBalancerSku: 'standard',
    },
    oidcIssuerProfile: { enabled: true },
    securityProfile: { workloadIdentity: { enabled: true } },
    // Without a group of administrators in the directory, the local account is the only way in.
    ...(adminGroupIds === undefined
      ? {}
      : {
          aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: adminGroupIds },
          disableLocalAccounts: true,
        }),
  };
}

/** What the first pool, which is a part of the cluster, and the others, which are resources, have in common. */
export function poolProperties({ nodeSize, count, autoscale, zones, maxPods }: PlannedPool) {
  return {
    osType: 'Linux',
    vmSize: nodeSize,
    count,
    ...(autoscale === undefined ? {} : { enableAutoScaling: true, minCount: autoscale.min, maxCount: autoscale.max }),
    ...(zones.length === 0 ? {} : { availabilityZones: [...zones] }),
    ...(maxPods === undefined ? {} : { maxPods }),
  };
}

function apiServerAccess({
  privateCluster,
  authorizedIpRanges,
}: Azure): Pick<ManagedClusterArgs, 'apiServerAccessProfile'> {
  const profile = {
    ...(privateCluster === true ? { enablePrivateCluster: true } : {}),
    ...(authorizedIpRanges === undefined ? {} : { authorizedIPRanges: authorizedIpRanges }),
  };
  return Object.keys(profile).length === 0 ? {} : { apiServerAccessProfile: profile };
}
