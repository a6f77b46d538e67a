/**
 * What production has its listener and its dialer for, on simulated connections: greetings, frames, and the end of a connection,
 * told to production's own owners and callers.
 */
import { draftOf, PROTOCOL_VERSION, type Message } from '../../services/protocol/index.ts';
import { createArrivals, type ArrivalsUser } from '../../services/runtime/arrival-barrier.ts';
import { backOff, type BackOff } from '../../services/runtime/back-off.ts';
import type { Caller } from '../../services/runtime/dialer.ts';
import type { Hello } from '../../services/runtime/greeting.ts';
import { SILENT_INTERVALS } from '../../services/runtime/keep-alive.ts';
import type { Connection, Owner } from '../../services/runtime/connection.ts';
import { closeEnd, connect, ping, sendOn, type End } from './network.ts';
import type { Process } from './scheduler.ts';
import type { World } from './world.ts';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;
const PAUSE_GROWTH = 1.25;

/** Where a process can be reached. */
export interface Port {
  readonly process: Process;
  readonly accept: (end: End) => void;
  /** Close all connections after what was sent, and take no more. */
  close(): void;
}

/** @param user is told when all that peers had sent before has arrived; without one no peer is pinged */
export function openPort(world: World, process: Process, owner: Owner, user?: ArrivalsUser): Port {
  let last = 0;
  const ends = new Set<End>();
  const arrivals = createArrivals<End>(user);
  /** Since the first peer came, which is when production's port is open. */
  let isSwept = false;
  let isClosed = false;

  /** As the listener does. */
  function sweep(): void {
    for (const end of arrivals.overdue(SILENT_INTERVALS)) {
      world.reached('disconnected for want of an answer');
      cutOff(end);
    }
    const question = arrivals.ask(ends);
    for (const end of ends) ping(world, end, question);
  }

  /** It does not wait until the peer has heard of it. */
  function cutOff(end: End): void {
    const { onClosed } = end;
    closeEnd(world, end);
    end.onClosed = () => undefined;
    world.scheduler.after(0, process, onClosed);
  }

  function sweepLater(): void {
    world.scheduler.after(world.options.pingMs, process, () => {
      if (isClosed) return;
      sweepLater();
      sweep();
    });
  }

  return {
    process,
    close() {
      isClosed = true;
      for (const end of ends) closeEnd(world, end);
    },
    accept(end) {
      if (isClosed) {
        closeEnd(world, end);
        return;
      }
      let connection: Connection | undefined;
      if (user !== undefined && !isSwept) sweepLater();
      isSwept = true;
      ends.add(end);
      end.onPong = (data) => arrivals.heard(end, data);
      end.onMessages = (messages) => {
        if (connection !== undefined) return owner.frames(connection, messages);
        const [hello, ...rest] = messages;
        if (hello?.kind !== 'hello' || rest.length > 0)
          throw new Error('a peer did not greet, and wait for the answer');
        connection = {
          number: ++last,
          origin: originOf(world, end.link.ends[0].process),
          send: (draft) => sendOn(world, end, draft),
          close: () => closeEnd(world, end),
          isOpen: () => end.open,
          watch: () => undefined,
        };
        owner.opened(connection, hello);
      };
      end.onClosed = () => {
        ends.delete(end);
        arrivals.gone(end);
        if (connection !== undefined) owner.closed(connection);
      };
    },
  };
}

/** Of all hostile clients. */
export const HOSTILE_ORIGIN = 'hostile';

/** Hostile clients have one address, and each other client has its own; where none is hostile, addresses say nothing. */
function originOf({ options }: World, { name }: Process): string | undefined {
  if (options.hostileClients === 0) return undefined;
  return name.startsWith(HOSTILE_ORIGIN) ? HOSTILE_ORIGIN : name;
}

/**
 * Pauses between attempts to connect grow as production's do: a server that is back is found soon, and a long outage costs few attempts.
 */
export function reconnectPauses({ random }: World): BackOff {
  return backOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, PAUSE_GROWTH, () => random.next());
}

/** A connection that was asked for. */
export interface Call {
  /** It was greeted, and has not ended. */
  readonly open: boolean;
  /** Dropped unless it is open. */
  send(message: Message): void;
  /** Nothing is heard of it any more. */
  close(): void;
}

export interface Calling extends Partial<Caller> {
  /** Instead of `frame`: what travelled together, in order. */
  frames?(messages: readonly Message[]): void;
  /** Once, unless this side closed it: it ended, or never began. */
  ended(): void;
}

/** Connect and greet. */
export function call(
  world: World,
  from: Process,
  { process, accept }: Pick<Port, 'process' | 'accept'>,
  hello: Omit<Hello, 'kind' | 'protocol'>,
  caller: Calling,
): Call {
  const end = connect(world, from, process, accept);
  let open = false;
  const answered = (message: Message): void => {
    if (message.kind === 'welcome') {
      open = true;
      return caller.opened?.(message);
    }
    if (message.kind !== 'error') throw new Error(`the answer to the greeting is '${message.kind}'`);
    caller.refused?.(message);
    closeEnd(world, end);
  };
  const take = (messages: readonly Message[]): void => {
    if (caller.frames !== undefined) return caller.frames(messages);
    for (const message of messages) if (open && end.open) caller.frame?.(message);
  };
  end.onMessages = (messages) => {
    if (open) return take(messages);
    const [answer, ...rest] = messages;
    if (answer !== undefined) answered(answer);
    if (rest.length > 0 && open && end.open) take(rest);
  };
  end.onClosed = () => {
    const wasOpen = open;
    open = false;
    if (wasOpen) caller.closed?.();
    caller.ended();
  };
  sendOn(world, end, draftOf({ kind: 'hello', protocol: PROTOCOL_VERSION, ...hello }));
  return {
    get open() {
      return open;
    },
    send(message) {
      if (open) sendOn(world, end, draftOf(message));
    },
    close() {
      open = false;
      end.onClosed = () => undefined;
      closeEnd(world, end);
    },
  };
}
