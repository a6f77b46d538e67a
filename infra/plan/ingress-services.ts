import type { Config } from '../config.ts';
import { CERTIFICATE_NAME, INGRESS_NAME, labelsOf } from './names.ts';
import type { IngressRoute } from './nginx-configuration.ts';

type Texts = Readonly<Record<string, string>>;
type ServicePort = { readonly name: string; readonly port: number; readonly targetPort: number };

/** A Service in front of NGINX. */
export type PlannedService = {
  readonly name: string;
  readonly annotations: Texts;
  readonly type: Config['ingress']['serviceType'];
  /** Whether a node takes connections for its own pods only. */
  readonly isLocal: boolean;
  readonly ports: readonly ServicePort[];
  /** Addresses of clients, each as CIDR; empty: all. */
  readonly sourceRanges: readonly string[];
  /** The one that the load balancer is to have; undefined: any. */
  readonly address: string | undefined;
};

/** An object of cert-manager. */
export type PlannedCertificate = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Texts };
  readonly spec: object;
};

/** The definition without which a Kubernetes cluster takes no certificates. */
export const CERTIFICATE_DEFINITION = 'certificates.cert-manager.io';
/** How clouds are told that a load balancer is for their own network alone; each reads its own. */
const INTERNAL: Texts = {
  'service.beta.kubernetes.io/azure-load-balancer-internal': 'true',
  'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',
  'networking.gke.io/load-balancer-type': 'Internal',
};
/** Azure no longer reads the field of the Service; others do. */
const AZURE_ADDRESS = {
  4: 'service.beta.kubernetes.io/azure-load-balancer-ipv4',
  6: 'service.beta.kubernetes.io/azure-load-balancer-ipv6',
};
/** MetalLB lets Services have one address where they say the same word here; Azure lets all. */
const SHARED_ADDRESS = 'metallb.io/allow-shared-ip';
const EXTERNAL_DNS = 'external-dns.alpha.kubernetes.io/hostname';

/**
 * The Services that offer the public ports, the one that pods of the cluster use first.
 *
 * Where a cloud takes only so many ports per Service, that one is for the cluster alone, and each range of `portsPerService` port numbers
 * has a load balancer's at the same address. So a port never moves to another Service, whatever workers come and go.
 */
export function planServices({ ingress }: Config, routes: readonly IngressRoute[]): readonly PlannedService[] {
  const { portsPerService } = ingress;
  const all = routes.map(({ name, port }) => ({ name, port, targetPort: port }));
  if (portsPerService === undefined) return [outside(ingress, INGRESS_NAME, all)];
  const inside = { ...UNASKED, name: INGRESS_NAME, type: 'ClusterIP' as const, ports: all };
  const rangeOf = ({ port }: ServicePort) => Math.floor(port / portsPerService) * portsPerService;
  const ranges = [...new Set(all.map(rangeOf))].toSorted((a, b) => a - b);
  const shared = ranges.map((first) => {
    const ports = all.filter((port) => rangeOf(port) === first);
    const service = outside(ingress, `${INGRESS_NAME}-${first}`, ports);
    return { ...service, annotations: { [SHARED_ADDRESS]: INGRESS_NAME, ...service.annotations } };
  });
  return [inside, ...shared];
}

const UNASKED = { annotations: {}, isLocal: false, sourceRanges: [], address: undefined };

function outside(ingress: Config['ingress'], name: string, ports: readonly ServicePort[]): PlannedService {
  const { serviceType: type, clientAddresses, hostname, address, isInternal, sourceRanges } = ingress;
  return {
    name,
    type,
    annotations: {
      ...(hostname === undefined ? {} : { [EXTERNAL_DNS]: hostname }),
      ...(isInternal ? INTERNAL : {}),
      ...(address === undefined ? {} : { [AZURE_ADDRESS[address.includes(':') ? 6 : 4]]: address }),
      ...ingress.annotations,
    },
    // Another node would put its own address in place of the client's.
    isLocal: clientAddresses === 'proxied' && type !== 'ClusterIP',
    ports,
    sourceRanges,
    address,
  };
}

/** What cert-manager is asked for; undefined: nothing. */
export function planCertificate({ ingress }: Config): PlannedCertificate | undefined {
  const { certificate, hostname, tlsSecretName } = ingress;
  if (certificate === undefined) return undefined;
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name: CERTIFICATE_NAME, labels: labelsOf('ingress', INGRESS_NAME) },
    spec: {
      secretName: tlsSecretName,
      dnsNames: [hostname],
      issuerRef: { group: 'cert-manager.io', kind: certificate.kind, name: certificate.issuer },
      privateKey: { rotationPolicy: 'Always' },
    },
  };
}
