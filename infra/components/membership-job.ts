import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from '@pulumi/pulumi';
import type { PlannedJob } from '../plan/index.ts';
import type { ClusterContext } from './cluster-context.ts';
import { createJob } from './job.ts';

export interface MembershipArgs extends ClusterContext {
  /** The Job, its name a hash of what is declared. */
  readonly plan: PlannedJob;
  /** What has to be there before it starts. */
  readonly after: Resource[];
}

/**
 * Makes the cluster what is declared: every declared worker serves, every other has left in peace. It comes after everything that
 * adds to the cluster. Deletions need no word of their own: Pulumi makes them after all else has succeeded, so a worker
 * that is no longer declared is deleted after it left, and not at all when this fails.
 */
export class Membership extends ComponentResource {
  /** The name of the Job that saw to it. */
  public readonly jobName: Output<string>;

  constructor(name: string, args: MembershipArgs, options?: ComponentResourceOptions) {
    super('dpr:index:Membership', name, {}, options);
    this.jobName = createJob(`${name}-job`, args.plan, args, { parent: this, dependsOn: args.after }).metadata.name;
    this.registerOutputs({ jobName: this.jobName });
  }
}
