import { type Problem, shown } from './problems.ts';
import type { Subject } from './subject.ts';

/** Keys that only a load balancer's Service can do anything with. */
const OF_LOAD_BALANCERS = ['address', 'internal', 'sourceRanges', 'portsPerService'] as const;

/** What of `dpr:ingress` does not go together. */
export function ingressProblems({ written, config }: Subject): Problem[] {
  const { serviceType, hostname, certificate, address, portsPerService, sourceRanges, internal } = written.ingress;
  const said = { address, portsPerService, internal: internal || undefined, sourceRanges: sourceRanges[0] };
  const strays = serviceType === 'LoadBalancer' ? [] : OF_LOAD_BALANCERS.filter((key) => said[key] !== undefined);
  const problems = strays.map((key) => ({
    key: `dpr:ingress.${key}`,
    text: `is for a load balancer, and dpr:ingress.serviceType is ${serviceType}: remove it, or set serviceType: LoadBalancer`,
  }));
  if (certificate !== undefined && hostname === undefined) {
    const text = 'is missing, and a certificate is for a name: set the one that clients use';
    problems.push({ key: 'dpr:ingress.hostname', text });
  }
  if (portsPerService !== undefined && address === undefined) {
    const text =
      'is missing, and without it each Service of portsPerService would have another one: set one that the cloud keeps for you';
    problems.push({ key: 'dpr:ingress.address', text });
  }
  return [...problems, ...familyProblems(address, config.ipFamilies)];
}

function familyProblems(address: string | undefined, families: readonly string[] = ['IPv4']): Problem[] {
  if (address === undefined) return [];
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  if (families.includes(family)) return [];
  const text = `is ${shown(address)}, and the Services have ${families.join(' and ')}: add ${family} to dpr:ipFamilies, or give another address`;
  return [{ key: 'dpr:ingress.address', text }];
}
