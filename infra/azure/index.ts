import { RoleAssignment } from '@pulumi/azure-native/authorization/roleAssignment.js';
import { Registry } from '@pulumi/azure-native/containerregistry/registry.js';
import { listManagedClusterUserCredentialsOutput } from '@pulumi/azure-native/containerservice/listManagedClusterUserCredentials.js';
import { ManagedCluster } from '@pulumi/azure-native/containerservice/managedCluster.js';
import { ResourceGroup } from '@pulumi/azure-native/resources/resourceGroup.js';
import { Provider } from '@pulumi/kubernetes/provider.js';
import { StorageClass } from '@pulumi/kubernetes/storage/v1/storageClass.js';
import { ComponentResource, type ComponentResourceOptions, type Output, secret } from '@pulumi/pulumi';
import type { Config } from '../config.ts';

export interface AzureClusterArgs {
  /** Region, size and number of nodes, disks: what stands under `dpr:azure`. */
  readonly azure: NonNullable<Config['azure']>;
}

/** The class of managed disks that the cluster's volumes are on. */
export const AZURE_STORAGE_CLASS = 'dpr-managed-disk';
/** The role of Azure that lets nodes pull images. */
const ACR_PULL = '7f951dda-4ed3-4680-a7ca-43fe172d538d';

/** A Kubernetes cluster of Azure (AKS) with a registry that it may pull from. Everything is in one resource group. */
export class AzureCluster extends ComponentResource {
  /** How to reach the cluster; a secret. */
  public readonly kubeconfig: Output<string>;
  /** Where the images go, such as `dpr1234.azurecr.io`. */
  public readonly registry: Output<string>;
  /** Deploys to the cluster. */
  public readonly provider: Provider;

  constructor(name: string, { azure }: AzureClusterArgs, options?: ComponentResourceOptions) {
    super('dpr:azure:Cluster', name, {}, options);
    const own = { parent: this };
    const group = new ResourceGroup(`${name}-group`, { location: azure.location }, own);
    const where = { resourceGroupName: group.name, location: group.location };
    const registry = new Registry(
      `${name.replaceAll('-', '')}registry`, // Azure takes letters and digits only
      { ...where, sku: { name: 'Standard' }, adminUserEnabled: false },
      own,
    );
    const cluster = new ManagedCluster(`${name}-cluster`, { ...where, ...clusterProperties(name, azure) }, own);
    new RoleAssignment(
      `${name}-pull`,
      {
        scope: registry.id,
        roleDefinitionId: registry.id.apply(
          (id) => `${subscriptionOf(id)}/providers/Microsoft.Authorization/roleDefinitions/${ACR_PULL}`,
        ),
        principalId: cluster.identityProfile.apply((profile) => profile?.kubeletidentity?.objectId ?? ''),
        principalType: 'ServicePrincipal',
      },
      own,
    );
    this.registry = registry.loginServer;
    this.kubeconfig = kubeconfigOf(group, cluster);
    this.provider = new Provider(
      `${name}-kubernetes`,
      { kubeconfig: this.kubeconfig, enableConfigMapMutable: true },
      own,
    );
    new StorageClass(
      `${name}-disks`,
      {
        metadata: { name: AZURE_STORAGE_CLASS },
        provisioner: 'disk.csi.azure.com',
        parameters: { skuName: azure.diskSku },
        allowVolumeExpansion: true,
        volumeBindingMode: 'WaitForFirstConsumer', // the disk is made in the zone of the node that its pod is put on
      },
      { parent: this, provider: this.provider },
    );
    this.registerOutputs({ kubeconfig: this.kubeconfig, registry: this.registry });
  }
}

function clusterProperties(name: string, azure: AzureClusterArgs['azure']) {
  const { nodeSize: vmSize, nodeCount: count, kubernetesVersion, adminGroupIds } = azure;
  return {
    dnsPrefix: name,
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    identity: { type: 'SystemAssigned' as const },
    enableRBAC: true,
    agentPoolProfiles: [{ name: 'workers', mode: 'System', osType: 'Linux', vmSize, count }],
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

function kubeconfigOf(group: ResourceGroup, cluster: ManagedCluster): Output<string> {
  const credentials = listManagedClusterUserCredentialsOutput({
    resourceGroupName: group.name,
    resourceName: cluster.name,
  });
  return secret(
    credentials.apply(({ kubeconfigs }) => Buffer.from(kubeconfigs[0]?.value ?? '', 'base64').toString('utf8')),
  );
}

/** `/subscriptions/…` of a resource's id. */
function subscriptionOf(id: string): string {
  return id.split('/').slice(0, 3).join('/');
}
