/** Connections from their first byte until it is known whether a proxy names the client, and who that is. */
import type { Socket } from 'node:net';
import type { Admission } from './connection-admission.ts';
import { originOf, type ClientAddresses } from './client-address.ts';
import type { Log } from './log.ts';
import { readProxyHeader, type ProxyHeader } from './proxy-header.ts';

export interface FirstBytes {
  /** @param serve goes on with the connection, if it may go on */
  accept(socket: Socket, serve: () => void): void;
  /** End those of which it is not known yet. */
  close(): void;
}

export interface FirstBytesOptions {
  readonly addresses: ClientAddresses;
  readonly admission: Admission;
  /** How long a connection may take for them. */
  readonly helloMs: number;
  readonly log: Log;
}

/**
 * Each connection may begin with a header, whatever `addresses` says, so that the proxy and the process may learn of each other in any
 * order. What the header says counts only where connections come through a proxy.
 */
export function readFirstBytes({ addresses, admission, helloMs, log }: FirstBytesOptions): FirstBytes {
  const waiting = new Set<Socket>();

  function isTaken(socket: Socket, header: Exclude<ProxyHeader, { kind: 'incomplete' }>): boolean {
    if (header.kind === 'malformed') {
      log.debug({ event: 'proxyHeaderRefused', reason: header.reason, from: socket.remoteAddress });
      socket.destroy();
      return false;
    }
    const isNamed = header.kind === 'header' && header.client !== undefined;
    if (isNamed && addresses === 'proxied') admission.comesFrom(socket, originOf(header.client));
    return true;
  }

  return {
    accept(socket, serve) {
      admission.accept(socket, addresses === 'hidden' ? undefined : originOf(socket.remoteAddress));
      if (socket.destroyed) return;
      socket.once('close', () => admission.left(socket));
      const end = (): void => void socket.destroy();
      const late = setTimeout(end, helloMs);
      const known = (): void => {
        clearTimeout(late);
        waiting.delete(socket);
      };
      waiting.add(socket);
      socket.on('error', () => undefined);
      socket.once('end', end);
      socket.once('close', known);
      readProxyHeader(socket, (header) => {
        known();
        socket.off('end', end);
        socket.off('close', known);
        if (isTaken(socket, header)) serve();
      });
    },
    close() {
      for (const socket of waiting) socket.destroy();
    },
  };
}
