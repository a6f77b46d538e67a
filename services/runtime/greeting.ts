/** Who may come in: the protocol's version, the role's port, and the token that is asked for. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { PROTOCOL_VERSION, type ErrorCode, type MessageOf } from '@dpr/protocol';
import type { Tokens } from './environment.ts';

export type Hello = MessageOf<'hello'>;
export type PeerRole = Hello['role'];

/** The greeting of a client that knows nothing of the cluster. */
export function clientHello(token: string): Hello {
  return { kind: 'hello', protocol: PROTOCOL_VERSION, role: 'client', cluster: undefined, stamp: undefined, token };
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly text: string;
  readonly detail: number;
}

export interface Doorkeeper {
  /** Roles that may greet at this port. */
  readonly roles: readonly PeerRole[];
  /** Where the others go, in words. */
  readonly elsewhere: string;
  readonly tokens: Tokens;
}

/** Why the peer may not come in; undefined if it may. */
export function refuse({ roles, elsewhere, tokens }: Doorkeeper, hello: Hello): Refusal | undefined {
  const { protocol, role, token } = hello;
  if (protocol !== PROTOCOL_VERSION) {
    const text = `this server speaks version ${PROTOCOL_VERSION} of the protocol, and the peer version ${protocol}`;
    return { code: 'unsupportedVersion', text, detail: PROTOCOL_VERSION };
  }
  if (!roles.includes(role)) {
    return { code: 'unauthorized', text: `the role '${role}' may not greet at this port; ${elsewhere}`, detail: 0 };
  }
  const kind = role === 'client' ? 'client' : 'control';
  const wanted = tokens[kind];
  if (wanted === undefined || equalInConstantTime(token, wanted)) return undefined;
  const text = token === '' ? `the ${kind} token is missing` : `this is not the ${kind} token of the cluster`;
  return { code: 'unauthorized', text, detail: 0 };
}

/** The time that it takes says nothing about where two tokens differ. */
function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
