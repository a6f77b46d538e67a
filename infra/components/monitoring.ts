import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { MonitoringResources } from '../monitoring/index.ts';
import type { ClusterContext } from './cluster-context.ts';

export interface MonitoringArgs extends ClusterContext {
  /** The objects, but for the namespace as others know it. */
  readonly plan: MonitoringResources;
}

/** Has the Prometheus operator, which has to be there, scrape the cluster and know its alerts. */
export class Monitoring extends ComponentResource {
  constructor(name: string, { namespace, plan }: MonitoringArgs, options?: ComponentResourceOptions) {
    super('dpr:index:Monitoring', name, {}, options);
    const placed = <Planned extends { metadata: object }>(planned: Planned) => ({
      ...planned,
      metadata: { ...planned.metadata, namespace },
    });
    new CustomResource(`${name}-pod-monitor`, placed(plan.podMonitor), { parent: this });
    new CustomResource(`${name}-rules`, placed(plan.rules), { parent: this });
    this.registerOutputs({});
  }
}
