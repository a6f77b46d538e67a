import { RoleAssignment } from '@pulumi/azure-native/authorization/roleAssignment.js';
import { Registry } from '@pulumi/azure-native/containerregistry/registry.js';
import { AgentPool } from '@pulumi/azure-native/containerservice/agentPool.js';
import { listManagedClusterUserCredentialsOutput } from '@pulumi/azure-native/containerservice/listManagedClusterUserCredentials.js';
import { MaintenanceConfiguration } from '@pulumi/azure-native/containerservice/maintenanceConfiguration.js';
import { ManagedCluster } from '@pulumi/azure-native/containerservice/managedCluster.js';
import { ResourceGroup } from '@pulumi/azure-native/resources/resourceGroup.js';
import { Provider } from '@pulumi/kubernetes/provider.js';
import { StorageClass } from '@pulumi/kubernetes/storage/v1/storageClass.js';
import { ComponentResource, type ComponentResourceOptions, type Output, secret } from '@pulumi/pulumi';
import { diskClass, type DiskSku, MANAGED_DISK_CLASS, type PlannedPool, planPools } from '../plan/index.ts';
import { type Azure, clusterProperties, poolProperties } from './cluster-properties.ts';

export interface AzureClusterArgs {
  /** Region, pools of nodes, disks: what stands under `dpr:azure`. */
  readonly azure: Azure;
  /** The kinds of disks that volumes ask for by themselves; each gets a storage class. */
  readonly diskSkus?: readonly DiskSku[];
}

/** The role of Azure that lets nodes pull images. */
const ACR_PULL = '7f951dda-4ed3-4680-a7ca-43fe172d538d';
/** Azure's names for what may happen in a maintenance window, by ours for the resources. */
const MAINTENANCE = { upgrades: 'aksManagedAutoUpgradeSchedule', nodes: 'aksManagedNodeOSUpgradeSchedule' };

type Place = { readonly resourceGroupName: Output<string>; readonly resourceName: Output<string> };
/** With the version of Kubernetes, where the cluster's is given, so that pools follow it. */
type SharedByPools = Place & { readonly orchestratorVersion?: string };

/** A Kubernetes cluster of Azure (AKS) with a registry that it may pull from. Everything is in one resource group. */
export class AzureCluster extends ComponentResource {
  /** How to reach the cluster; a secret. */
  public readonly kubeconfig: Output<string>;
  /** Where the images go, such as `dpr1234.azurecr.io`. */
  public readonly registry: Output<string>;
  /** Deploys to the cluster, once it has its pools. */
  public readonly provider: Provider;

  constructor(name: string, { azure, diskSkus = [] }: AzureClusterArgs, options?: ComponentResourceOptions) {
    super('dpr:azure:Cluster', name, {}, options);
    const own = { parent: this };
    const group = new ResourceGroup(`${name}-group`, { location: azure.location }, own);
    const where = { resourceGroupName: group.name, location: group.location };
    const registry = new Registry(
      `${name.replaceAll('-', '')}registry`, // Azure takes letters and digits only
      { ...where, sku: { name: 'Standard' }, adminUserEnabled: false },
      own,
    );
    const [first, ...others] = planPools(azure);
    const cluster = new ManagedCluster(
      `${name}-cluster`,
      { ...where, ...clusterProperties(name, azure) },
      { parent: this, ...ignoredCount(first, 'agentPoolProfiles[0].count') },
    );
    allowToPull(name, registry, cluster, this);
    const place = { resourceGroupName: group.name, resourceName: cluster.name };
    const { kubernetesVersion: version } = azure;
    const shared = { ...place, ...(version === undefined ? {} : { orchestratorVersion: version }) };
    const pools = others.map((pool) => createPool(name, pool, shared, this));
    createMaintenance(name, azure, place, this);
    this.registry = registry.loginServer;
    this.kubeconfig = kubeconfigOf(place);
    this.provider = new Provider(
      `${name}-kubernetes`,
      { kubeconfig: this.kubeconfig, enableConfigMapMutable: true },
      { parent: this, dependsOn: pools },
    );
    createClass(`${name}-disks`, MANAGED_DISK_CLASS, azure.diskSku, this);
    for (const sku of diskSkus) createClass(`${name}-disks-${sku}`, diskClass(sku), sku, this);
    this.registerOutputs({ kubeconfig: this.kubeconfig, registry: this.registry });
  }
}

function allowToPull(name: string, registry: Registry, cluster: ManagedCluster, parent: AzureCluster): void {
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
    { parent },
  );
}

/** A resource of its own, so that a pool comes and goes without a change to the cluster or to another pool. */
function createPool(name: string, pool: PlannedPool, shared: SharedByPools, parent: AzureCluster): AgentPool {
  return new AgentPool(
    `${name}-pool-${pool.name}`,
    {
      ...shared,
      agentPoolName: pool.name,
      mode: 'User',
      ...poolProperties(pool),
      nodeLabels: pool.labels,
      ...(pool.taint === undefined ? {} : { nodeTaints: [pool.taint] }),
    },
    { parent, ...ignoredCount(pool, 'count') },
  );
}

/** Where Azure decides how many nodes there are, another number than at the beginning is no change to undo. */
function ignoredCount({ autoscale }: PlannedPool, property: string): { readonly ignoreChanges?: string[] } {
  return autoscale === undefined ? {} : { ignoreChanges: [property] };
}

function createMaintenance(name: string, { maintenance }: Azure, place: Place, parent: AzureCluster): void {
  if (maintenance === undefined) return;
  const { weekday, startHour, durationHours, utcOffset } = maintenance;
  const maintenanceWindow = {
    schedule: { weekly: { dayOfWeek: weekday, intervalWeeks: 1 } },
    startTime: `${String(startHour).padStart(2, '0')}:00`,
    durationHours,
    utcOffset,
  };
  for (const [what, configName] of Object.entries(MAINTENANCE)) {
    new MaintenanceConfiguration(
      `${name}-maintenance-${what}`,
      { ...place, configName, maintenanceWindow },
      { parent },
    );
  }
}

function createClass(name: string, className: string, skuName: DiskSku, parent: AzureCluster): void {
  new StorageClass(
    name,
    {
      metadata: { name: className },
      provisioner: 'disk.csi.azure.com',
      parameters: { skuName },
      allowVolumeExpansion: true,
      volumeBindingMode: 'WaitForFirstConsumer', // the disk is made in the zone of the node that its pod is put on
    },
    { parent, provider: parent.provider },
  );
}

function kubeconfigOf(place: Place): Output<string> {
  const credentials = listManagedClusterUserCredentialsOutput(place);
  return secret(
    credentials.apply(({ kubeconfigs }) => Buffer.from(kubeconfigs[0]?.value ?? '', 'base64').toString('utf8')),
  );
}

/** `/subscriptions/…` of a resource's id. */
function subscriptionOf(id: string): string {
  return id.split('/').slice(0, 3).join('/');
}
