/** A port whose connections carry bytes of a protocol that is its user's business. Who may connect, and stay, is decided as at every port. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { bindPort } from './bind-port.ts';
import { originOf, type ClientAddresses } from './client-address.ts';
import { createAdmission, type Place } from './connection-admission.ts';
import { readFirstBytes } from './proxy-detection.ts';
import type { Places } from './connection-places.ts';
import { checkDescriptors, doorStop } from './descriptors.ts';
import type { Tokens } from './environment.ts';
import { clientHello, type Refusal } from './greeting.ts';
import { LISTENER_LIMITS } from './listener-limits.ts';
import type { Log } from './log.ts';

export interface BytePortOptions {
  /** The address to bind. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** What it is for, such as `RESP port`. */
  readonly what: string;
  readonly log: Log;
  readonly tokens: Tokens;
  /** Shared with the process's other ports. */
  readonly places: Places;
  readonly addresses: ClientAddresses;
  /** How many connections there may be. */
  readonly connections: number;
}

/** A connection that was accepted. */
export interface Guest {
  readonly socket: Socket;
  /** Where it comes from; undefined: that is not known, or says nothing. */
  readonly origin: string | undefined;
  /** It shows a token, and wants to stay. @param giveWay closes it @returns its place, or why it may not */
  readonly greet: (token: string, giveWay: () => void) => Place | Refusal;
}

export interface BytePort {
  readonly port: number;
  /** Guests that have a place. */
  connections(): number;
  /** Take no more connections; those that there are, are its user's to end. Resolves once the last is gone. */
  close(): Promise<void>;
}

/** @throws ProcessError when the port cannot be bound, or the process may have too few connections */
export async function openBytePort(options: BytePortOptions, accept: (guest: Guest) => void): Promise<BytePort> {
  const { log, tokens, places, addresses, connections, what } = options;
  checkDescriptors();
  const doorkeeper = { roles: ['client'], elsewhere: 'clients only', tokens } as const;
  const admission = createAdmission({ ...doorkeeper, log, places, door: doorStop(log) }, connections);
  const firstBytes = readFirstBytes({ addresses, admission, helloMs: LISTENER_LIMITS.helloMs, log });

  function serve(socket: Socket): void {
    accept({
      socket,
      origin: admission.originOf(socket), // which forgets it once there is a place
      greet: (token, giveWay) => admission.greet(socket, clientHello(token), giveWay),
    });
  }

  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    // Only a proxy that names clients begins by itself: others may say nothing for as long as they like.
    if (addresses === 'proxied') return firstBytes.accept(socket, () => serve(socket));
    admission.accept(socket, addresses === 'hidden' ? undefined : originOf(socket.remoteAddress));
    if (socket.destroyed) return;
    socket.once('close', () => admission.left(socket));
    serve(socket);
  });
  await bindPort(server, what, options);
  server.on('error', (error) => log.error({ event: 'listenerFailed', reason: error.message }));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => admission.greeted(),
    async close() {
      firstBytes.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
