/** Where clients come from, as far as addresses say it: what a port and a worker share out, they share out among these. */
import { isIPv4, isIPv6 } from 'node:net';

/**
 * What the address of a connection says. `own`: it is the client's. `proxied`: of a connection with a header of the PROXY protocol that
 * is the client's which the header names, of others it is their own. `hidden`: all clients come from one address, which says nothing.
 */
export const CLIENT_ADDRESSES = ['own', 'proxied', 'hidden'] as const;
export type ClientAddresses = (typeof CLIENT_ADDRESSES)[number];

/** Of an IPv6 address: the network, since a client may have all the addresses of one. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** @returns the address, or the /64 of an IPv6 address; undefined for what is neither */
export function originOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const unmapped = MAPPED.exec(address)?.[1] ?? address;
  if (isIPv4(unmapped)) return unmapped;
  return isIPv6(unmapped) ? `${networkOf(unmapped)}::/64` : undefined;
}

function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  const [before, after] = plain.split('::').map(groupsOf);
  const left = before ?? [];
  const right = after ?? [];
  const between = Array.from({ length: GROUPS - left.length - right.length }, () => 0);
  const groups = [left, between, right].flat().slice(0, NETWORK_GROUPS);
  return groups.map((group) => group.toString(16)).join(':');
}

function groupsOf(part: string): number[] {
  if (part === '') return [];
  // An IPv4 address at the end has two groups, which the network does not reach to.
  return part.split(':').flatMap((group) => (group.includes('.') ? [0, 0] : [parseInt(group, 16)]));
}
