export { ClientRun, type ClientRunArgs } from './client-run.ts';
export { Console, type ConsoleArgs } from './console.ts';
export { DprCluster, type DprClusterArgs, type Endpoint } from './cluster.ts';
export type { ClusterContext, TokenSecret } from './cluster-context.ts';
export { Finder, type FinderArgs } from './finder.ts';
export { Membership, type MembershipArgs } from './membership-job.ts';
export { Monitoring, type MonitoringArgs } from './monitoring.ts';
export { NginxIngress, type NginxIngressArgs } from './nginx-ingress.ts';
export { Worker, type WorkerArgs } from './worker.ts';
