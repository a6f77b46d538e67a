import { StatefulSet } from '@pulumi/kubernetes/apps/v1/statefulSet.js';
import { Service } from '@pulumi/kubernetes/core/v1/service.js';
import type { input } from '@pulumi/kubernetes/types/index.js';
import type { Resource } from '@pulumi/pulumi';
import { PODS_NAME, type PlannedProcess } from '../plan/index.ts';
import { type ClusterContext, imageName } from './cluster-context.ts';
import { environmentOf, NODE_USER, probes, resourcesOf, RESTRICTED_CONTAINER } from './pod-settings.ts';
import { type OwnPod, podTemplate } from './pod-template.ts';

const READY_LIMIT = '10m';

/** A StatefulSet of one pod with its volume, and the Service in front of it. */
export function createProcess(
  name: string,
  process: PlannedProcess,
  context: ClusterContext,
  parent: Resource,
): Service {
  const metadata = { name: process.name, namespace: context.namespace, labels: process.labels };
  new StatefulSet(
    `${name}-set`,
    {
      metadata,
      // Of these, only the template and the retention policy can change; Kubernetes takes anything else for another set.
      spec: {
        replicas: 1,
        serviceName: PODS_NAME,
        podManagementPolicy: 'Parallel', // a pod that is not ready must not keep a better one from its place
        selector: { matchLabels: process.selector },
        template: podTemplate(process, ownPod(process, context), context),
        volumeClaimTemplates: [claim(process)],
        persistentVolumeClaimRetentionPolicy: {
          whenDeleted: process.volume.keep ? 'Retain' : 'Delete',
          whenScaled: 'Retain',
        },
      },
    },
    { parent, customTimeouts: { create: READY_LIMIT, update: READY_LIMIT } },
  );
  return new Service(
    `${name}-service`,
    {
      // Whether the pod is ready is the StatefulSet's to wait for.
      metadata: { ...metadata, annotations: { 'pulumi.com/skipAwait': 'true' } },
      // The port itself tells whether it serves: it opens when the process has recovered. Kubernetes learns that by its probes,
      // a second or two later, and by then clients are long back.
      spec: {
        ...context.serviceFamilies,
        selector: process.selector,
        ports: servicePorts(process),
        publishNotReadyAddresses: true,
      },
    },
    { parent },
  );
}

function ownPod(process: PlannedProcess, context: ClusterContext): OwnPod {
  return {
    user: NODE_USER,
    // An administrator's shell in the pod can signal the process, SIGKILL and SIGSTOP too: process 1 would be immune to them.
    spec: { shareProcessNamespace: true },
    containers: [
      {
        ...RESTRICTED_CONTAINER,
        ...probes(),
        name: process.role,
        image: imageName(process.image, context),
        env: [...environmentOf(process.environment, context), POD_UID],
        ports: Object.entries(process.ports).map(([name, containerPort]) => ({ name, containerPort })),
        resources: resourcesOf(process.resources),
        volumeMounts: [{ name: process.volume.claim, mountPath: process.volume.mountPath }],
        // The last thing that one which failed says is why, and `kubectl describe pod` shows it.
        terminationMessagePolicy: 'FallbackToLogsOnError',
      },
    ],
  };
}

/** By this a worker that left the cluster knows, when its container is started again, that it is still the same pod. */
const POD_UID = { name: 'DPR_POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } };

function claim({ volume }: PlannedProcess): input.core.v1.PersistentVolumeClaim {
  return {
    metadata: { name: volume.claim },
    spec: {
      accessModes: [volume.accessMode],
      resources: { requests: { storage: volume.size } },
      ...(volume.storageClass === undefined ? {} : { storageClassName: volume.storageClass }),
    },
  };
}

function servicePorts({ ports }: PlannedProcess): input.core.v1.ServicePort[] {
  const served = Object.entries(ports).filter(([name]) => name !== 'admin');
  return served.map(([name, port]) => ({ name, port, targetPort: name }));
}
