import { z } from 'zod';
import { ingressPod } from './pod.ts';
import { cidr, flag, hostName, ipAddress, kubernetesName, named, record, text, whole } from './values.ts';
import { containerResources } from './worker.ts';

/** More than any cloud takes; Kubernetes itself sets no limit. */
const MAX_PORTS_PER_SERVICE = 10_000;

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
  /** The name that clients use. */
  hostname: hostName.optional(),
  /** What cert-manager is asked for: a certificate of `hostname`. */
  certificate: record('who issues the certificate: { issuer, kind }', {
    issuer: kubernetesName('an issuer of cert-manager'),
    kind: z.enum(['ClusterIssuer', 'Issuer'], { error: 'must be ClusterIssuer or Issuer' }).default('ClusterIssuer'),
  }).optional(),
  /** The load balancer's own, which has to be there already. */
  address: ipAddress.optional(),
  /** Whether the load balancer is for the cloud's own network alone. */
  internal: flag.default(false),
  /** Who may connect to the load balancer; all, where there are none. */
  sourceRanges: z.array(cidr, { error: 'must list ranges of addresses, such as ["203.0.113.0/24"]' }).default([]),
  /** So many port numbers have a Service of a load balancer of their own. */
  portsPerService: whole(1, MAX_PORTS_PER_SERVICE).optional(),
  ...containerResources,
  pod: ingressPod,
}).prefault({});
