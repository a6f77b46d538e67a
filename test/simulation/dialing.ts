/** What a process dials: production's socket of frames, on a simulated connection. */
import {
  openConnection,
  type Connection,
  type ConnectionOwner,
  type Greeting,
} from '../../services/client/connection/connection.ts';
import { dialSocket } from '../../services/runtime/dial-socket.ts';
import type { DialedSocket, DialOptions, SocketUser } from '../../services/runtime/dialed-socket.ts';
import type { Host } from '../../services/runtime/host.ts';
import { RECEIVE_TIMEOUT_MS } from '../../services/runtime/keep-alive.ts';
import { createSimHost } from './host.ts';
import { connectSim, type Dialing } from './network.ts';
import type { Process } from './scheduler.ts';
import type { World } from './world.ts';

export function dialSim(host: Host, dialing: Dialing, options: DialOptions, user: SocketUser): DialedSocket {
  return dialSocket(host, () => connectSim(dialing), options, user);
}

/** A connection of a process that is no program of production's. */
export type Call = Pick<Connection, 'send' | 'close'>;

export interface Caller extends Partial<Pick<ConnectionOwner, 'opened' | 'frames'>> {
  /** Once, unless this side closed it: it ended, or never began. */
  ended(): void;
}

/** How long such a process waits for the answer to its greeting, ms. */
const ANSWER_MS = 3_000;

/** Connect and greet. */
export function call(
  world: World,
  process: Process,
  find: Dialing['find'],
  role: Greeting['role'],
  caller: Caller,
): Call {
  const host = createSimHost(world, process, {
    wall: () => world.scheduler.now,
    dial: (options, user) => dialSim(host, { world, process, find, enter: host.enter }, options, user),
  });
  return openConnection(
    {
      ...{ host, address: 'simulated', ca: undefined },
      greeting: { role, cluster: undefined, token: '' },
      timing: { attemptTimeoutMs: ANSWER_MS, receiveTimeoutMs: RECEIVE_TIMEOUT_MS },
    },
    {
      opened: (welcome) => caller.opened?.(welcome),
      frames: (messages) => caller.frames?.(messages),
      closed: () => caller.ended(),
    },
  );
}
