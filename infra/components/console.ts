import { Deployment } from '@pulumi/kubernetes/apps/v1/deployment.js';
import { Service } from '@pulumi/kubernetes/core/v1/service.js';
import type { input } from '@pulumi/kubernetes/types/index.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { PlannedConsole } from '../plan/index.ts';
import { type ClusterContext, imageName } from './cluster-context.ts';
import { environmentOf, NODE_USER, resourcesOf, RESTRICTED_CONTAINER } from './pod-settings.ts';
import { podTemplate } from './pod-template.ts';

export interface ConsoleArgs extends ClusterContext {
  /** Its names, port, image and environment. */
  readonly plan: PlannedConsole;
}

const PORT_NAME = 'http';
/** Of the Service, and so what `kubectl port-forward` is told. */
const SERVICE_PORT = 80;

/**
 * The console: a Deployment of one, and a Service that nothing in the cluster may use. People reach it by `kubectl port-forward`, and
 * change something with the control token.
 */
export class Console extends ComponentResource {
  constructor(name: string, { plan, ...context }: ConsoleArgs, options?: ComponentResourceOptions) {
    super('dpr:index:Console', name, {}, options);
    const metadata = { name: plan.name, namespace: context.namespace, labels: plan.labels };
    const own = { parent: this };
    new Deployment(
      `${name}-deployment`,
      {
        metadata,
        spec: {
          replicas: 1,
          selector: { matchLabels: plan.selector },
          template: podTemplate(plan, { user: NODE_USER, containers: [container(plan, context)] }, context),
        },
      },
      own,
    );
    new Service(
      `${name}-service`,
      {
        metadata,
        spec: {
          ...context.serviceFamilies,
          selector: plan.selector,
          ports: [{ name: PORT_NAME, port: SERVICE_PORT, targetPort: PORT_NAME }],
        },
      },
      own,
    );
    this.registerOutputs({});
  }
}

function container(plan: PlannedConsole, context: ClusterContext): input.core.v1.Container {
  return {
    ...RESTRICTED_CONTAINER,
    name: 'console',
    image: imageName(plan.image, context),
    args: [...plan.arguments],
    env: environmentOf(plan.environment, context),
    ports: [{ name: PORT_NAME, containerPort: plan.port }],
    readinessProbe: { httpGet: { path: '/', port: PORT_NAME } },
    livenessProbe: { httpGet: { path: '/', port: PORT_NAME }, timeoutSeconds: 3 },
    resources: resourcesOf(plan.resources),
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}
