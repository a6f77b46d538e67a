/**
 * A port that speaks the protocol: accepts WebSockets, lets in the peers that greet rightly, and hands decoded frames to its owner.
 */
import type { AddressInfo } from 'node:net';
import { MAX_FRAME_BYTES } from '@dpr/protocol';
import { WebSocketServer } from 'ws';
import type { AdmissionOptions } from './connection-admission.ts';
import { bindPort } from './bind-port.ts';
import type { ClientAddresses } from './client-address.ts';
import { createPlaces } from './connection-places.ts';
import type { Owner } from './connection.ts';
import { checkDescriptors, doorStop } from './descriptors.ts';
import { readFirstBytes } from './proxy-detection.ts';
import type { ListenerLimits } from './listener-limits.ts';
import type { Log } from './log.ts';
import { nodeHost } from './node-host.ts';
import { openPeerPort, type PeerPortOptions } from './peer-port.ts';
import { upgradeServer } from './upgrade-server.ts';
import { PROGRAMS_ONLY, type Visitors } from './request-origins.ts';
import { acceptedSocket } from './web-socket.ts';

export interface ListenerOptions extends Omit<PeerPortOptions, 'log' | 'door' | 'places'> {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Log;
  /** Shared with the process's other ports, if it has any. */
  readonly places?: AdmissionOptions['places'];
  /** `PROGRAMS_ONLY` unless given. */
  readonly visitors?: Visitors;
  /** `own` unless given. */
  readonly addresses?: ClientAddresses;
}

export interface Listener {
  /** The port that it listens at. */
  readonly port: number;
  /** Connections that greeted. */
  connections(): number;
  /** Take no more connections, and close those that there are, after what was sent on them. */
  close(): Promise<void>;
}

/** @throws ProcessError when the port cannot be bound, or the process may have too few connections */
export async function listen(options: ListenerOptions, owner: Owner): Promise<Listener> {
  const { log, visitors = PROGRAMS_ONLY, addresses = 'own', places = createPlaces() } = options;
  checkDescriptors();
  const peers = openPeerPort(nodeHost, { ...options, door: doorStop(log), places }, owner);
  const { limits, admission } = peers;
  const sockets = webSockets(limits);
  const firstBytes = readFirstBytes({ addresses, admission, helloMs: limits.helloMs, log });
  const server = upgradeServer(
    { visitors, log, requestMs: limits.helloMs },
    (socket, serve) => firstBytes.accept(socket, serve),
    (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => peers.serve(acceptedSocket(ws, socket), socket)),
  );
  try {
    await bindPort(server, 'port', options);
  } catch (error) {
    await peers.close();
    throw error;
  }
  server.on('error', (error) => log.error({ event: 'listenerFailed', reason: error.message }));

  return {
    port: (server.address() as AddressInfo).port,
    connections: () => admission.greeted(),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      firstBytes.close();
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), limits.closeMs);
      await Promise.all([peers.close(), closed]);
      clearTimeout(late);
    },
  };
}

function webSockets({ pings }: ListenerLimits): WebSocketServer {
  const bounds = { maxPendingAutoPongs: pings }; // which the library's types lack
  const shared = { noServer: true, clientTracking: false, perMessageDeflate: false };
  return new WebSocketServer({ ...shared, maxPayload: MAX_FRAME_BYTES, ...bounds });
}

/** Fail now if the port cannot be bound, rather than when it is needed. @throws ProcessError */
export async function checkPort(host: string, port: number, log: Log): Promise<void> {
  const noOwner: Owner = { opened: () => undefined, frames: () => undefined, closed: () => undefined };
  const trial = await listen({ host, port, log, roles: [], elsewhere: '', tokens: NO_TOKENS }, noOwner);
  await trial.close();
}

const NO_TOKENS = { control: undefined, client: undefined };
