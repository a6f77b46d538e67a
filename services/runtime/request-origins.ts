/**
 * Which HTTP requests may come in at all. Every page that a user has open can make the browser connect to ports of that user's
 * machine: a browser names the page's origin whenever it opens a WebSocket, and no other program does.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

export interface Visitors {
  /** Pages that may come in, by origin. */
  readonly origins: readonly string[];
  /**
   * Names by which the port may be reached, besides addresses and localhost; undefined: any. A page whose own name was made to
   * lead here (DNS rebinding) shows by it.
   */
  readonly hostNames: readonly string[] | undefined;
}

/** The word for a port that nothing but programs is to use, however they reach it. */
export const PROGRAMS_ONLY: Visitors = { origins: [], hostNames: undefined };

/** Why a request may not come in, in words; undefined if it may. */
export function refuseVisitor(headers: IncomingHttpHeaders, { origins, hostNames }: Visitors): string | undefined {
  const { origin, host } = headers;
  if (origin !== undefined && !origins.includes(origin)) {
    return `pages of ${shown(origin)} may not use this port: add the origin to dpr:allowedOrigins to let them use public ports`;
  }
  if (hostNames === undefined || host === undefined || isOwnName(nameOf(host), hostNames)) return undefined;
  return `${shown(host)} is not a name of this cluster: use localhost or an IP address, or add the name to dpr:hostNames`;
}

/** What `Host` says, without the port. */
function nameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

function isOwnName(name: string, hostNames: readonly string[]): boolean {
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || hostNames.includes(name);
}

const SHOWN_CHARACTERS = 100;

function shown(text: string): string {
  return `'${text.slice(0, SHOWN_CHARACTERS)}'`;
}
