/** What a process dials: production's socket of frames, on a simulated connection. */
import { draftOf, type Message } from '../../services/protocol/index.ts';
import { dialSocket } from '../../services/runtime/dial-socket.ts';
import type { DialedSocket, DialOptions, SocketUser } from '../../services/runtime/dialed-socket.ts';
import { CLOSE } from '../../services/runtime/frame-socket.ts';
import { greetSocket, type Greeter } from '../../services/runtime/greeted-socket.ts';
import type { Hello } from '../../services/runtime/greeting.ts';
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
export interface Call {
  /** Dropped unless it is greeted. */
  send(message: Message): void;
  close(): void;
}

export interface Caller extends Partial<Pick<Greeter, 'frames'>> {
  opened?(welcome: Parameters<Greeter['opened']>[0]): void;
  /** Once, unless this side closed it: it ended, or never began. */
  ended(): void;
}

/** How long such a process waits for the answer to its greeting, ms. */
const ANSWER_MS = 3_000;

/** Connect and greet. */
export function call(world: World, process: Process, find: Dialing['find'], role: Hello['role'], caller: Caller): Call {
  const host = createSimHost(world, process, {
    wall: () => world.scheduler.now,
    dial: (options, user) => dialSim(host, { world, process, find, enter: host.enter }, options, user),
  });
  let isGreeted = false;
  let isLeft = false;
  const socket = greetSocket(
    host,
    {
      ...{ address: 'simulated', receiveTimeoutMs: RECEIVE_TIMEOUT_MS },
      ...{ answerMs: ANSWER_MS, answerCounts: 'from dialing' },
      hello: () => ({ role, cluster: undefined, stamp: undefined, token: '' }),
    },
    {
      opened(welcome) {
        isGreeted = true;
        caller.opened?.(welcome);
        return undefined;
      },
      refused: () => undefined,
      frames: (messages) => caller.frames?.(messages),
      drained: () => undefined,
      closed() {
        if (!isLeft) caller.ended();
      },
    },
  );
  return {
    send(message) {
      if (isGreeted) socket.send(draftOf(message));
    },
    close() {
      isLeft = true;
      socket.close(CLOSE.normal);
    },
  };
}
