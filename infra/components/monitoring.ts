import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { MonitoringResources } from '../monitoring/index.ts';
import type { ClusterContext } from './cluster-context.ts';

export interface MonitoringArgs extends ClusterContext {
  /** The objects, but for the namespace as others know it. */
  readonly plan: MonitoringResources;
}

/** Has the Prometheus operator, which has to be there, scrape the cluster and know its alerts, and Grafana show it. */
export class Monitoring extends ComponentResource {
  constructor(name: string, { namespace, plan }: MonitoringArgs, options?: ComponentResourceOptions) {
    super('dpr:index:Monitoring', name, {}, options);
    const placed = ({ metadata }: { readonly metadata: object }) => ({ ...metadata, namespace });
    for (const [part, planned] of Object.entries({ 'pod-monitor': plan.podMonitor, rules: plan.rules })) {
      new CustomResource(`${name}-${part}`, { ...planned, metadata: placed(planned) }, { parent: this });
    }
    if (plan.dashboard !== undefined) {
      const { data } = plan.dashboard;
      new ConfigMap(`${name}-dashboard`, { metadata: placed(plan.dashboard), data }, { parent: this });
    }
    this.registerOutputs({});
  }
}
