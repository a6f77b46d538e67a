import type { Service } from '@pulumi/kubernetes/core/v1/service.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { PlannedFinder } from '../plan/index.ts';
import type { ClusterContext } from './cluster-context.ts';
import { createProcess } from './stateful-process.ts';

export interface FinderArgs extends ClusterContext {
  /** Its names, ports, volume, image and environment. */
  readonly plan: PlannedFinder;
}

/** The one Finder: a StatefulSet of one pod with its volume, and the Service that clients and workers reach it by. */
export class Finder extends ComponentResource {
  /** Where it is reached inside the cluster. */
  public readonly service: Service;

  constructor(name: string, args: FinderArgs, options?: ComponentResourceOptions) {
    super('dpr:index:Finder', name, {}, options);
    this.service = createProcess(name, args.plan, args, this);
    this.registerOutputs({ serviceName: this.service.metadata.name });
  }
}
