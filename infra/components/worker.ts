import type { Service } from '@pulumi/kubernetes/core/v1/service.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { PlannedWorker } from '../plan/index.ts';
import type { ClusterContext } from './cluster-context.ts';
import { createProcess } from './stateful-process.ts';

export interface WorkerArgs extends ClusterContext {
  /** Its names, ports, volume, image and environment. */
  readonly plan: PlannedWorker;
}

/** One worker of any type: a StatefulSet of one pod with its volume, and the Service that the ingress reaches it by. */
export class Worker extends ComponentResource {
  /** Where it is reached inside the cluster. */
  public readonly service: Service;

  constructor(name: string, args: WorkerArgs, options?: ComponentResourceOptions) {
    super('dpr:index:Worker', name, {}, options);
    this.service = createProcess(name, args.plan, args, this);
    this.registerOutputs({ serviceName: this.service.metadata.name });
  }
}
