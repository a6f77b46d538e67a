export {
  diskClass,
  type DiskSku,
  diskSkusOf,
  FIRST_POOL,
  MANAGED_DISK_CLASS,
  type PlannedPool,
  planPools,
} from './azure/index.ts';
export type { Environment } from './environment.ts';
export { PROJECT_IMAGES, type PlannedImage, type ProjectImage } from './images.ts';
export { ACCOUNT_DIRECTORY, INGRESS_DIRECTORY, type IngressRoute, TLS_DIRECTORY } from './nginx-configuration.ts';
export { planKubernetes } from './kubernetes.ts';
export type {
  KubernetesPlan,
  PlannedFinder,
  PlannedConsole,
  PlannedIngress,
  PlannedJob,
  PlannedProcess,
  PlannedResources,
  PlannedVolume,
  PlannedWorker,
} from './kubernetes.ts';
export { mergePods } from './pod-merge.ts';
export type { PlannedAccount, PlannedPod, PlannedServiceAccount } from './pods.ts';
export { LEAVE_SECONDS } from './stopping.ts';
export { planLocal, reachable } from './local.ts';
export type { LocalFinder, LocalOptions, LocalPlan, LocalProcess, LocalWorker } from './local.ts';
export {
  CLUSTER_PART,
  FINDER_NAME,
  INGRESS_ADMIN_NAME,
  INGRESS_NAME,
  LABEL,
  labelsOf,
  PODS_NAME,
  type Role,
  roleLabels,
  workerName,
  workerNamed,
} from './names.ts';
export { type BuiltInType, DEFAULT_TYPE, isBuiltIn } from './worker-types.ts';
export { CERTIFICATE_DEFINITION, type PlannedCertificate, type PlannedService } from './ingress-services.ts';
export { type ServiceFamilies, urlHost } from './ip-families.ts';
export { OPERATOR_LABEL, planNetworkPolicies, type PlannedNetworkPolicy } from './network-policies.ts';
export {
  adminPort,
  CONTROL_PORT_OFFSET,
  FIRST_EPHEMERAL_PORT,
  ingressAdminPort,
  LISTEN_PORT,
  MAX_PORT,
  publicPort,
  respListenPort,
} from './ports.ts';
export { mayStartAnew, placeFacts, placeProblems, type PlaceRecord, strangerProblems } from './cluster-location.ts';
export { formerSizes, volumeFacts, volumeProblems, type VolumeFacts, type VolumeRecord } from './volume-changes.ts';
export { removedSets, returnProblems } from './returning-workers.ts';
