/** Settings of the ingress and of addresses that cannot be used, and what is said of each. */
import type { Mistake } from './mistakes.ts';

const ONE = { workers: [{ id: 0 }] };

export const INGRESS_MISTAKES: readonly Mistake[] = [
  {
    what: 'settings of a load balancer where there is none',
    target: 'kubernetes',
    raw: {
      ...ONE,
      ingress: {
        serviceType: 'ClusterIP',
        address: '203.0.113.7',
        internal: true,
        sourceRanges: ['10.0.0.0/8'],
        portsPerService: 50,
      },
    },
    says: ['address', 'internal', 'sourceRanges', 'portsPerService'].map(
      (key) =>
        `dpr:ingress.${key} is for a load balancer, and dpr:ingress.serviceType is ClusterIP: remove it, or set serviceType: LoadBalancer`,
    ),
  },
  {
    what: 'what a load balancer cannot be told',
    raw: {
      ...ONE,
      ingress: { address: '203.0.113.7/32', sourceRanges: ['10.0.0.0'], portsPerService: 0, hostname: 'Dpr' },
    },
    says: [
      'dpr:ingress.hostname is "Dpr": it must be a host name in lower case and without a port, such as "devbox.lan"',
      'dpr:ingress.address is "203.0.113.7/32": it must be an address, such as "203.0.113.7"',
      'dpr:ingress.sourceRanges[0] is "10.0.0.0": it must be a range of addresses, such as "203.0.113.0/24"',
      'dpr:ingress.portsPerService is 0: it must be a whole number from 1 to 10000',
    ],
  },
  {
    what: 'a certificate of no name',
    raw: { ...ONE, ingress: { certificate: { issuer: 'letsencrypt' } } },
    says: ['dpr:ingress.hostname is missing, and a certificate is for a name: set the one that clients use'],
  },
  {
    what: 'several Services without an address that they share',
    raw: { ...ONE, ingress: { portsPerService: 50 } },
    says: [
      'dpr:ingress.address is missing, and without it each Service of portsPerService would have another one: set one that the cloud keeps for you',
    ],
  },
  {
    what: 'an address that the Services cannot have',
    raw: { ...ONE, ingress: { address: '2001:db8::7' } },
    says: [
      'dpr:ingress.address is "2001:db8::7", and the Services have IPv4: add IPv6 to dpr:ipFamilies, or give another address',
    ],
  },
  ...[[], ['IPv6', 'IPv6']].map((ipFamilies) => ({
    what: `families of addresses that are ${ipFamilies.length === 0 ? 'none' : 'the same'}`,
    raw: { ...ONE, ipFamilies },
    says: [
      `dpr:ipFamilies is ${JSON.stringify(ipFamilies)}: it must list IPv4, IPv6 or both, the main one first, such as ["IPv6"]`,
    ],
  })),
];
