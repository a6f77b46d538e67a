/** IPv4, IPv6, or both: what Services have, and what processes bind. */
import type { Config } from '../config.ts';

/** What every Service is asked for; empty: what the Kubernetes cluster gives by itself. */
export type ServiceFamilies = { readonly ipFamilyPolicy?: string; readonly ipFamilies?: string[] };

type Families = Pick<Config, 'ipFamilies'>;

export function serviceFamilies({ ipFamilies }: Families): ServiceFamilies {
  if (ipFamilies === undefined) return {};
  return { ipFamilyPolicy: ipFamilies.length === 1 ? 'SingleStack' : 'RequireDualStack', ipFamilies: [...ipFamilies] };
}

/** The address that takes connections of every family that the cluster has. */
export function everyAddress({ ipFamilies = ['IPv4'] }: Families): string {
  return ipFamilies.includes('IPv6') ? '::' : '0.0.0.0'; // of IPv6's, connections by IPv4 are taken too
}

/** What NGINX listens at, for each family. */
export function listenAddresses({ ipFamilies = ['IPv4'] }: Families): readonly string[] {
  return ipFamilies.map((family) => (family === 'IPv6' ? '[::]:' : ''));
}

/** A host as a URL has it. @param host a name or an address */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
