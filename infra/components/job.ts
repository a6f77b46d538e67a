import { Job } from '@pulumi/kubernetes/batch/v1/job.js';
import type { CustomResourceOptions } from '@pulumi/pulumi';
import type { PlannedJob } from '../plan/index.ts';
import { type ClusterContext, imageName } from './cluster-context.ts';
import { environmentOf, NODE_USER, resourcesOf, RESTRICTED_CONTAINER } from './pod-settings.ts';
import { podTemplate } from './pod-template.ts';

/** Exit codes of a program that ended by itself: it knows why, and trying again will not help. */
const DEFINITE_FAILURES = [1, 2, 3, 4, 5, 6];
const ATTEMPTS = 3;
/** The deployment waits this much longer than the Job may take, so that the Job's own words are heard. */
const EXTRA_SECONDS = 60;

/** A program of the client's image that has to end well for the deployment to go on. */
export function createJob(
  name: string,
  plan: PlannedJob,
  context: ClusterContext,
  options: CustomResourceOptions,
): Job {
  const metadata = {
    name: plan.name,
    namespace: context.namespace,
    labels: plan.labels,
    annotations: { 'pulumi.com/replaceUnready': 'true' }, // one that failed runs again at the next deployment
  };
  const container = {
    ...RESTRICTED_CONTAINER,
    name: plan.role,
    image: imageName(plan.image, context),
    ...(plan.command === undefined ? {} : { command: [...plan.command] }),
    args: [...plan.arguments],
    env: environmentOf(plan.environment, context),
    resources: resourcesOf(plan.resources),
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
  return new Job(
    name,
    {
      metadata,
      // No ttlSecondsAfterFinished: a Job that is gone would be made, and run, again.
      spec: {
        backoffLimit: ATTEMPTS - 1,
        activeDeadlineSeconds: plan.timeoutSeconds,
        podFailurePolicy: {
          rules: [
            {
              action: 'FailJob',
              onExitCodes: { containerName: plan.role, operator: 'In', values: DEFINITE_FAILURES },
            },
          ],
        },
        template: podTemplate(
          plan,
          { user: NODE_USER, spec: { restartPolicy: 'Never' }, containers: [container] },
          context,
        ),
      },
    },
    { ...options, customTimeouts: { create: `${plan.timeoutSeconds + EXTRA_SECONDS}s` } },
  );
}
