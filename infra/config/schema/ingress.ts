import { z } from 'zod';
import { kubernetesName, named, record, text, whole } from './values.ts';
import { resources } from './worker.ts';

/** What `dpr:ingress` can say. */
export const ingress = record('what the ingress has', {
  serviceType: z
    .enum(['LoadBalancer', 'NodePort', 'ClusterIP'], { error: 'must be LoadBalancer, NodePort or ClusterIP' })
    .default('LoadBalancer'),
  tlsSecretName: kubernetesName('a TLS secret').optional(),
  /** Whether NGINX sees the addresses of clients, and tells the Finder and workers of them. */
  clientAddresses: z
    .enum(['hidden', 'proxied'], {
      error: 'must be hidden, or proxied where the load balancer lets the addresses of clients through',
    })
    .default('hidden'),
  replicas: whole(1, 100).default(1),
  /** Of its Service, for what a cloud's load balancers want to be told. */
  annotations: named(text, 'must map annotations to texts').default({}),
  cpu: resources.cpu,
  memory: resources.memory,
}).prefault({});
