/**
 * A port that speaks the protocol: accepts WebSockets, lets in the peers that greet rightly, and hands decoded frames to its owner.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_FRAME_BYTES } from '@dpr/protocol';
import { WebSocketServer } from 'ws';
import { createAdmission, type AdmissionOptions } from './admission.ts';
import type { ArrivalsUser } from './arrival-barrier.ts';
import type { Budgets } from './budget.ts';
import { cannotListen } from './cannot-listen.ts';
import type { ClientAddresses } from './client-address.ts';
import type { Owner } from './connection.ts';
import { checkDescriptors } from './descriptors.ts';
import { readFirstBytes } from './connection-preamble.ts';
import { CLOSE } from './frame-socket.ts';
import type { PeerRole } from './greeting.ts';
import { LISTENER_LIMITS, type ListenerLimits } from './listener-limits.ts';
import type { Log } from './log.ts';
import { servePeer, type Port } from './peer-connection.ts';
import { startSweeps } from './peer-sweeps.ts';
import { upgradeServer } from './upgrade-server.ts';
import { PROGRAMS_ONLY, type Visitors } from './request-origins.ts';

export interface ListenerOptions extends AdmissionOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** `PROGRAMS_ONLY` unless given. */
  readonly visitors?: Visitors;
  /** `own` unless given. */
  readonly addresses?: ClientAddresses;
  readonly limits?: Partial<ListenerLimits>;
  /** What peers of this role share, at all ports. */
  readonly budgetsOf?: (role: PeerRole) => Budgets;
  /** Is told when what clients had sent before has arrived. */
  readonly arrivals?: ArrivalsUser;
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
  const { log, visitors = PROGRAMS_ONLY, addresses = 'own', budgetsOf } = options;
  const limits = { ...LISTENER_LIMITS, ...options.limits };
  checkDescriptors();
  const sockets = webSockets(limits);
  const admission = createAdmission(options, limits.connections);
  const firstBytes = readFirstBytes({ addresses, admission, helloMs: limits.helloMs, log });
  const server = upgradeServer(
    { visitors, log, requestMs: limits.helloMs },
    (socket, serve) => firstBytes.accept(socket, serve),
    (request, socket, head) => sockets.handleUpgrade(request, socket, head, (ws) => servePeer(ws, socket, port)),
  );
  const sweeps = startSweeps(limits, options.arrivals);
  const port: Port = { owner, limits, admission, sweeps, log, budgetsOf };
  try {
    await bind(server, options);
  } catch (error) {
    sweeps.stop();
    throw cannotListen('port', options, error);
  }
  server.on('error', (error) => log.error({ event: 'listenerFailed', reason: error.message }));

  return {
    port: (server.address() as AddressInfo).port,
    connections: () => admission.greeted(),
    async close() {
      sweeps.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      firstBytes.close();
      server.closeIdleConnections();
      for (const frames of sweeps.peers()) frames.close(CLOSE.goingAway, 'the server stops');
      const late = setTimeout(() => {
        for (const ws of sockets.clients) ws.terminate();
        server.closeAllConnections();
      }, limits.closeMs);
      await closed;
      clearTimeout(late);
    },
  };
}

function webSockets({ pings }: ListenerLimits): WebSocketServer {
  const bounds = { maxPendingAutoPongs: pings }; // which the library's types lack
  const shared = { noServer: true, clientTracking: true, perMessageDeflate: false };
  return new WebSocketServer({ ...shared, maxPayload: MAX_FRAME_BYTES, ...bounds });
}

function bind(server: Server, { host, port }: Pick<ListenerOptions, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** Fail now if the port cannot be bound, rather than when it is needed. @throws ProcessError */
export async function checkPort(host: string, port: number, log: Log): Promise<void> {
  const noOwner: Owner = { opened: () => undefined, frames: () => undefined, closed: () => undefined };
  const trial = await listen({ host, port, log, roles: [], elsewhere: '', tokens: NO_TOKENS }, noOwner);
  await trial.close();
}

const NO_TOKENS = { control: undefined, client: undefined };
