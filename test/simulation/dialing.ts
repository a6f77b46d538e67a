/** A socket that a process dials, on a simulated connection: production's code is above its messages. */
import type { Draft, Message } from '../../services/protocol/index.ts';
import type { DialedSocket, SocketUser } from '../../services/runtime/dial-socket.ts';
import { closeEnd, connect, sendOn, type End } from './network.ts';
import type { Process } from './scheduler.ts';
import type { Port } from './sockets.ts';
import type { World } from './world.ts';

export interface Dialing {
  readonly world: World;
  readonly process: Process;
  /** The port at the address, when the connection is made; `deaf`: one that accepts and never answers. */
  readonly find: () => Port | 'deaf' | undefined;
  /** Let something happen in the process. */
  readonly enter: (run: () => void) => void;
}

export interface SimSocket extends DialedSocket {
  /** @returns what was sent; undefined if the socket is not open */
  send(draft: Draft): Message | undefined;
}

/** The status code of a WebSocket that ended without one. */
const ABNORMAL = 1006;

export function dialSim({ world, process, find, enter }: Dialing, user: SocketUser): SimSocket {
  const { scheduler } = world;
  let end: End | undefined;
  let isOver = false;

  function open(): void {
    if (isOver) return;
    const port = find();
    if (port === undefined) return over(Object.assign(new Error('no process listens'), { code: 'ECONNREFUSED' }));
    if (port === 'deaf') return user.opened();
    end = connect(world, process, port.process, port.accept);
    end.onMessages = (messages) => enter(() => user.frames(messages));
    end.onClosed = () => enter(() => over(undefined));
    user.opened();
  }

  function over(reason: Error | undefined): void {
    if (isOver) return;
    isOver = true;
    user.closed(reason, ABNORMAL);
  }

  /** The socket is gone at once, and its user hears of that when the present step is over. */
  function endNow(reason: Error | undefined): void {
    if (end !== undefined) {
      end.onClosed = () => undefined;
      closeEnd(world, end);
    }
    scheduler.after(0, process, () => enter(() => over(reason)));
  }

  scheduler.after(world.networkDelay(), process, () => enter(open));
  return {
    send: (draft) => (end === undefined ? undefined : sendOn(world, end, draft)),
    close: () => endNow(undefined),
    giveUp: endNow,
    isOpen: () => end?.open === true,
    unsentBytes: () => 0,
  };
}
