/** Where simulated processes can be reached: production's port of peers, on simulated connections. */
import { limitBytes, type Budgets } from '../../services/runtime/budget.ts';
import { createPlaces, type Places } from '../../services/runtime/connection-places.ts';
import type { Owner } from '../../services/runtime/connection.ts';
import { RESERVED_DESCRIPTORS, type DoorStop } from '../../services/runtime/descriptors.ts';
import type { Doorkeeper, PeerRole } from '../../services/runtime/greeting.ts';
import { SILENT_INTERVALS } from '../../services/runtime/keep-alive.ts';
import type { ListenerLimits } from '../../services/runtime/listener-limits.ts';
import { openPeerPort, type PeerPortOptions } from '../../services/runtime/peer-port.ts';
import type { SimHost } from './host.ts';
import type { Acceptor, Link, SimSocket } from './network.ts';
import type { WorldOptions } from './options.ts';
import type { Process } from './scheduler.ts';
import type { World } from './world.ts';

export interface Port extends Acceptor {
  /** Close all connections after what was sent, and take no more. */
  close(): Promise<void>;
}

/** What the ports of a process share. */
export interface Sharing {
  readonly world: World;
  readonly process: Process;
  readonly host: SimHost;
  readonly places: Places;
  readonly door: DoorStop;
  /** Connections of the process. */
  readonly connections: Set<SimSocket>;
  readonly budgetsOf: (role: PeerRole) => Budgets;
}

/** @param clientsShare of the connections that the process may have */
export function sharePlaces(world: World, process: Process, host: SimHost, clientsShare: number): Sharing {
  const { maxProcessConnections: most, maxUnsentBytes, maxReceivedBytes } = world.options;
  const connections = new Set<SimSocket>();
  const clients = { unsent: limitBytes(maxUnsentBytes), received: limitBytes(maxReceivedBytes) };
  const others = { received: limitBytes(maxReceivedBytes) };
  return {
    ...{ world, process, host, connections },
    places: createPlaces(clientsShare, most + RESERVED_DESCRIPTORS),
    door: {
      most,
      hasRoom: (more = 0) => connections.size + more < most,
      refused: (why) => world.reached(`refused: ${why.replace(/.*:/, '').replace(/\d+/g, 'n')}`),
    },
    budgetsOf: (role) => (role === 'client' ? clients : others),
  };
}

/** @param arrivals is told when all that peers had sent before has arrived */
export function openPort(
  { world, process, host, places, door, connections, budgetsOf }: Sharing,
  roles: Doorkeeper['roles'],
  owner: Owner,
  arrivals?: PeerPortOptions['arrivals'],
): Port {
  const peers = openPeerPort(
    host,
    {
      ...{ roles, elsewhere: '', tokens: { client: undefined, control: undefined } },
      ...{ places, door, budgetsOf, arrivals, limits: limitsOf(world.options) },
      log: { debug: () => undefined },
    },
    owner,
  );
  let isClosed = false;
  return {
    process,
    enter: host.enter,
    accept(socket) {
      if (isClosed) {
        socket.destroy();
        return;
      }
      const { admission } = peers;
      connections.add(socket);
      socket.onEnd(() => {
        connections.delete(socket);
        admission.left(socket);
      });
      admission.accept(socket, originOf(world, socket.link));
      if (!socket.isOver()) peers.serve(socket, socket);
    },
    close() {
      isClosed = true;
      return peers.close();
    },
  };
}

function limitsOf(options: WorldOptions): Partial<ListenerLimits> {
  const { helloMs, messageMs, unreadMs, pauseBytes, closeBytes, inputTurnMs, maxConnections, pingMs } = options;
  const receiveTimeoutMs = SILENT_INTERVALS * pingMs;
  const buffers = { pauseBytes, closeBytes, inputTurnMs };
  return { helloMs, messageMs, unreadMs, ...buffers, connections: maxConnections, receiveTimeoutMs };
}

/** Of all hostile clients. */
export const HOSTILE_ORIGIN = 'hostile';

/** Hostile clients have one address, and each other client has its own; where none is hostile, addresses say nothing. */
function originOf({ options }: World, link: Link | undefined): string | undefined {
  const name = link?.ends[0].process.name;
  if (options.hostileClients === 0 && options.intruders === 0) return undefined;
  return name?.startsWith(HOSTILE_ORIGIN) ? HOSTILE_ORIGIN : name;
}
