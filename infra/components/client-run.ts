import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from '@pulumi/pulumi';
import type { PlannedJob } from '../plan/index.ts';
import type { ClusterContext } from './cluster-context.ts';
import { createJob } from './job.ts';

export interface ClientRunArgs extends ClusterContext {
  /** The Job, its name a hash of what it runs. */
  readonly plan: PlannedJob;
  /** What has to be there before it starts. */
  readonly after: Resource[];
}

/** A command of the client's image, run once inside the cluster; the deployment fails if it does. */
export class ClientRun extends ComponentResource {
  /** The name of the Job. */
  public readonly jobName: Output<string>;

  constructor(name: string, args: ClientRunArgs, options?: ComponentResourceOptions) {
    super('dpr:index:ClientRun', name, {}, options);
    this.jobName = createJob(`${name}-job`, args.plan, args, { parent: this, dependsOn: args.after }).metadata.name;
    this.registerOutputs({ jobName: this.jobName });
  }
}
